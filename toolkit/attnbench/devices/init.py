"""A profile of a device that nobody has described yet: looked at, tried, and measured."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields, replace

import msgspec

from attnbench.devices import settings
from attnbench.devices.facts import OLDEST_GLIBC, Facts, glibc_version, probe
from attnbench.devices.ladder import steps_of
from attnbench.devices.profile import ADB, EMULATED, LOCAL, DeviceProfile, convert
from attnbench.devices.reach import Reached, reach
from attnbench.devices.readings import look
from attnbench.devices.remote import Remote
from attnbench.devices.survey import Survey, clusters, survey
from attnbench.devices.tables import Cluster, Found, Peak, Peaks
from attnbench.devices.watch import PHONE_ONLY, RUNNER_ONLY
from attnbench.errors import RunnerError
from attnbench.records import Reading, Wanted
from attnbench.runner import Rate, Roof, peaks

PROOF = 3
"""The rungs that do not depend on an engine: reach, static binary, loader."""

STEADY = "performance"
"""The governor that holds a clock."""

COOLDOWN_S = 120.0
WARMER_C = 5.0
"""How far above what it was found at a device may be when a launch starts."""

HOTTEST_START_C = 65.0
"""Boards of the kind that throttle at 80 to 85 °C must start well below."""

_PHONE, _BOARD, _HERE = (
    "/data/local/tmp/attnbench",
    "~/.cache/attnbench",
    "~/.cache/attnbench/device",
)


@dataclass(frozen=True, slots=True)
class Looked:
    """A device that was reached, what it is, and the profile that follows from how it looks."""

    profile: DeviceProfile
    reached: Reached
    facts: Facts

    def device(self) -> Remote:
        """It, by that profile; what it is is not asked again."""
        device = Remote(self.profile, self.reached)
        device.facts = self.facts
        return device


def explore(transport: str, name: str = "", workdir: str = "") -> Looked:
    """
    Reach a device and look at it; `name` and `workdir` "" are chosen by what it is.

    Raises BadOption for a transport, name or folder that cannot be, and DeviceError.
    """
    table: dict[str, object] = {
        "name": name or "new",
        "transport": transport,
        "workdir": workdir or _BOARD,
    }
    reached = reach(convert(table | {"model": "", "soc": ""}, "device init"))
    facts = probe(reached.transport)
    seen, reading = survey(reached.transport), look(reached.transport, full=True)
    usual = _PHONE if facts.android else _HERE if transport == LOCAL else _BOARD
    table |= _described(facts, seen, reading, reached.emulated)
    table |= {"workdir": workdir or usual, "name": name or named(transport, str(table["model"]))}
    return Looked(convert(table, "device init"), reached, facts)


def named(transport: str, model: str) -> str:
    """What to call a device: after its host, or else its model."""
    wire, _, address = transport.partition(":")
    if wire == EMULATED:
        return f"{address}-emulated"
    if wire in (LOCAL, ADB):
        text = model if wire == ADB else "this-machine"
    else:
        host = address.removeprefix("//").rpartition("@")[2]
        text = host if re.match(r"[\d\[.:]+", host) else host.partition(".")[0].partition(":")[0]
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "device"


def _described(facts: Facts, seen: Survey, reading: Reading, emulated: str) -> dict[str, object]:
    """The keys of a profile that follow from what was found, before anything was tried."""
    kinds = clusters(seen.cpus, facts.machine)
    return {
        "model": f"qemu {emulated}" if emulated else facts.model or facts.cpu or facts.machine,
        "soc": seen.soc or facts.cpu or facts.machine,
        "threads": 1,
        "cpus": kinds[-1].cpus[-1:] if kinds else (),
        "clusters": msgspec.to_builtins(kinds),
        "private_loader": glibc_version(facts) < OLDEST_GLIBC,
        "found": msgspec.to_builtins(_found(facts, seen, reading)),
        **_start(reading.temperature_c),
    }


def _start(temperature_c: float | None) -> dict[str, float]:
    """From where a launch may start: a little above what the idle device was found at."""
    if temperature_c is None:
        return {}
    limit = WARMER_C * math.ceil((temperature_c + WARMER_C) / WARMER_C)
    return {"start_temperature_c": min(limit, HOTTEST_START_C), "cooldown_s": COOLDOWN_S}


def _found(facts: Facts, seen: Survey, reading: Reading) -> Found:
    bionic = f"bionic (Android {facts.android})" if facts.android else ""
    left_out = RUNNER_ONLY if facts.android else (*RUNNER_ONLY, *PHONE_ONLY)
    return Found(
        machine=facts.machine,
        features=seen.features,
        kernel=facts.kernel,
        c_library=facts.glibc or bionic or ("musl" if seen.musl else ""),
        page_bytes=facts.page_bytes,
        memory_bytes=seen.memory_bytes,
        governor=reading.governor or "",
        governors=seen.governors,
        unreadable=tuple(
            one.name
            for one in fields(Reading)
            if one.name not in left_out and getattr(reading, one.name) is None
        ),
    )


def prove(looked: Looked) -> None:
    """Run something of ours there. Raises the error of the rung that does not hold."""
    for step in steps_of(looked.device())[:PROOF]:
        step.work()


def tried(looked: Looked) -> Looked:
    """With the settings that the device lets us change in its profile; it has them back again."""
    device = looked.device()
    found = looked.profile.found or Found()
    wanted = Wanted(
        governor=STEADY if STEADY in found.governors else "",
        stay_awake=bool(device.facts.android),
    )
    cpus = [cpu for one in looked.profile.clusters for cpu in one.cpus]
    with device.held():
        try:
            refused = settings.hold(device.transport, device.root, wanted, cpus)
            governor = device.look().governor
        finally:
            settings.restore(device.transport, device.root)
    kept = {
        "governor": wanted.governor if governor == wanted.governor else "",
        "stay_awake": wanted.stay_awake and "stay_awake" not in refused,
    }
    names = tuple(name for name, value in kept.items() if value)
    found = msgspec.structs.replace(found, settable=names)
    return replace(looked, profile=msgspec.structs.replace(looked.profile, **kept, found=found))


def measured(looked: Looked, *, wanted: bool) -> Looked:
    """With the peaks of each cluster, of one thread and of all; or why they are unknown."""
    peaks = _peaks(looked, wanted=wanted)
    return replace(looked, profile=msgspec.structs.replace(looked.profile, peaks=peaks))


def _peaks(looked: Looked, *, wanted: bool) -> Peaks:
    if not wanted:
        return Peaks(unknown="not asked for")
    if looked.reached.emulated:
        return Peaks(unknown="emulated: how fast it is says nothing about a real one")
    if not looked.profile.clusters:
        return Peaks(unknown="the device does not tell which processors it has")
    device = looked.device()
    try:
        with device.watched():
            return Peaks(
                measured=tuple(
                    _peak(cluster, threads, peaks(device.place, cluster.cpus, threads))
                    for cluster in looked.profile.clusters
                    for threads in sorted({1, len(cluster.cpus)})
                )
            )
    except RunnerError as error:
        return Peaks(unknown=str(error))


def _peak(cluster: Cluster, threads: int, roof: Roof) -> Peak:
    numbers = {"fp32_gflop": roof.fp32, "copy_gb": roof.copy, "triad_gb": roof.triad}
    return Peak(cluster=cluster.name, threads=threads, simd=roof.simd, **_rounded(numbers))


def _rounded(rates: dict[str, Rate]) -> dict[str, float]:
    """Four digits: the spread is seldom smaller."""
    table = {}
    for name, rate in rates.items():
        table[f"{name}_s"] = float(f"{rate.per_ns:.4g}")
        table[f"{name.partition('_')[0]}_spread"] = round(rate.spread, 4)
    return table
