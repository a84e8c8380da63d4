"""What is known of a machine that was started: one file each, in the user's cache."""

from __future__ import annotations

import os
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
    """
    Where a machine's state, keys, first root and console are.

    In $ATTNBENCH_EMULATED if that is set: another folder there is another set of machines.
    """
    chosen = os.environ.get("ATTNBENCH_EMULATED")
    path = Path(chosen, name) if chosen else cache_dir("emulation", "machines", name)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def save(state: State) -> None:
    """Keep it for those who come next."""
    write(_path(state.machine.name), msgspec.json.format(msgspec.json.encode(state), indent=1))


def load(name: str) -> State | None:
    """The state of a machine that is up, else None: what is left of one that ended says nothing."""
    state = _read(name)
    return state if state is not None and state.qemu.alive() else None


def sweep(name: str) -> None:
    """
    Remove what a machine left behind that was killed; only for whoever holds the folder's lock.

    The same of a state that an older attnbench wrote, or whose pid is another process by now.
    """
    state = _read(name)
    if state is not None and state.qemu.alive():
        return
    if state is not None and state.adb is not None:
        state.adb.end()
    for path in folder(name).iterdir():
        if path.name not in (".lock", "console"):
            remove(path)


def left_behind(name: str) -> bool:
    """Whether there is a state, but no machine."""
    return _path(name).is_file() and load(name) is None


def _read(name: str) -> State | None:
    try:
        state = msgspec.json.decode(_path(name).read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
        return None
    return state if state.schema == SCHEMA else None


def _path(name: str) -> Path:
    return folder(name) / "state.json"
