"""The machine that attnbench itself runs on."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.records import Conditions, DeviceId
from attnbench.runner import Local, Place

if TYPE_CHECKING:
    from attnbench.devices.base import Device

STAT = Path("/proc/stat")
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Processor time so far in seconds, of all processes and of our own, and the wall clock."""

    wall_s: float
    busy_s: float | None
    own_s: float
    load: float | None


@dataclass(slots=True)
class HostWatch:
    """See Watch."""

    before: Snapshot
    after: Snapshot | None = None

    def conditions(self) -> Conditions:
        """See Watch."""
        after = self.after or snapshot()
        return Conditions(
            self.before.load, after.load, os.cpu_count() or 1, competing(self.before, after)
        )


@dataclass(frozen=True, slots=True)
class Host:
    """See Device."""

    name: str = "host"
    clock: str = "monotonic"
    threads: int = 1
    runner_sha256: str | None = None
    place: Place = field(default_factory=Local)

    def identity(self) -> DeviceId:
        """See Device."""
        return DeviceId(self.name, False, platform.machine(), cpu_name())

    def check_times(self) -> None:
        """See Device: they are real."""

    @contextmanager
    def watched(self) -> Iterator[HostWatch]:
        """See Device."""
        watch = HostWatch(snapshot())
        yield watch
        watch.after = snapshot()


def snapshot() -> Snapshot:
    """What has been spent so far; unknown parts are None."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(one.ru_utime + one.ru_stime for one in usage)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Snapshot(time.monotonic(), _busy_s(), own, load)


def competing(before: Snapshot, after: Snapshot) -> float | None:
    """Cores' worth of processor time that went to others between two snapshots."""
    wall = after.wall_s - before.wall_s
    if before.busy_s is None or after.busy_s is None or wall <= 0:
        return None
    others = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    return max(0.0, others / wall)


def _busy_s() -> float | None:
    """Processor time of all processes since boot, idle and waiting left out."""
    if not STAT.is_file():
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal, *_ = (
        int(word) for word in STAT.read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def cpu_name() -> str:
    """The processor's name as Linux gives it, else the machine's."""
    if CPUINFO.is_file():
        for line in CPUINFO.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()


HOST: Device = Host()
