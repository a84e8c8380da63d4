"""What a profile is made of: a device's processors, clocks and memory. Changes nothing there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from attnbench.devices.facts import CORES
from attnbench.devices.readings import sections
from attnbench.devices.shell import script
from attnbench.devices.tables import Cluster
from attnbench.devices.transport import Transport

# Sections as in readings.LOOK. Of /proc/cpuinfo only what is named: boards have their serial there.
SURVEY = """
say() { echo "== $1"; }
say cpuinfo
grep -E '^(processor|CPU implementer|CPU part|Features|flags)' /proc/cpuinfo 2>/dev/null
say cpus
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
  { read -r khz <"$cpu/cpufreq/cpuinfo_max_freq"; } 2>/dev/null || khz=-
  { read -r capacity <"$cpu/cpu_capacity"; } 2>/dev/null || capacity=-
  echo "${cpu##*cpu} $khz $capacity"
done
say allowed
grep Cpus_allowed_list /proc/self/status 2>/dev/null
say memory
grep MemTotal /proc/meminfo 2>/dev/null
say governors
cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors 2>/dev/null
say compatible
cat /proc/device-tree/compatible 2>/dev/null && echo
say soc
command -v getprop >/dev/null 2>&1 && { getprop ro.soc.model; getprop ro.board.platform; }
say musl
ls /lib/ld-musl-* 2>/dev/null
exit 0
"""

# As in FEATURES of Linux's arch/arm64/kernel/cpuinfo.c and arch/x86/include/asm/cpufeatures.h.
FEATURES = (
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "asimdfhm", "sve", "sve2", "sme"),
    *("avx", "fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"),
)
"""Those that runtimes choose their kernels by."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor: its kind, its highest clock, its capacity out of 1024; "" and 0 are unknown."""

    number: int
    kind: str
    max_khz: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Survey:
    """The processors that may be used, and what else was found; "" and None are unknown."""

    cpus: tuple[Cpu, ...]
    features: tuple[str, ...]
    governors: tuple[str, ...]
    memory_bytes: int | None
    soc: str
    musl: bool


def survey(transport: Transport) -> Survey:
    """Look at a device."""
    return parse(script(transport, SURVEY).stdout.decode(errors="replace"))


def parse(text: str) -> Survey:
    """The survey in what `SURVEY` printed."""
    parts = sections(text)
    kinds, features = _cpuinfo(parts.get("cpuinfo", ""))
    memory = re.search(r"(\d+) kB", parts.get("memory", ""))
    return Survey(
        cpus=tuple(_cpus(parts.get("cpus", ""), parts.get("allowed", ""), kinds)),
        features=features,
        governors=tuple(parts.get("governors", "").split()),
        memory_bytes=1024 * int(memory[1]) if memory else None,
        soc=_soc(parts.get("compatible", ""), parts.get("soc", "")),
        musl="ld-musl" in parts.get("musl", ""),
    )


def _cpuinfo(text: str) -> tuple[Mapping[int, str], tuple[str, ...]]:
    """Each processor's kind ("" is unknown), and the features that all of them have."""
    kinds: dict[int, str] = {}
    common: set[str] | None = None
    number, implementer = -1, 0
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "processor" and value.isdigit():
            number = int(value)
            kinds[number] = ""
        elif key == "CPU implementer":
            implementer = int(value, 16)
        elif key == "CPU part":
            part = int(value, 16)
            kinds[number] = CORES.get((implementer, part), f"part {implementer:#x} {part:#x}")
        elif key in ("Features", "flags"):
            common = set(value.split()) & (set(value.split()) if common is None else common)
    return kinds, tuple(name for name in FEATURES if name in (common or ()))


def _cpus(text: str, allowed: str, kinds: Mapping[int, str]) -> Iterator[Cpu]:
    """The processors that are on, and that a process there may run on."""
    usable = _numbers(allowed.partition(":")[2]) or set(kinds)
    for line in sorted(text.splitlines(), key=lambda line: int(line.split()[0])):
        number, khz, capacity = line.split()
        if int(number) in usable and (int(number) in kinds or not kinds):
            yield Cpu(int(number), kinds.get(int(number), ""), _count(khz), _count(capacity))


def _numbers(text: str) -> set[int]:
    """The numbers in a list such as `0-3,7`."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", text)
    return {one for first, last in ranges for one in range(int(first), int(last or first) + 1)}


def _count(word: str) -> int:
    return int(word) if word.isdigit() else 0


def _soc(compatible: str, properties: str) -> str:
    """A phone's own word, else the last and most general entry of the device tree."""
    said = next((line.strip() for line in properties.splitlines() if line.strip()), "")
    last = compatible.strip("\0\n ").rpartition("\0")[2]
    return said or last.rpartition(",")[2].upper()


def clusters(cpus: tuple[Cpu, ...], machine: str) -> tuple[Cluster, ...]:
    """Processors of one kind and clock, the slowest cluster first; names tell them apart."""
    groups: dict[tuple[int, int, str], list[int]] = {}
    for cpu in cpus:
        groups.setdefault((cpu.capacity, cpu.max_khz, cpu.kind), []).append(cpu.number)
    kinds = [kind for _, _, kind in groups]
    found: list[Cluster] = []
    for (capacity, khz, kind), numbers in sorted(groups.items()):
        name = re.sub(r"[^a-z0-9_]+", "-", (kind or machine).lower()).strip("-")
        if kinds.count(kind) > 1:
            name += f"-{khz // 1000}mhz" if khz else f"-{capacity}"
        if name in [one.name for one in found]:
            name += f"-{numbers[0]}"
        found.append(Cluster(name=name, cpus=tuple(numbers), max_khz=khz or None))
    return tuple(found)
