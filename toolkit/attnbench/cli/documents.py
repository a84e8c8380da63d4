"""JSON documents of the commands that make no records; the schema is docs/json.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from attnbench.records import SCHEMA, Artifact

Document = dict[str, Any]

SHOWN = (
    "backend",
    "path",
    "sha256",
    "bytes",
    "delegation",
    "recipe",
    "rewrites",
    "target",
    "tools",
    "blocks",
)


def export_document(made: Sequence[Artifact]) -> Document:
    """`artifacts`: each with backend, path, sha256, bytes, delegation and how it was made."""
    records = [msgspec.to_builtins(one) for one in made]
    return {"schema": SCHEMA, "artifacts": [{key: one[key] for key in SHOWN} for one in records]}


def list_document(kind: str, rows: Iterable[Mapping[str, object]]) -> Document:
    """`blocks`, `backbones`, ...: each with its name and what else is known."""
    return {"schema": SCHEMA, kind: [dict(row) for row in rows]}
