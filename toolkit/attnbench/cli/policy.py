"""A policy: what a team's CI has to hold, as a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from attnbench.backends.formats import FORMATS
from attnbench.cli.border_options import NAMES
from attnbench.cli.latency_policy import Latency
from attnbench.cli.parity_policy import Accepted, Adjusted, check_parity
from attnbench.cli.subject import declared_from
from attnbench.cli.types import Size
from attnbench.errors import BadOption, UnknownName
from attnbench.files import read_toml
from attnbench.parity.adjustment import NOTHING, Adjustment
from attnbench.parity.matching import Declared
from attnbench.records import Triple


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One model of a policy: a recipe in the words of the command line, or a file with its reference.

    `name` is what the baseline calls it. `to` are backends, all of ours by default; `target` is the
    architecture to be fast on, this machine's by default; `devices` are names or profiles. Keys
    from `map` on are about a file, as in docs/foreign.md, but `latency`, which is held against a
    baseline of its own. Paths are relative to the working directory, as on the command line.
    """

    name: str
    block: str | None = None
    backbone: str | None = None
    options: dict[str, str | int | float | bool] = {}
    size: str | int | None = None
    batch: int | None = None
    width: float | None = None
    seed: int | None = None
    model: str | None = None
    checkpoint: str | None = None
    layout: str | None = None
    prune: float | None = None
    precision: str | None = None
    precisions: tuple[str, ...] | None = None
    keep_float: tuple[str, ...] = ()
    limits: Adjusted | None = None
    allowed_blind_spots: tuple[str, ...] | None = None
    accuracy: Accepted | None = None
    file: str | None = None
    to: tuple[str, ...] | None = None
    target: Literal["aarch64", "x86_64"] | None = None
    devices: tuple[str, ...] = ("host",)
    images: str | None = None
    names: dict[str, str] = msgspec.field(default_factory=dict, name="map")
    mean: Triple | None = None
    std: Triple | None = None
    bgr: bool = False
    file_mean: Triple | None = None
    file_std: Triple | None = None
    file_bgr: bool | None = None
    file_layout: Literal["nchw", "nhwc"] | None = None
    latency: Latency | None = None

    def variants(self) -> tuple[Check, ...]:
        """One check for each of its precisions."""
        if self.precisions is None:
            return (self,)
        return tuple(
            msgspec.structs.replace(
                self, name=f"{self.name} {precision}", precision=precision, precisions=None
            )
            for precision in self.precisions
        )

    def adjustment(self) -> Adjustment:
        """Its own limits, if it has any."""
        return NOTHING if self.limits is None else self.limits.adjustment()

    def declared(self) -> Declared:
        """What is said of the file, if it is one."""
        said = {name: getattr(self, name) for name in NAMES}
        return declared_from(said | {"names": _pairs(self.names)}, self.recipe())

    def recipe(self) -> dict[str, Any]:
        """What the options of a recipe would be. Raises BadOption."""
        try:
            size = None if self.size is None else Size().convert(str(self.size), None, None)
        except click.BadParameter as error:
            raise BadOption(f"model {self.name}: size: {error.message}") from error
        return {
            "block": self.block,
            "backbone": self.backbone,
            "reduction": None,
            "options": _pairs(self.options),
            "size": size,
            "batch": self.batch,
            "width": self.width,
            "seed": self.seed,
            "model": self.model,
            "checkpoint": None if self.checkpoint is None else Path(self.checkpoint),
            "layout": self.layout,
            "prune": self.prune,
            "precision": self.precision,
            "keep_float": () if self.precision in (None, "fp32") else self.keep_float,
        }


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The models to judge, the folder of their artifacts, and the file of the baseline.

    A baseline is what was delegated when it was last updated.
    """

    models: tuple[Check, ...]
    out: str = "artifacts"
    baseline: str | None = None


def read_policy(path: Path) -> Policy:
    """Read a policy; what is unknown or of the wrong type is an error. Raises BadOption."""
    table = read_toml(path, hint="docs/ci.md has one")
    try:
        policy = msgspec.convert(table, Policy)
    except msgspec.ValidationError as error:
        raise BadOption(f"{path}: {error}", hint="docs/ci.md describes the keys") from error
    _check(policy, path)
    models = tuple(one for check in policy.models for one in check.variants())
    return msgspec.structs.replace(policy, models=models)


def _check(policy: Policy, path: Path) -> None:
    names = [one.name for one in policy.models]
    if not names:
        raise BadOption(f"{path} has no [[models]], so there is nothing to judge")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadOption(f"{path}: two models are called {twice}")
    for one in policy.models:
        _check_model(one, f"{path}: model {one.name}")


def _check_model(check: Check, where: str) -> None:
    for backend in check.to or ():
        if backend not in FORMATS:
            raise UnknownName("backend", backend, FORMATS)
    if not (check.block or check.backbone or check.model):
        raise BadOption(f"{where} has neither block, backbone nor model")
    for key in ("to", "target"):
        if check.file is not None and getattr(check, key) is not None:
            raise BadOption(f"{where}: a file is what it is: leave `{key}` out")
    if check.precisions is not None and (check.precision or not check.precisions):
        raise BadOption(f"{where}: name its precision, or its precisions")
    check_parity(check.limits, check.precisions or (check.precision or "fp32",), check.to, where)
    if not check.devices:
        raise BadOption(f"{where} names no device")
    _check_gates(check, where)


def _check_gates(check: Check, where: str) -> None:
    if check.latency is not None:
        check.latency.terms(where)
    if check.accuracy is not None:
        check.accuracy.terms(where)


def _pairs(table: Mapping[str, str | float | bool]) -> tuple[str, ...]:
    """As the command line has them: `key=value`, and truths in lower case."""
    return tuple(
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, value in table.items()
    )
