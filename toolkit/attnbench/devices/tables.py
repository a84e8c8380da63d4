"""The tables of a device profile: kinds of processors, what was found, what was measured."""

from __future__ import annotations

import msgspec

MOST_CPUS = 1024


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Processors of one kind that share a clock; `max_khz` None is unknown."""

    name: str
    cpus: tuple[int, ...]
    max_khz: int | None = None

    def __post_init__(self) -> None:
        if not self.cpus or len(set(self.cpus)) != len(self.cpus):
            raise ValueError("cpus: at least one, and each once")
        if not all(0 <= cpu < MOST_CPUS for cpu in self.cpus):
            raise ValueError(f"cpus: numbers from 0 to {MOST_CPUS - 1}")
        if self.max_khz is not None and self.max_khz <= 0:
            raise ValueError("max_khz: above 0")

    @property
    def mask(self) -> str:
        """The affinity mask in hexadecimal, as `taskset` takes it."""
        return f"{sum(1 << cpu for cpu in self.cpus):x}"


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    What `attnbench device init` saw, for people and reports: nothing is done because of it.

    Text that is "" and numbers that are None are unknown. `settable` are the settings that may be
    changed there without asking anybody, `unreadable` the readings that it does not give.
    """

    machine: str = ""
    features: tuple[str, ...] = ()
    kernel: str = ""
    c_library: str = ""
    page_bytes: int | None = None
    memory_bytes: int | None = None
    governor: str = ""
    governors: tuple[str, ...] = ()
    settable: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class Peak(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    The roof over a number of threads, each on a processor of its own in one cluster.

    10⁹ float32 operations or bytes a second, the best of several repeats; a spread is by how much
    the median repeat took longer, as a part of the best one's time. See attnbench.runner.Roof.
    """

    cluster: str
    threads: int
    simd: str
    fp32_gflop_s: float
    fp32_spread: float
    copy_gb_s: float
    copy_spread: float
    triad_gb_s: float
    triad_spread: float

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError("threads: at least 1")
        for key in ("fp32_gflop_s", "copy_gb_s", "triad_gb_s"):
            if not 0 < getattr(self, key) < float("inf"):
                raise ValueError(f"{key}: above 0")
        for key in ("fp32_spread", "copy_spread", "triad_spread"):
            if not 0 <= getattr(self, key) < float("inf"):
                raise ValueError(f"{key}: at least 0")


class Peaks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the processor reaches, or why nobody knows."""

    unknown: str = ""
    measured: tuple[Peak, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.unknown) == bool(self.measured):
            raise ValueError("either measured, or unknown with the reason")
        rows = [(one.cluster, one.threads) for one in self.measured]
        if len(set(rows)) != len(rows):
            raise ValueError("measured: each cluster and number of threads once")
