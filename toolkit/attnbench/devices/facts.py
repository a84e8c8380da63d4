"""What a device is: asked once, in one round trip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from attnbench.devices.shell import script
from attnbench.devices.transport import Transport
from attnbench.errors import DeviceError

OLDEST_GLIBC = (2, 34)
"""What the runner and the runtimes' wheels ask for."""

MACHINES = ("aarch64", "x86_64")

PROBE = """
set -f
unset OMP_NUM_THREADS OMP_THREAD_LIMIT  # nproc obeys them
say() { key=$1; shift; echo "$key" $("$@" 2>/dev/null); }
say machine uname -m
say kernel uname -sr
say long_bit getconf LONG_BIT
say elf_class od -An -tu1 -j4 -N1 /proc/self/exe
say glibc getconf GNU_LIBC_VERSION
say page getconf PAGESIZE
say cores env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc
say model cat /proc/device-tree/model
say product getprop ro.product.model
say android getprop ro.build.version.release
say parts sed -n 's/^CPU \\(implementer\\|part\\)[^:]*: *//p' /proc/cpuinfo
say name sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo
echo "home $HOME"
"""

# MIDR: implementer and part, as in Linux's arch/arm64/include/asm/cputype.h.
CORES: Mapping[tuple[int, int], str] = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x51, 0x802): "Kryo 385 Gold",
    (0x51, 0x803): "Kryo 385 Silver",
    (0x51, 0x804): "Kryo 485 Gold",
    (0x51, 0x805): "Kryo 485 Silver",
    (0x00, 0x051): "qemu max",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Unknown text is "", unknown numbers are None."""

    machine: str
    kernel: str
    bits: int | None
    glibc: str
    page_bytes: int | None
    cores: int
    model: str
    android: str
    cpu: str
    home: str


def probe(transport: Transport) -> Facts:
    """Ask a device. Raises DeviceError where nothing of ours could run."""
    done = script(transport, PROBE)
    return check(parse(done.stdout.decode(errors="replace")), transport.where)


def parse(text: str) -> Facts:
    """The facts in the answer to `PROBE`."""
    lines = (line.partition(" ") for line in text.splitlines())
    said = {key: value.strip() for key, _, value in lines}
    bits = {"1": 32, "2": 64}.get(said.get("elf_class", "")) or _number(said.get("long_bit", ""))
    model = said.get("model") or said.get("product", "")
    return Facts(
        machine=said.get("machine", ""),
        kernel=said.get("kernel", ""),
        bits=bits,
        glibc=said.get("glibc", ""),
        page_bytes=_number(said.get("page", "")),
        cores=_number(said.get("cores", "")) or 1,
        model=model,
        android=said.get("android", ""),
        cpu=_cpu(said.get("parts", ""), said.get("name", "")),
        home=said.get("home", ""),
    )


def check(facts: Facts, where: str) -> Facts:
    """The same facts, if the machine is one that we can build for. Raises DeviceError."""
    if facts.machine.startswith(("armv", "i386", "i686")):
        raise DeviceError(
            f"{where}: its kernel is of 32 bits ({facts.machine})",
            hint="install a system of 64 bits: the runtimes have no other builds",
        )
    if facts.machine not in MACHINES:
        raise DeviceError(
            f"{where}: there is no runner for {facts.machine or 'a nameless machine'}",
            hint=f"known: {', '.join(MACHINES)}",
        )
    if facts.bits == 32:
        raise DeviceError(
            f"{where}: its programs are of 32 bits, though its kernel is of 64",
            hint="install the system's edition of 64 bits: the runtimes have no other builds",
        )
    return facts


def glibc_version(facts: Facts) -> tuple[int, int]:
    """(0, 0) where the C library is another one."""
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", facts.glibc)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def check_glibc(facts: Facts, where: str) -> None:
    """Raise DeviceError where a glibc build cannot run without a loader of its own."""
    version = glibc_version(facts)
    hint = "bring one along: --set private_loader=true"
    if version == (0, 0):
        raise DeviceError(f"{where}: its C library is not glibc", hint=hint)
    if version < OLDEST_GLIBC:
        raise DeviceError(
            f"{where}: {facts.glibc} is older than {'.'.join(map(str, OLDEST_GLIBC))}",
            hint=f"upgrade it (Debian 12, Raspberry Pi OS Bookworm or later), or {hint}",
        )


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _cpu(parts: str, name: str) -> str:
    """The kinds of cores, in the order of their numbers, each once."""
    if name:
        return _once(name)
    numbers = [int(word, 16) for word in parts.split() if re.fullmatch(r"0x[0-9a-fA-F]+", word)]
    kinds = [
        CORES.get((who, part), f"implementer {who:#x} part {part:#x}")
        for who, part in zip(numbers[::2], numbers[1::2], strict=False)
    ]
    return " + ".join(dict.fromkeys(kinds))


def _once(names: str) -> str:
    """A processor's name, which /proc/cpuinfo repeats for each core."""
    words = names.split()
    for length in range(1, len(words) + 1):
        if words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return names
