"""From what a device prints to its clusters. Texts are in the form of Linux's /proc and /sys."""

from __future__ import annotations

import os

from attnbench.devices.local import LocalTransport
from attnbench.devices.survey import Cpu, clusters, parse, survey
from attnbench.devices.tables import Cluster

# Values of a board's kernel; /proc/cpuinfo as arch/arm64/kernel/cpuinfo.c prints it.
PI_5 = (
    "== cpuinfo\n"
    + "".join(
        f"processor\t: {n}\nFeatures\t: fp asimd evtstrm aes fphp asimdhp asimdrdm lrcpc asimddp\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"
        for n in range(4)
    )
    + "== cpus\n0 2400000 1024\n1 2400000 1024\n2 2400000 1024\n3 2400000 1024\n"
    "== allowed\nCpus_allowed_list:\t0-3\n== memory\nMemTotal:        8255424 kB\n"
    "== governors\nconservative ondemand userspace powersave performance schedutil \n"
    "== compatible\nraspberrypi,5-model-b\0brcm,bcm2712\0\n== soc\n== musl\n"
)
# The parts of a Snapdragon 855: the prime core is a gold one with another clock.
PARTS = ["0x805"] * 4 + ["0x804"] * 4
CLOCKS = [1785600] * 4 + [2419200] * 3 + [2841600]
CAPACITIES = [261] * 4 + [871] * 3 + [1024]
PHONE = (
    "== cpuinfo\n"
    + "".join(
        f"processor\t: {n}\nFeatures\t: fp asimd asimdhp asimddp\n"
        f"CPU implementer\t: 0x51\nCPU part\t: {part}\n"
        for n, part in enumerate(PARTS)
    )
    + "== cpus\n"
    + "".join(f"{n} {CLOCKS[n]} {CAPACITIES[n]}\n" for n in range(8))
    + "== allowed\nCpus_allowed_list:\t0-7\n== memory\nMemTotal:        5730052 kB\n"
    "== governors\n== compatible\n== soc\n\nmsmnile\n== musl\n"
)
PC = (
    "== cpuinfo\nprocessor\t: 0\nflags\t\t: fpu sse2 avx fma avx2\n"
    "processor\t: 1\nflags\t\t: fpu sse2 avx avx2\n"
    "== cpus\n0 - -\n1 - -\n10 - -\n== allowed\nCpus_allowed_list:\t1\n"
    "== memory\n== governors\n== compatible\n== soc\n== musl\n/lib/ld-musl-x86_64.so.1\n"
)


def test_a_board():
    seen = parse(PI_5)
    assert seen.cpus[3] == Cpu(3, "Cortex-A76", 2400000, 1024)
    assert seen.features == ("asimd", "asimdhp", "asimddp")
    assert seen.governors[-2:] == ("performance", "schedutil")
    assert (seen.memory_bytes, seen.soc, seen.musl) == (8255424 * 1024, "BCM2712", False)
    assert clusters(seen.cpus, "aarch64") == (
        Cluster(name="cortex-a76", cpus=(0, 1, 2, 3), max_khz=2400000),
    )


def test_a_phone_has_three_clusters_of_two_kinds():
    seen = parse(PHONE)
    assert seen.soc == "msmnile"
    found = {one.name: (one.cpus, one.mask) for one in clusters(seen.cpus, "aarch64")}
    assert found == {
        "kryo-485-silver": ((0, 1, 2, 3), "f"),
        "kryo-485-gold-2419mhz": ((4, 5, 6), "70"),
        "kryo-485-gold-2841mhz": ((7,), "80"),
    }
    assert list(found)[-1] == "kryo-485-gold-2841mhz"  # the fastest comes last


def test_processors_that_may_not_be_used_are_left_out():
    seen = parse(PC)
    assert [cpu.number for cpu in seen.cpus] == [1]
    assert clusters(seen.cpus, "x86_64") == (Cluster(name="x86_64", cpus=(1,), max_khz=None),)


def test_features_are_those_of_all_processors():
    assert parse(PC).features == ("avx", "avx2")
    assert parse(PC).musl


def test_a_part_that_nobody_has_named_is_numbered():
    (cluster,) = clusters(parse(PI_5.replace("0xd0b", "0xfff")).cpus, "aarch64")
    assert cluster.name == "part-0x41-0xfff"


def test_names_are_different_whatever_is_unknown():
    cpus = (Cpu(0, "", 0, 0), Cpu(1, "", 1000, 0), Cpu(2, "", 2000, 0), Cpu(3, "", 2000, 5))
    names = [one.name for one in clusters(cpus, "aarch64")]
    assert len(set(names)) == 4


def test_nothing_is_made_of_nothing():
    seen = parse("")
    assert (seen.cpus, seen.features, seen.soc, seen.memory_bytes) == ((), (), "", None)
    assert clusters(seen.cpus, "aarch64") == ()


def test_this_machine():
    seen = survey(LocalTransport())
    assert {cpu.number for cpu in seen.cpus} == os.sched_getaffinity(0)
    assert seen.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
