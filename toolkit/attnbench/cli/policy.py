"""A policy: what a team's CI has to hold, as a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from attnbench.backends.formats import FORMATS
from attnbench.cli.types import Size
from attnbench.errors import BadOption, UnknownName
from attnbench.parity.matching import Declared
from attnbench.records import Pixels, Triple


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One model of a policy: a recipe in the words of the command line, or a file with its reference.

    `name` is what the baseline calls it. `to` are backends, all of ours by default; `devices` are
    names or profiles. Keys from `map` on are about a file, as in docs/foreign.md. Paths are
    relative to the working directory, as on the command line.
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
    file: str | None = None
    to: tuple[str, ...] | None = None
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

    def declared(self) -> Declared:
        """What is said of the file, if it is one."""
        usual = Pixels()
        return Declared(
            names=self.names,
            reference=Pixels(self.mean or usual.mean, self.std or usual.std, self.bgr),
            mean=self.file_mean,
            std=self.file_std,
            bgr=self.file_bgr,
            channels_last=None if self.file_layout is None else self.file_layout == "nhwc",
            pixels=self.recipe()["size"],
        )

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
            "options": tuple(f"{key}={_word(value)}" for key, value in self.options.items()),
            "size": size,
            "batch": self.batch,
            "width": self.width,
            "seed": self.seed,
            "model": self.model,
            "checkpoint": None if self.checkpoint is None else Path(self.checkpoint),
            "layout": self.layout,
            "prune": self.prune,
            "precision": self.precision,
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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadOption(f"{path}: {error.strerror}", hint="docs/ci.md has one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadOption(f"{path} is not TOML: {error}") from error
    try:
        policy = msgspec.convert(table, Policy)
    except msgspec.ValidationError as error:
        raise BadOption(f"{path}: {error}", hint="docs/ci.md describes the keys") from error
    _check(policy, path)
    return policy


def _check(policy: Policy, path: Path) -> None:
    names = [one.name for one in policy.models]
    if not names:
        raise BadOption(f"{path} has no [[models]], so there is nothing to judge")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadOption(f"{path}: two models are called {twice}")
    for one in policy.models:
        for backend in one.to or ():
            if backend not in FORMATS:
                raise UnknownName("backend", backend, FORMATS)
        if one.file is not None and one.to is not None:
            raise BadOption(f"{path}: model {one.name}: a file is what it is: leave `to` out")
        if not one.devices:
            raise BadOption(f"{path}: model {one.name} names no device")


def _word(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
