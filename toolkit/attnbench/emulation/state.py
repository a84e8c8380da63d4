"""What is known of a machine that was started: one file each, in the user's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from attnbench.emulation.machines import Machine
from attnbench.emulation.process import Process
from attnbench.files import cache_dir, remove, write

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class State:
    """A machine that is up, and how to reach it; `adb_port` and `adb` are of its own adb server."""

    schema: int
    machine: Machine
    image: str
    since: str
    boot_s: float
    boot_id: str
    port: int
    qemu: Process
    adb_port: int | None = None
    adb: Process | None = None


def folder(name: str) -> Path:
    """Where a machine's state, keys, first root and console are."""
    path = cache_dir("emulation", "machines", name)
    path.chmod(0o700)
    return path


def save(state: State) -> None:
    """Keep it for those who come next."""
    write(_path(state.machine.name), msgspec.json.format(msgspec.json.encode(state), indent=1))


def load(name: str) -> State | None:
    """
    The state of a machine that is up, else None.

    One whose process has ended, or has another's pid, or that an older attnbench wrote, is removed.
    """
    path = _path(name)
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, msgspec.ValidationError):
        state = None
    if state is not None and state.schema == SCHEMA and state.qemu.alive():
        return state
    if state is not None and state.adb is not None:
        state.adb.end()
    forget(name)
    return None


def forget(name: str) -> None:
    """Remove it, with the keys: the next boot makes new ones."""
    for path in folder(name).iterdir():
        if path.name not in (".lock", "console"):
            remove(path)


def _path(name: str) -> Path:
    return folder(name) / "state.json"
