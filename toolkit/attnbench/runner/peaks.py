"""What processor and memory do at best, by the runner's own kernels."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from attnbench.errors import RunnerError
from attnbench.runner.launch import failure
from attnbench.runner.place import Place

REPEATS = 10
_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Rate:
    """
    Units a nanosecond, which are 10⁹ a second: the best repeat's, since all else only slows it.

    `spread` is by how much the median repeat took longer, as a part of the best one's time.
    """

    per_ns: float
    spread: float


@dataclass(frozen=True, slots=True)
class Roof:
    """
    What some threads reach, each on a processor of its own.

    `fp32` counts a multiply-add as two operations, `copy` a byte read and one written as two, and
    `triad`, a = b + c * s, two read and one written as three (STREAM; McCalpin, 1995).
    """

    cpus: tuple[int, ...]
    simd: str
    array_bytes: int
    fp32: Rate
    copy: Rate
    triad: Rate


@dataclass(frozen=True, slots=True)
class _MultiplyAdd:
    simd: str
    flop: int
    ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Transport:
    bytes: int
    ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Document:
    cpus: tuple[int, ...]
    array_bytes: int
    multiply_add: _MultiplyAdd
    copy: _Transport
    triad: _Transport


def peaks(place: Place, cpus: Sequence[int], threads: int, repeats: int = REPEATS) -> Roof:
    """
    The roof over `threads` threads on `cpus`; takes seconds, and four times the last cache thrice.

    Raises RunnerError where that memory is not there.
    """
    words = ["peaks", "--cpus", ",".join(map(str, cpus)), "--threads", str(threads)]
    finished = place("", [*words, "--iterations", str(repeats)], _TIMEOUT_S)
    if finished.code:
        raise failure("peaks", "its own kernels", finished)
    return read(finished.stdout)


def read(document: bytes) -> Roof:
    """The roof in the runner's document. Raises RunnerError."""
    try:
        said = msgspec.json.decode(document, type=_Document)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RunnerError(f"peaks: the runner's document is none: {error}") from error
    return Roof(
        said.cpus,
        said.multiply_add.simd,
        said.array_bytes,
        rate(said.multiply_add.flop, said.multiply_add.ns),
        rate(said.copy.bytes, said.copy.ns),
        rate(said.triad.bytes, said.triad.ns),
    )


def rate(amount: int, times_ns: Sequence[int]) -> Rate:
    """The rate at which an amount of work was done that took these times, one for each repeat."""
    if not times_ns or min(times_ns) <= 0:
        raise RunnerError("peaks: the runner's clock did not move")
    best = min(times_ns)
    return Rate(amount / best, statistics.median(times_ns) / best - 1)
