"""Which tensor of a file is which tensor of its reference: by name, by shape, or by order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from attnbench.errors import BadArtifact, BadOption
from attnbench.records import IMAGENET, Binding, Pixels, TensorSpec, Triple

HOLDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "input": {"float32": ("float32", "float16", "uint8")},
    "output": {"float32": ("float32", "float16"), "int64": ("int64", "int32", "uint8")},
}
"""By the type of the reference's tensor: those that a file may have instead."""


@dataclass(frozen=True, slots=True)
class Declared:
    """
    What the user says of a file that others made; the rest is found out.

    `names` are the file's names of tensors by the reference's. `reference` is what the reference
    takes for an image; so does the file, or it takes bytes where it takes uint8, but for `mean`,
    `std` and `bgr`. `channels_last` is how its images lie; None is either. `pixels` is its size.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    reference: Pixels = IMAGENET
    mean: Triple | None = None
    std: Triple | None = None
    bgr: bool | None = None
    channels_last: bool | None = None
    pixels: tuple[int, int] | None = None


def bind(
    ours: Sequence[TensorSpec], theirs: Sequence[TensorSpec], named: Mapping[str, str], what: str
) -> tuple[Binding, ...]:
    """
    A binding for each of ours; `what` is "input" or "output".

    `named` has the file's names by ours, from the user, and decides where it says something. Then
    names decide where all agree, then shapes where only one order of tensors has them, then the
    order. Raises BadOption for a name that is not there, BadArtifact if nothing fits.
    """
    chosen = [_named(one, theirs, named, what) for one in ours]
    free = [at for at in range(len(theirs)) if at not in chosen]
    rest = [at for at, one in enumerate(chosen) if one is None]
    matched = _matched([ours[at] for at in rest], theirs, free)
    for at, one in zip(rest, matched, strict=False):
        chosen[at] = one
    if None in chosen or len(set(chosen)) < len(chosen):
        raise BadArtifact(
            f"the {what}s of the file do not match the reference's: "
            f"{_listed(theirs)} against {_listed(ours)}",
            hint=f"is it the same model? If only names and order differ, name the {what}s: "
            "--map REFERENCE=FILE",
        )
    found = [one for one in chosen if one is not None]
    return tuple(_binding(one, theirs, at, what) for one, at in zip(ours, found, strict=True))


def _named(
    one: TensorSpec, theirs: Sequence[TensorSpec], named: Mapping[str, str], what: str
) -> int | None:
    if one.name not in named:
        return None
    names = [spec.name or str(at) for at, spec in enumerate(theirs)]
    if named[one.name] not in names:
        raise BadOption(
            f"the file has no {what} {named[one.name]!r}", hint=f"it has {', '.join(names)}"
        )
    return names.index(named[one.name])


def _matched(
    ours: Sequence[TensorSpec], theirs: Sequence[TensorSpec], free: Sequence[int]
) -> list[int]:
    """Of the free ones of theirs, one for each of ours; [] if nothing fits."""
    names = [theirs[at].name for at in free]
    if ours and all(one.name in names for one in ours):
        by_name = [free[names.index(one.name)] for one in ours]
        if _fit(ours, theirs, by_name):
            return by_name
    by_shape = [[at for at in free if _fits(one, theirs[at])] for one in ours]
    if all(len(found) == 1 for found in by_shape):
        return [found[0] for found in by_shape]
    in_order = list(free[: len(ours)])
    return in_order if len(free) == len(ours) and _fit(ours, theirs, in_order) else []


def _fit(ours: Sequence[TensorSpec], theirs: Sequence[TensorSpec], found: Sequence[int]) -> bool:
    return all(_fits(one, theirs[at]) for one, at in zip(ours, found, strict=True))


def _fits(ours: TensorSpec, theirs: TensorSpec) -> bool:
    return theirs.shape in (ours.shape, _channels_last(ours.shape))


def _channels_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else shape


def _binding(ours: TensorSpec, theirs: Sequence[TensorSpec], at: int, what: str) -> Binding:
    spec = theirs[at]
    if not _fits(ours, spec):
        raise BadArtifact(
            f"{what} {spec.name or at} is {spec.shape} in the file, {ours.shape} in the reference"
        )
    if spec.dtype not in HOLDS[what].get(ours.dtype, (ours.dtype,)):
        raise BadArtifact(
            f"{what} {spec.name or at} is {spec.dtype} in the file, {ours.dtype} in the reference",
            hint="quantised inputs and outputs are not built yet: convert with float ones",
        )
    return Binding(at, spec.name, spec.dtype, channels_last=spec.shape != ours.shape)


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(
        f"{one.name or at} {one.dtype}{list(one.shape)}" for at, one in enumerate(specs)
    )
