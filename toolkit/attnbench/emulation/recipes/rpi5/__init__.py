"""
A Raspberry Pi: Debian with sshd and user pi, who may use sudo as on Raspberry Pi OS.

Packages are unpacked, not installed: none of their scripts runs, so that no arm64 program has to
run either while an image is built. What the scripts would have made is in the folder `root`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attnbench.emulation import tools
from attnbench.emulation.recipes import cpio, kernel
from attnbench.files import remove, write

WANTED = (
    "base-files",
    "bash",
    "busybox-static",
    "coreutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "iproute2",
    "libc-bin",
    "libgomp1",
    "libstdc++6",
    "mount",
    "openssh-server",
    "openssh-sftp-server",
    "procps",
    "sed",
    "sudo",
    "tar",
    "util-linux",
)
UNUSED = {"perl", "perl-modules-5.36", "libperl5.36"}
"""Only scripts of packages would run it, and it is a fifth of everything."""

HERE = Path(__file__).parent


def build(packages: Sequence[Path], target: Path) -> None:
    """Make `initrd`, `kernel` and `disk` in the folder `target`."""
    machine = target / "machine"
    boot = target / "boot"
    for folder in (machine, boot):
        folder.mkdir()
    used = [path for path in packages if path.name.partition("_")[0] not in UNUSED]
    script = HERE / "assemble.sh"
    disk = target / "disk"
    tools.call("fakeroot", "--", "sh", script, machine, HERE / "root", disk, *used)
    for package in packages:
        if package.name.startswith(("linux-image-", "busybox-static")):
            tools.call("dpkg-deb", "--extract", package, boot)
    busybox = (boot / "bin/busybox").read_bytes()
    entries = [
        *cpio.tree(HERE / "initramfs"),
        *kernel.modules(boot),
        cpio.file("bin/busybox", busybox),
    ]
    write(target / "initrd", cpio.pack(entries))
    kernel.image(boot).replace(target / "kernel")
    for folder in (machine, boot):
        remove(folder)
