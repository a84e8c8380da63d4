"""
What a device needs to run one engine: the runner, its plug-in, the engine's shared objects.

Where the C library is not glibc, as on a phone, the loader and the libraries of the cross
compiler's glibc come along, and the runner is started through that loader.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices import elf
from attnbench.devices.shelf import Item, folder_item
from attnbench.devices.wheels import wheel_for
from attnbench.errors import BadOption, MissingTool
from attnbench.runner import build, find_all
from attnbench.runner.build import PLUGIN, RUNNER, compiler_for

LARGEST_BYTES = 32 << 20
PAGE_BYTES = 16 << 10
"""The largest page of any aarch64 phone or board; a smaller alignment cannot be loaded there."""

LOADERS: Mapping[str, str] = {
    "aarch64": "ld-linux-aarch64.so.1",
    "x86_64": "ld-linux-x86-64.so.2",
}
GLIBC = (
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
)
LIB = "lib"
PRIVATE_LOADER = "glibc build under private loader"
"""What a record says of such a measurement: an app built for that system may take another time."""


@dataclass(frozen=True)
class Bundle:
    """
    Files by their relative name on the device; `loader` is "" where the system's own will do.

    Of the runner alone, `engine` and `version` are "".
    """

    engine: str
    version: str
    machine: str
    content: Mapping[str, Path]
    loader: str = ""

    @cached_property
    def digests(self) -> dict[str, str]:
        """The sha256 of each file."""
        return {name: files.digest(path) for name, path in sorted(self.content.items())}

    @cached_property
    def key(self) -> str:
        """Stands for the names and contents of all files."""
        lines = [f"{digest}  {name}\n" for name, digest in self.digests.items()]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @cached_property
    def item(self) -> Item:
        """All of it, to be sent."""
        return folder_item(self.key, self.content, self.digests)

    @property
    def bytes(self) -> int:
        """What a push sends."""
        return sum(path.stat().st_size for path in self.content.values())

    @property
    def title(self) -> str:
        """For messages."""
        return f"the runner for {self.engine}" if self.engine else "the runner"

    def command(self, home: PurePosixPath) -> tuple[str, ...]:
        """How to start the runner there, before its own arguments."""
        runner = str(home / RUNNER)
        if not self.loader:
            return (runner,)
        return (str(home / LIB / self.loader), "--library-path", str(home / LIB), runner)

    def options(self, home: PurePosixPath) -> tuple[str, ...]:
        """Arguments that tell the runner where its libraries are, and their version."""
        if not self.engine:
            return ()
        where = ("--lib-dir", str(home / LIB), "--plugin", str(home / PLUGIN))
        return (*where, "--lib-version", self.version)


def assemble(
    engine: str,
    machine: str,
    *,
    private_loader: bool = False,
    runner: Path | None = None,
    version: str = "",
    page_bytes: int = PAGE_BYTES,
) -> Bundle:
    """
    The bundle of one engine for one machine, built and downloaded if need be; "" is none.

    `runner` is the user's own, its plug-in beside it; `version` "" is the installed one;
    `page_bytes` are the device's. Raises MissingTool: no cross compiler, no wheel, a file that
    cannot be loaded there; BadOption if it is the user's.
    """
    wheels = {name: wheel_for(name, machine) for name in find_all()}
    wheel = wheel_for(engine, machine, version) if engine else None
    if wheel:
        wheels[engine] = wheel
    if runner is None:
        runner = build(machine, wheels)
    else:
        _check_own(runner, machine, page_bytes)
    content = {RUNNER: runner}
    if wheel:
        content |= {f"{LIB}/{path.name}": path for path in wheel.libraries}
    if engine == "executorch" and runner.with_name(PLUGIN).is_file():
        content[PLUGIN] = runner.with_name(PLUGIN)
    if private_loader:
        content |= {f"{LIB}/{name}": _runtime(machine, name) for name in (LOADERS[machine], *GLIBC)}
    version = wheel.version if wheel else ""
    loader = LOADERS[machine] if private_loader else ""
    bundle = Bundle(engine, version, machine, content, loader)
    _check(bundle, page_bytes)
    return bundle


def _check_own(runner: Path, machine: str, page_bytes: int) -> None:
    """What `_check` says of a file of ours is said of the option here."""
    try:
        wrong = _wrong(runner, machine, page_bytes)
    except MissingTool as error:
        wrong = str(error)
    if wrong:
        raise BadOption(
            f"--runner {runner}: {wrong}",
            hint=f"build it for {machine}, linked with -Wl,-z,max-page-size={PAGE_BYTES}",
        )


def _check(bundle: Bundle, page_bytes: int = PAGE_BYTES) -> None:
    """What would fail on the device, in words that are of no use there, fails here."""
    if bundle.bytes > LARGEST_BYTES:
        raise MissingTool(
            f"the bundle for {bundle.engine} has {bundle.bytes >> 20} MB, "
            f"more than {LARGEST_BYTES >> 20}"
        )
    for path in bundle.content.values():
        wrong = _wrong(path, bundle.machine, page_bytes)
        if wrong:
            raise MissingTool(f"{path}: {wrong}")


def _wrong(path: Path, machine: str, page_bytes: int) -> str:
    """Why a file cannot be loaded there, or "". Raises MissingTool if it is damaged."""
    kind = elf.read(path)
    if kind is None or kind.machine != machine:
        found = f"for {kind.machine}" if kind else "no binary"
        return f"the device is {machine}, this is {found}"
    if machine == "aarch64" and kind.alignment_bytes % page_bytes:
        return (
            f"it is aligned for pages of {kind.alignment_bytes} bytes, "
            f"and the device's have {page_bytes}"
        )
    return ""


def _runtime(machine: str, name: str) -> Path:
    """A file of the C and C++ runtime, as the compiler for `machine` finds it."""
    compiler = compiler_for(machine)
    done = subprocess.run(
        [*compiler, f"-print-file-name={name}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    path = Path(done.stdout.strip())
    if not path.is_absolute() or not path.is_file():
        package = "libc6" if machine == platform.machine() else f"g++-{machine}-linux-gnu"
        raise MissingTool(
            f"{compiler[0]} has no {name}, which the private loader needs",
            hint=f"apt install {package}",
        )
    return path.resolve()
