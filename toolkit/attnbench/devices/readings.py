"""What a device says of its own state. One script there; here parsers, which are pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from attnbench.devices.shell import script
from attnbench.devices.transport import Transport
from attnbench.records import Reading

# All by the shell itself: a phone has a hundred sensors, and a process for each would warm it.
LOOK = """
say() { echo "== $1"; }
say thermal
for zone in /sys/class/thermal/thermal_zone*; do
  { read -r value <"$zone/temp"; } 2>/dev/null || continue
  kind=; { read -r kind <"$zone/type"; } 2>/dev/null
  echo "$value $kind"
done
say cpufreq
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
  { read -r khz <"$cpu/cpufreq/scaling_cur_freq"; } 2>/dev/null || continue
  governor=; { read -r governor <"$cpu/cpufreq/scaling_governor"; } 2>/dev/null
  echo "${cpu##*cpu} $khz $governor"
done
say cpuset
{ read -r value </proc/self/cpuset; } 2>/dev/null && echo "$value"
say load
{ read -r value </proc/loadavg; } 2>/dev/null && echo "$value"
say throttled
command -v vcgencmd >/dev/null 2>&1 && vcgencmd get_throttled 2>/dev/null
[ "$1" = full ] && command -v dumpsys >/dev/null 2>&1 || exit 0
for service in battery thermalservice power; do
  say "$service"
  dumpsys "$service" 2>/dev/null
done
exit 0
"""

# https://www.raspberrypi.com/documentation/computers/os.html, vcgencmd get_throttled.
THROTTLE_BITS: Mapping[int, str] = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
    16: "under-voltage has occurred",
    17: "frequency capping has occurred",
    18: "throttling has occurred",
    19: "soft temperature limit has occurred",
}
# android.os.PowerManager, THERMAL_STATUS_*.
THERMAL_STATUS = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")

_CPU_ZONE = re.compile(r"cpu|soc|x86_pkg|coretemp|apc", re.IGNORECASE)
_HAL = re.compile(r"Temperature\{mValue=([^,]+), mType=(-?\d+), mName=([^,]*), mStatus=(\d+)\}")
_HAL_CPU = "0"
_PLAUSIBLE_C = (-40.0, 150.0)


def look(transport: Transport, *, full: bool) -> Reading:
    """Read a device; `full` also asks Android's services, which costs it some work."""
    done = script(transport, LOOK, "full" if full else "")
    return parse(done.stdout.decode(errors="replace"))


def parse(text: str) -> Reading:
    """The reading in what `LOOK` printed; what is not there, or not to be understood, is None."""
    parts = sections(text)
    clocks = [line.split() for line in parts.get("cpufreq", "").splitlines()]
    governors = sorted({words[2] for words in clocks if len(words) == 3})
    hal = parts.get("thermalservice", "")
    battery = parts.get("battery", "")
    temperature = zone_temperature(parts.get("thermal", ""))
    return Reading(
        temperature_c=hal_temperature(hal) if temperature is None else temperature,
        frequency_khz={words[0]: int(words[1]) for words in clocks if words[1].isdigit()} or None,
        governor=", ".join(governors) or None,
        cpuset=parts.get("cpuset", "").strip() or None,
        throttled=vcgencmd(parts.get("throttled", "")) if parts.get("throttled") else status(hal),
        load=_decimal(parts.get("load", "").split(" ")[0]),
        battery_percent=_decimal(_field(battery, r"^\s*level: (\d+)")),
        charging=_charging(battery),
        screen_on=_awake(parts.get("power", "")),
    )


def from_runner(stdout: bytes) -> Reading | None:
    """What the runner saw right after its last inference, from inside and on its own cores."""
    try:
        seen: Any = msgspec.json.decode(stdout).get("after")
        zones = "\n".join(
            f"{value} {name.partition(' ')[2]}"
            for name, value in (seen["temperature_mc"] or {}).items()
        )
        return Reading(
            temperature_c=zone_temperature(zones),
            frequency_khz=seen["frequency_khz"],
            load=seen["load_average"],
            cpu=seen.get("cpu"),
        )
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
        return None


def zone_temperature(text: str) -> float | None:
    """The hottest of the processor's zones, from lines of a value and a type."""
    found = []
    for line in text.splitlines():
        value, _, kind = line.partition(" ")
        number = _decimal(value)
        if number is None or not _CPU_ZONE.search(kind):
            continue
        # Linux says millidegrees; some vendors' kernels say degrees.
        celsius = number / 1000 if abs(number) >= 1000 else number
        if _PLAUSIBLE_C[0] < celsius < _PLAUSIBLE_C[1]:
            found.append(celsius)
    return max(found, default=None)


def hal_temperature(text: str) -> float | None:
    """The hottest processor of `dumpsys thermalservice`, by the hardware now rather than cached."""
    _, current, now = text.partition("Current temperatures from HAL")
    values = [
        _decimal(value)
        for value, kind, _, _ in _HAL.findall(now if current else text)
        if kind == _HAL_CPU
    ]
    return max((value for value in values if value is not None), default=None)


def status(text: str) -> tuple[str, ...] | None:
    """Android's thermal status of `dumpsys thermalservice`: () is none."""
    number = _field(text, r"^\s*Thermal Status: (\d+)")
    if not number:
        return None
    level = int(number)
    if not level:
        return ()
    return (f"thermal status {THERMAL_STATUS[level] if level < len(THERMAL_STATUS) else level}",)


def vcgencmd(text: str) -> tuple[str, ...] | None:
    """The bits of `vcgencmd get_throttled`: () is none of them."""
    found = re.search(r"throttled=0x([0-9a-fA-F]+)", text)
    if found is None:
        return None
    bits = int(found[1], 16)
    return tuple(name for bit, name in THROTTLE_BITS.items() if bits >> bit & 1)


def sections(text: str) -> dict[str, str]:
    """What followed each line `== NAME`."""
    pieces = re.split(r"^== (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=False))


def _field(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def _decimal(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _charging(text: str) -> bool | None:
    powered = re.findall(r"^\s*(?:AC|USB|Wireless|Dock) powered: (true|false)", text, re.MULTILINE)
    return "true" in powered if powered else None


def _awake(text: str) -> bool | None:
    wakefulness = _field(text, r"^\s*mWakefulness=(\w+)")
    return wakefulness == "Awake" if wakefulness else None
