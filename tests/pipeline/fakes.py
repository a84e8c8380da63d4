"""Backends that a third party might bring: quick ones, and ones that fail in every way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from attnbench.backends.base import Exported
from attnbench.backends.formats import Format
from attnbench.errors import ExportError
from attnbench.records import Delegation, Scope

FORMAT = Format("quick", ".quick", None, ("attnbench-fakes",))


class Quick:
    """Writes the graph as text, with what an export's process was told about telemetry."""

    format = FORMAT

    def export(self, program, example, path: Path) -> Exported:
        path.write_text(f"{program.code}\ntelemetry off: {os.environ['ORT_DISABLE_TELEMETRY']}\n")
        return Exported((Scope("x", "op", "stem"),), Delegation(0, 1))


class Crashing:
    """A converter's native library that ends the process."""

    format = FORMAT

    def export(self, program, example, path: Path) -> Exported:
        print("the last words of a converter", flush=True)
        path.write_text("half an artif")
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError


class Slow(Quick):
    """Waits half-way for as long as the file that $ATTNBENCH_TEST_WAIT names is there."""

    def export(self, program, example, path: Path) -> Exported:
        wait = Path(os.environ["ATTNBENCH_TEST_WAIT"])
        if wait.exists():
            path.write_text("half an artif")
            wait.write_text(str(path))
        while wait.exists():
            time.sleep(0.02)
        return super().export(program, example, path)


class Buggy:
    """A bug of ours or of a plug-in: no error of attnbench's."""

    format = FORMAT

    def export(self, program, example, path: Path) -> Exported:
        raise ZeroDivisionError("a bug")


class Refusing:
    """A converter that refuses."""

    format = FORMAT

    def export(self, program, example, path: Path) -> Exported:
        raise ExportError("refusing: it was refused", hint="try another")


QUICK, CRASHING, SLOW, BUGGY, REFUSING = Quick(), Crashing(), Slow(), Buggy(), Refusing()
