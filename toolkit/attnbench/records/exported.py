"""An exported model, and all that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attnbench.records.border import Border
from attnbench_models import Recipe

Kind = Literal["attention", "backbone"]

TARGETS = ("aarch64", "x86_64")
"""Architectures of devices, as `uname -m` says them."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """
    A tensor at the border of a model; `dtype` as NumPy spells it.

    `name` is what the artifact calls it, "" where nobody has asked; two that differ in nothing
    else are equal.
    """

    dtype: str
    shape: tuple[int, ...]
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the model that gets a time of its own: an nn.Module path."""

    path: str
    kind: Kind


def is_inside(path: str | None, block: str) -> bool:
    """Whether a module is the block or in it: a prefix on a dot boundary; None is in none."""
    return path is not None and f"{path}.".startswith(f"{block}.")


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Where one exported operator comes from.

    `value` is the name of its first output in the artifact, `operator` its kind there, `path` the
    nn.Module that called it ("" is the model itself, None unknown), `delegate` the ordinal of the
    delegate that it was put into (None: it runs outside), `inserted` whether the converter added
    it for a layout of its own.
    """

    value: str
    operator: str
    path: str | None
    delegate: int | None = None
    inserted: bool = False


@dataclass(frozen=True, slots=True)
class Undelegated:
    """An operator that fell out of the delegate, and why."""

    operator: str
    path: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """How many delegates a runtime makes of the artifact, and what runs outside them."""

    delegates: int
    delegated: int
    outside: tuple[Undelegated, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A rewrite that changed the exported graph, and the modules where it did."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The weights that the artifact was made from: a safetensors file beside it."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """
    An exported model. The digest, not the path, is its identity.

    `path` is absolute and not part of the manifest, which lies beside the file as `<file>.json`
    and holds everything else. A folder (Core ML) is digested over its sorted files. `output_names`
    are the model's own for its outputs, in their order; () if it has none. A file that others
    made has a `border`: `inputs` and `outputs` are the reference's then, not its own. `ranges` has
    of one in int8 between which numbers calibration saw each value of the exported graph. `target`
    is the architecture that its form was chosen for, "" where none was.
    """

    path: str
    backend: str
    sha256: str
    bytes: int
    recipe: Recipe
    recipe_key: str
    reference: Reference | None
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    tools: Mapping[str, str]
    rewrites: tuple[Applied, ...]
    blocks: tuple[Block, ...]
    scopes: tuple[Scope, ...]
    delegation: Delegation
    output_names: tuple[str, ...] = ()
    border: Border | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    target: str = ""
