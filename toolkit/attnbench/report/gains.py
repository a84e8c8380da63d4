"""What rewrites bought, where that was measured."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from attnbench.records import Artifact


class Gain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A model's time without and with some rewrites that belong together, as ratios.

    Both are to the time of MobileNetV2 without attention. `on` is the processor and its clock.
    """

    rewrites: tuple[str, ...]
    backend: str
    precision: str
    target: str
    block: str
    on: str
    without: float
    with_them: float


class _Gains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gain: tuple[Gain, ...]


def gains(artifact: Artifact, rewrite: str) -> tuple[Gain, ...]:
    """What a rewrite bought in files of the artifact's kind; () where nobody has measured it."""
    text = files("attnbench.report").joinpath("gains.toml").read_bytes()
    kind = (artifact.backend, artifact.recipe.precision, artifact.target)
    return tuple(
        one
        for one in msgspec.toml.decode(text, type=_Gains).gain
        if rewrite in one.rewrites and (one.backend, one.precision, one.target) == kind
    )
