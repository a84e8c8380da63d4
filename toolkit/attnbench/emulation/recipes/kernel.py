"""Debian's kernel for virtual machines, and the modules that its first root has to load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attnbench.emulation.archive import Archive, Package
from attnbench.emulation.recipes import cpio

NAME = "linux-image-cloud-arm64"
MODULES = (
    "virtio",
    "virtio_ring",
    "virtio_mmio",
    "virtio_blk",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio-rng",
)
"""In the order of loading."""


def choose(archive: Archive) -> Package:
    """
    The kernel that `NAME` stands for, whose own name changes with every release.

    Its dependencies, which make and install first roots, are of no use here.
    """
    real = [one for one in archive.resolve([NAME]) if one.name.startswith("linux-image-")]
    (found,) = (one for one in real if one.name != NAME)
    return found


def image(root: Path) -> Path:
    """The kernel itself, in a folder that its package was unpacked into."""
    (found,) = root.glob("boot/vmlinuz-*")
    return found


def modules(root: Path) -> Sequence[cpio.Entry]:
    """Its modules, as /modules/00-virtio.ko and so on."""
    entries = []
    for number, name in enumerate(MODULES):
        (found,) = root.glob(f"lib/modules/*/kernel/**/{name}.ko")
        entries.append(cpio.file(f"modules/{number:02}-{name}.ko", found.read_bytes()))
    return entries
