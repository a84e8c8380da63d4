"""
A phone: toybox and mksh as on Android, a real adbd, no /lib, no /tmp, nothing writable but /data.

toybox and adbd are Debian's and need glibc; theirs is private, in /apex/attnbench, so that a
program which expects one in /lib fails to start, as it does on a real phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attnbench.emulation import tools
from attnbench.emulation.recipes import cpio, kernel
from attnbench.emulation.recipes.pixel4 import soc
from attnbench.files import remove, write

WANTED = ("adbd", "mksh", "toybox")
PRIVATE = "apex/attnbench"
FOLDERS = ("apex", "data", "dev", "mnt", "proc", "sys")
SHELL = "usr/lib/aarch64-linux-musl/bin/mksh"
PROGRAMS = {"toybox": "bin/toybox", "adbd": "usr/lib/android-sdk/platform-tools/adbd"}
LOADER = "ld-linux-aarch64.so.1"


def build(packages: Sequence[Path], target: Path) -> None:
    """Make `initrd` and `kernel` in the folder `target`."""
    root = target / "unpacked"
    root.mkdir()
    for package in packages:
        tools.call("dpkg-deb", "--extract", package, root)
    commands = Path(__file__).with_name("commands.txt").read_text().split()
    entries = [
        *cpio.tree(Path(__file__).parent / "root"),
        *(cpio.folder(name) for name in FOLDERS),
        *kernel.modules(root),
        *soc.entries("soc"),
        *_programs(root),
        cpio.file("system/bin/sh", (root / SHELL).read_bytes()),
        *(cpio.link(f"system/bin/{name}", f"/{PRIVATE}/bin/toybox") for name in commands),
        cpio.link("bin", "/system/bin"),
        cpio.link("etc", "/system/etc"),
    ]
    write(target / "initrd", cpio.pack(entries))
    kernel.image(root).replace(target / "kernel")
    remove(root)


def _programs(root: Path) -> Iterator[cpio.Entry]:
    """Toybox and adbd made to use the private loader and libraries, and these."""
    there = {path.name: path for path in root.glob("**/*.so*")}
    libraries: dict[str, Path] = {}
    for name, path in PROGRAMS.items():
        program = root / path
        _collect(program, there, libraries)
        tools.call("patchelf", "--set-interpreter", f"/{PRIVATE}/lib/{LOADER}", program)
        tools.call("patchelf", "--force-rpath", "--set-rpath", f"/{PRIVATE}/lib", program)
        yield cpio.file(f"{PRIVATE}/bin/{name}", program.read_bytes())
    for name, library in libraries.items():
        yield cpio.file(f"{PRIVATE}/lib/{name}", library.read_bytes(), 0o755)


def _collect(program: Path, there: Mapping[str, Path], libraries: dict[str, Path]) -> None:
    """Add what a program needs, and what that needs."""
    for name in tools.call("patchelf", "--print-needed", program).split():
        if name not in libraries:
            libraries[name] = there[name]
            _collect(there[name], there, libraries)
