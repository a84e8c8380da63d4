"""What an export worker is told; torch-free, since the parent may not need torch at all."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field

from attnbench.records import Reference
from attnbench_models import Recipe

ERROR = "error.json"
"""Where a worker leaves an error of ours for its parent, in the folder of its task."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker has to make: `file` and its manifest, in a folder of its own."""

    recipe: Recipe
    identity: str
    backend: str
    weights: str
    reference: Reference
    tools: dict[str, str]
    skip: tuple[str, ...]
    blocks: tuple[str, ...]
    file: str
    target: str = field(default_factory=platform.machine)
