"""
Why something does not start, in the words that shells and loaders have for it.

What each says is its source's format: dash, bash, mksh, toybox and coreutils' env; glibc's elf/,
musl's ldso/dynlink.c, bionic's linker. Those marked * were seen on the emulated machines.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from attnbench.devices.diagnosis import diagnosed
from attnbench.errors import DeviceError
from attnbench.runner import Finished

RUNNER = "/data/local/tmp/attnbench/bundles/ab/attnbench-runner"
SAID = [
    (126, f"env: '{RUNNER}': Exec format error", "another processor", "64 bits"),
    (126, f"sh: {RUNNER}: cannot execute binary file: Exec format error", "another", "64 bits"),
    (126, f"sh: {RUNNER}: not executable: 64-bit ELF file", "another processor", "64 bits"),
    (126, f"env: '{RUNNER}': Permission denied", "may not be run", "mounted noexec"),  # *
    (126, f"sh: {RUNNER}: can't execute: Permission denied", "may not be run", "noexec"),
    (127, f"env: '{RUNNER}': No such file or directory", "finds no loader", "private_loader"),
    (126, f"sh: {RUNNER}: No such file or directory", "finds no loader", "private_loader"),  # *
    (127, f"sh: {RUNNER}: inaccessible or not found", "finds no loader", "private_loader"),
    (
        1,
        f"{RUNNER}: /lib/aarch64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found "
        f"(required by {RUNNER})",
        "needs a newer C library",
        "private_loader",
    ),
    (1, "libstdc++.so.6: version `GLIBCXX_3.4.30' not found", "newer C++ library", "upgrade"),
    (
        127,
        f"{RUNNER}: error while loading shared libraries: libstdc++.so.6: cannot open shared "
        "object file: No such file or directory",
        "misses a library",
        "install it there",
    ),
    (
        127,
        f"{RUNNER}: symbol lookup error: {RUNNER}: undefined symbol: f",
        "misses a symbol",
        "anew",
    ),
    (127, "libX.so: ELF load command alignment not page-aligned", "smaller pages", "report"),
    (127, "libX.so: ELF load command address/offset not page-aligned", "smaller pages", "report"),
    (127, "libX.so: ELF load command address/offset not properly aligned", "pages", "report"),
    (127, "libX.so: file too short", "damaged library", "anew"),
    (
        127,
        "Error loading shared library libstdc++.so.6: No such file (needed by x)",
        "musl",
        "private_loader",
    ),
    (127, f"Error relocating {RUNNER}: __x: symbol not found", "musl", "private_loader"),
    (1, 'CANNOT LINK EXECUTABLE "x": library "libc.so.6" not found', "Android's loader", "private"),
    (132, "Illegal instruction", "instructions that its processor lacks", "aarch64"),
    (137, "Killed", "was killed", "memory"),
    (139, "Segmentation fault", "crashed", "report"),
    (135, "", "bus error", "disk or memory"),
    (159, "Bad system call", "forbidden", "report"),
    (126, "", "cannot be started", "may programs be run from /data/work"),
    (3, "something new", "failed", "report"),
]


@pytest.mark.parametrize(("code", "said", "meaning", "hint"), SAID)
def test_each_has_its_meaning(code, said, meaning, hint):
    error = diagnosed(Finished(code, b"", said), "the runner", "pi", PurePosixPath("/data/work"))
    assert isinstance(error, DeviceError)
    assert str(error).startswith("pi: the runner ")
    assert meaning in str(error)
    assert hint in error.hint
    assert f"exit code {code}" in str(error)


def test_the_runner_s_own_words_come_first():
    document = b'{"status":"error","stage":"library","message":"libX.so: undefined symbol: f"}'
    error = diagnosed(Finished(3, document, "noise"), "it", "pi", PurePosixPath("/x"))
    assert "misses a symbol (libX.so: undefined symbol: f; exit code 3)" in str(error)


def test_a_flood_of_words_is_cut():
    error = diagnosed(Finished(1, b"", "word " * 1000), "it", "pi", PurePosixPath("/x"))
    assert len(str(error)) < 400
