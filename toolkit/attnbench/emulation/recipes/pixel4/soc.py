"""
The clusters and sensors of a Snapdragon 855, as files under /sys.

Clocks are a Pixel 4's `cpuinfo_max_freq`, capacities those of its device tree, scaled to 1024.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attnbench.emulation.recipes import cpio

GOVERNORS = "schedutil performance powersave userspace"
ZONES_MILLI_C = (
    ("cpu-0-0-usr", 31000),
    ("cpu-1-0-usr", 31500),
    ("cpu-1-3-usr", 32000),
    ("battery", 27500),
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Cores of one kind, which have one clock."""

    cores: tuple[int, ...]
    min_khz: int
    max_khz: int
    capacity: int


CLUSTERS = (
    Cluster((0, 1, 2, 3), 300000, 1785600, 261),
    Cluster((4, 5, 6), 710400, 2419200, 871),
    Cluster((7,), 825600, 2841600, 1024),
)


def entries(below: str) -> Iterator[cpio.Entry]:
    """The folders `cpu` and `thermal`, which the phone's first process puts over those of /sys."""
    for cluster in CLUSTERS:
        policy = f"cpufreq/policy{cluster.cores[0]}"
        for name, text in _policy(cluster).items():
            yield cpio.file(f"{below}/cpu/{policy}/{name}", f"{text}\n".encode())
        for core in cluster.cores:
            folder = f"{below}/cpu/cpu{core}"
            yield cpio.link(f"{folder}/cpufreq", f"../{policy}")
            yield cpio.file(f"{folder}/cpu_capacity", f"{cluster.capacity}\n".encode())
    for number, (name, milli_c) in enumerate(ZONES_MILLI_C):
        zone = f"{below}/thermal/thermal_zone{number}"
        yield cpio.file(f"{zone}/type", f"{name}\n".encode())
        yield cpio.file(f"{zone}/temp", f"{milli_c}\n".encode())


def _policy(cluster: Cluster) -> dict[str, object]:
    cores = " ".join(map(str, cluster.cores))
    return {
        "affected_cpus": cores,
        "cpuinfo_max_freq": cluster.max_khz,
        "cpuinfo_min_freq": cluster.min_khz,
        "related_cpus": cores,
        "scaling_available_governors": GOVERNORS,
        "scaling_cur_freq": cluster.max_khz,
        "scaling_governor": "schedutil",
        "scaling_max_freq": cluster.max_khz,
        "scaling_min_freq": cluster.min_khz,
    }
