"""Why a program did not start on a device, by its exit code and what shells and loaders say."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import PurePosixPath

import msgspec

from attnbench.devices.place import NOT_STARTED
from attnbench.errors import DeviceError
from attnbench.runner import Finished

_LOADER = "bring a C library along: private_loader = true in the profile"
_ANEW = "remove ~/.cache/attnbench here, so that it is made and fetched anew"
_REPORT = "that is a fault of attnbench's: please report it, with the bundle"

# The first that is seen wins: what a loader says of a missing library ends in "No such file".
SIGNS: tuple[tuple[str, str, str], ...] = (
    # Linux's ENOEXEC in the words of dash, bash and mksh.
    ("Exec format error", "is for another processor", "its kernel must be of 64 bits"),
    ("cannot execute binary file", "is for another processor", "its kernel must be of 64 bits"),
    ("not executable: 64-bit ELF", "is for another processor", "its kernel must be of 64 bits"),
    # glibc's elf/dl-version.c, dl-load.c, dl-lookup.c.
    ("version `GLIBC_", "needs a newer C library", f"upgrade the system, or {_LOADER}"),
    ("version `GLIBCXX_", "needs a newer C++ library", f"upgrade the system, or {_LOADER}"),
    ("not page-aligned", "is aligned for smaller pages than the device has", _REPORT),
    ("not properly aligned", "is aligned for smaller pages than the device has", _REPORT),
    ("undefined symbol", "misses a symbol", _ANEW),
    ("cannot open shared object file", "misses a library", f"install it there, or {_LOADER}"),
    ("file too short", "has a damaged library", _ANEW),
    ("invalid ELF header", "has a damaged library", _ANEW),
    # musl's ldso/dynlink.c, bionic's linker/linker.cpp.
    ("Error relocating", "was started by musl's loader", _LOADER),
    ("Error loading shared library", "was started by musl's loader", _LOADER),
    ("CANNOT LINK EXECUTABLE", "was started by Android's loader", _LOADER),
    ("cannot locate symbol", "misses a symbol", _ANEW),
    ("Permission denied", "may not be run", "is {folder} mounted noexec? choose another workdir"),
    ("No such file or directory", "finds no loader for it", _LOADER),
    ("not found", "finds no loader for it", _LOADER),
)
SIGNALS: Mapping[int, tuple[str, str]] = {
    signal.SIGILL: (
        "has instructions that its processor lacks",
        "is it an aarch64 (ARMv8-A) processor? then please report it, with the bundle",
    ),
    signal.SIGBUS: ("was killed by a bus error", "is its disk or memory full?"),
    signal.SIGKILL: ("was killed", "is it out of memory?"),
    signal.SIGSEGV: ("crashed", _REPORT),
    signal.SIGSYS: ("made a system call that is forbidden there", _REPORT),
}


def diagnosed(done: Finished, what: str, where: str, folder: PurePosixPath) -> DeviceError:
    """The error for a program of ours, `what`, that did not do what it always does elsewhere."""
    said = " ".join((_message(done.stdout) or done.stderr).split())[:300]
    meaning, hint = _meaning(done.code, said)
    code = f"exit code {done.code}"
    return DeviceError(
        f"{where}: {what} {meaning} ({f'{said}; {code}' if said else code})",
        hint=hint.format(folder=folder),
    )


def _meaning(code: int, said: str) -> tuple[str, str]:
    if code - 128 in SIGNALS:
        return SIGNALS[signal.Signals(code - 128)]
    for sign, meaning, hint in SIGNS:
        if sign in said:
            return meaning, hint
    if code in NOT_STARTED:
        return "cannot be started", "may programs be run from {folder}?"
    return "failed", _REPORT


def _message(stdout: bytes) -> str:
    """What our runner says of its own failure."""
    try:
        return str(msgspec.json.decode(stdout, type=dict[str, str]).get("message", ""))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return ""
