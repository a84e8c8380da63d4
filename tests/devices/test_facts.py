"""What a device is, and what it must be."""

from __future__ import annotations

import os
import platform

import pytest

from attnbench.devices.facts import Facts, check, check_glibc, parse, probe
from attnbench.devices.local import LocalTransport
from attnbench.errors import DeviceError

# In the order and form of PROBE; /proc/cpuinfo as arch/arm64/kernel/cpuinfo.c prints it.
PI_5 = """\
machine aarch64
kernel Linux 6.6.51+rpt-rpi-2712
long_bit 64
elf_class 2
glibc glibc 2.36
page 16384
cores 4
model Raspberry Pi 5 Model B Rev 1.0
product
android
parts 0x41 0xd0b 0x41 0xd0b 0x41 0xd0b 0x41 0xd0b
name
home /home/pi
"""
PIXEL_4 = """\
machine aarch64
kernel Linux 4.14.276-g8ae7b4ca8564
long_bit 64
elf_class 2
glibc
page 4096
cores 8
model
product Pixel 4
android 13
parts 0x51 0x805 0x51 0x805 0x51 0x805 0x51 0x805 0x51 0x804 0x51 0x804 0x51 0x804 0x51 0x804
name
home /
"""


def test_a_raspberry_pi():
    assert parse(PI_5) == Facts(
        machine="aarch64",
        kernel="Linux 6.6.51+rpt-rpi-2712",
        bits=64,
        glibc="glibc 2.36",
        page_bytes=16384,
        cores=4,
        model="Raspberry Pi 5 Model B Rev 1.0",
        android="",
        cpu="Cortex-A76",
        home="/home/pi",
    )


def test_a_phone():
    facts = parse(PIXEL_4)
    assert (facts.model, facts.android) == ("Pixel 4", "13")
    assert facts.cpu == "Kryo 485 Silver + Kryo 485 Gold"


def test_a_pc_says_its_name_once():
    text = "machine x86_64\nname Intel(R) Xeon(R) CPU Intel(R) Xeon(R) CPU\n"
    assert parse(text).cpu == "Intel(R) Xeon(R) CPU"


def test_processors_are_counted_whatever_openmp_is_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    assert probe(LocalTransport()).cores == len(os.sched_getaffinity(0))


def test_an_unknown_core_is_numbered():
    assert parse("parts 0x41 0xfff\n").cpu == "implementer 0x41 part 0xfff"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine aarch64": "machine armv7l"}, r"its kernel is of 32 bits \(armv7l\)"),
        ({"machine aarch64": "machine armv8l"}, "its kernel is of 32 bits"),
        ({"elf_class 2": "elf_class 1"}, "its programs are of 32 bits, though its kernel"),
        ({"elf_class 2": "elf_class", "long_bit 64": "long_bit 32"}, "programs are of 32 bits"),
        ({"machine aarch64": "machine riscv64"}, "there is no runner for riscv64"),
        ({"machine aarch64": "machine"}, "there is no runner for a nameless machine"),
    ],
)
def test_what_nothing_is_built_for(changes, said):
    text = PI_5
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(DeviceError, match=f"^board: .*{said}") as caught:
        check(parse(text), "board")
    assert caught.value.hint


@pytest.mark.parametrize("version", ["2.34", "2.36", "2.41", "3.0", "2.39-0ubuntu8"])
def test_a_c_library_that_will_do(version):
    check_glibc(parse(PI_5.replace("glibc 2.36", f"glibc {version}")), "board")


@pytest.mark.parametrize("version", ["2.31", "2.33", "2.4", "1.99"])
def test_an_older_one_is_named(version):
    with pytest.raises(DeviceError, match=f"glibc {version} is older than 2.34") as caught:
        check_glibc(parse(PI_5.replace("2.36", version)), "board")
    assert "private_loader" in caught.value.hint


@pytest.mark.parametrize("line", ["glibc", "glibc musl", ""])
def test_another_c_library_is_named(line):
    with pytest.raises(DeviceError, match="not glibc"):
        check_glibc(parse(PI_5.replace("glibc glibc 2.36", line)), "board")


def test_this_machine():
    facts = probe(LocalTransport())
    assert facts.machine == platform.machine()
    assert facts.bits == 64
    assert facts.cores >= 1
    assert facts.page_bytes == os.sysconf("SC_PAGESIZE")
    assert facts.cpu
