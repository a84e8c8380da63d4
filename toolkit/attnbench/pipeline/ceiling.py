"""What a device reaches at best: from its profile, from the cache, or measured now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from attnbench.devices import Device
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.tables import Peak
from attnbench.errors import RunnerError
from attnbench.files import cache_dir, write
from attnbench.pipeline.effort import Effort
from attnbench.progress import Progress, stepping
from attnbench.records.costs import Bound, Ceiling, Footprint
from attnbench.runner import Argument, Finished, Place, peaks
from attnbench.store import from_json, to_json

REPEATS = 5

FP32 = "fp32"


def ceiling(
    device: Device, effort: Effort, cpus: Sequence[int], engine: str, progress: Progress
) -> Ceiling:
    """
    The peaks of as many threads on these processors; measured once a device, which takes seconds.

    Raises RunnerError where nobody can know, such as on an emulated device.
    """
    identity = device.identity()
    if identity.emulated:
        raise RunnerError("emulated: how fast it is says nothing about a real one")
    known = _in_profile(getattr(device, "profile", None), effort.threads, cpus)
    if known is not None:
        return known
    key = hashlib.sha256(to_json((identity, effort.threads, tuple(cpus)))).hexdigest()[:16]
    path = cache_dir("peaks") / f"{device.name}-{key}.json"
    if not path.is_file():
        with stepping(progress, "peaks of processor and memory"):
            write(path, to_json(_measured(device, effort.threads, cpus, engine)))
    found = from_json(path.read_bytes(), Ceiling, str(path))
    return replace(found, source=f"{found.source}, kept in {path}")


def _in_profile(profile: DeviceProfile | None, threads: int, cpus: Sequence[int]) -> Ceiling | None:
    """What `attnbench device init` measured of the cluster that these processors are in."""
    if profile is None or profile.peaks is None:
        return None
    names = {one.name for one in profile.clusters if set(cpus) <= set(one.cpus)}
    rows = [one for one in profile.peaks.measured if one.cluster in names]
    fitting = (one for one in rows if one.threads == threads)
    return next((_of_profile(one) for one in fitting), None)


def _of_profile(peak: Peak) -> Ceiling:
    gb_s = max(peak.copy_gb_s, peak.triad_gb_s)
    return Ceiling(peak.simd, peak.threads, peak.fp32_gflop_s, gb_s, "the device's profile")


@dataclass(frozen=True, slots=True)
class _With:
    """A place that is told an engine whatever it runs: on the host there always has to be one."""

    place: Place
    engine: str

    def __call__(self, engine: str, arguments: Sequence[Argument], timeout_s: float) -> Finished:
        return self.place(engine or self.engine, arguments, timeout_s)


def _measured(device: Device, threads: int, cpus: Sequence[int], engine: str) -> Ceiling:
    roof = peaks(_With(device.place, engine), cpus, threads, REPEATS)
    gb_s = max(roof.copy.per_ns, roof.triad.per_ns)
    return Ceiling(roof.simd, threads, roof.fp32.per_ns, gb_s, "measured with the runner's kernels")


def on_roof(footprint: Footprint, found: Ceiling) -> tuple[int, Bound]:
    """
    The time in ns that the peaks allow for so much work and traffic, and which of them it is.

    Source: Williams, Waterman & Patterson 2009, "Roofline", Communications of the ACM 52(4).
    """
    compute = 2 * footprint.macs / found.fp32_gflop_s
    memory = footprint.traffic_bytes / found.gb_s
    return (round(compute), "compute") if compute >= memory else (round(memory), "memory")
