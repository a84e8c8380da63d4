"""Whether a device was held as still as its profile wants it, by what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.pipeline.reasons import Doubt, beyond
from attnbench.records import Conditions, Reading, Wanted

_HISTORY = "occurred"
_SUPPLY = "under-voltage"


def doubts(conditions: Conditions, cpus: Sequence[int]) -> Iterator[Doubt]:
    """Reasons for doubt; what could not be read gives none, and is listed apart."""
    wanted = conditions.wanted or Wanted()
    seen = [one for one in (conditions.before, *conditions.during, conditions.after) if one]
    yield from _throttled(seen)
    yield from _clock(conditions.during, wanted, cpus)
    yield from _governor(seen, wanted)
    yield from _start(conditions.starts_c, wanted)
    yield from _migrated(conditions.during, wanted, cpus)


def _throttled(seen: Sequence[Reading]) -> Iterator[Doubt]:
    """What holds the device back now, or did since the first look; older history is no matter."""
    told = [one.throttled for one in seen if one.throttled is not None]
    before = set(told[0]) if told else set()
    fresh = dict.fromkeys(
        sign for one in told for sign in one if _HISTORY not in sign or sign not in before
    )
    supply = [sign for sign in fresh if sign.startswith(_SUPPLY)]
    other = [sign for sign in fresh if sign not in supply]
    if supply:
        yield Doubt(
            "under-voltage", f"the device says: {', '.join(supply)}; its clock is lowered then"
        )
    if other:
        yield Doubt("throttling", f"the device says: {', '.join(other)}")


def _clock(during: Sequence[Reading], wanted: Wanted, cpus: Sequence[int]) -> Iterator[Doubt]:
    """The clocks after an inference, against the profile's or each other."""
    seen = [pair for one in during for pair in _used(one, cpus)]
    # Android's fixed performance is a lower clock on purpose, which then has to stay.
    nominal = {} if wanted.fixed_performance else wanted.max_khz
    low = [(khz / nominal[cpu], khz, cpu) for cpu, khz in seen if cpu in nominal]
    if low and beyond("clock", 1 - min(low)[0]):
        _, khz, cpu = min(low)
        yield Doubt(
            "clock",
            f"processor {cpu} ran at {_mhz(khz)} after an inference, its profile says "
            f"{_mhz(nominal[cpu])}",
        )
        return
    for cpu in sorted({cpu for cpu, _ in seen}, key=int):
        clocks = [khz for where, khz in seen if where == cpu]
        if beyond("clock", 1 - min(clocks) / max(clocks)):
            yield Doubt(
                "clock",
                f"the clock of processor {cpu} changed between launches, from {_mhz(min(clocks))} "
                f"to {_mhz(max(clocks))}",
                "set the governor performance, or cool the device",
            )


def _used(one: Reading, cpus: Sequence[int]) -> Iterator[tuple[str, int]]:
    """The clock of the processor that the runner was on, else of those that it was allowed."""
    used = cpus if one.cpu is None else [one.cpu]
    for cpu, khz in (one.frequency_khz or {}).items():
        if int(cpu) in used:
            yield cpu, khz


def _mhz(khz: int) -> str:
    return f"{khz / 1000:.0f} MHz"


def _governor(seen: Sequence[Reading], wanted: Wanted) -> Iterator[Doubt]:
    found = next((one.governor for one in seen if one.governor is not None), None)
    if wanted.governor and found is not None and wanted.governor not in found.split(", "):
        yield Doubt("governor", f"the governor is {found}, the profile wants {wanted.governor}")


def _start(starts_c: Sequence[float | None], wanted: Wanted) -> Iterator[Doubt]:
    limit = wanted.start_temperature_c
    warm = [one for one in starts_c if one is not None and limit is not None and one > limit]
    if warm:
        yield Doubt(
            "start",
            f"{len(warm)} of {len(starts_c)} launches began above {limit:g} °C, at up to "
            f"{max(warm):g} °C after {wanted.cooldown_s:g} s of waiting",
        )


def _migrated(during: Sequence[Reading], wanted: Wanted, cpus: Sequence[int]) -> Iterator[Doubt]:
    """Where the runner was after its last inference: on its processors, and of one kind."""
    where = sorted({one.cpu for one in during if one.cpu is not None})
    strays = [cpu for cpu in where if cpus and cpu not in cpus]
    if strays:
        yield Doubt(
            "migration",
            f"the runner was on processor {', '.join(map(str, strays))}, which is none of its own",
            "does something there change affinities?",
        )
    kinds = {wanted.max_khz[str(cpu)] for cpu in where if str(cpu) in wanted.max_khz}
    if len(kinds) > 1:
        yield Doubt(
            "migration",
            f"launches ended on processors of different kinds ({', '.join(map(str, where))})",
            "choose some of one kind with --cpus, or cpus in the profile",
        )
