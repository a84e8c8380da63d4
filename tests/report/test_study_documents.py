"""docs/json.md names every key of the studies' records, as deep as its examples go."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from attnbench.records.costs import AttentionCost
from attnbench.records.histories import History
from attnbench.records.losses import PrecisionLoss
from attnbench.records.papers import PaperTable
from attnbench.records.sweeps import Sweep
from tests.report.test_documents import DOCS

RECORDS = {
    "cost": ("costs", AttentionCost),
    "precision": ("losses", PrecisionLoss),
    "sweep": ("sweeps", Sweep),
    "table": ("tables", PaperTable),
    "history": ("histories", History),
}


def records_in(hint: Any) -> list[type]:
    """The record types that an annotation speaks of."""
    if is_dataclass(hint):
        return [hint]
    return [one for argument in get_args(hint) for one in records_in(argument)]


def compared(example: Any, kind: type) -> int:
    """Hold an example against a record's fields; how many records were held."""
    if "…" in example:
        return 0
    assert set(example) == {field.name for field in fields(kind)}, kind
    hints, held = get_type_hints(kind), 1
    for key, value in example.items():
        inner = records_in(hints[key])
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and inner:
                held += compared(one, inner[0])
    return held


@pytest.mark.parametrize("command", RECORDS)
def test_the_documentation_lists_every_key(command):
    entries, kind = RECORDS[command]
    section = DOCS.read_text().split(f"## `{command} --json`", 1)[1]
    example = json.loads(re.search(r"```json\n(.*?)```", section, re.DOTALL)[1])
    assert set(example) == {"schema", entries}
    assert compared(example[entries][0], kind) >= 3
