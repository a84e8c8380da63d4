"""Starting and ending machines."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

from attnbench import clock
from attnbench.emulation import adb, keys, ports, process, qemu, state, tools
from attnbench.emulation.images import Image, obtain
from attnbench.emulation.locks import locked
from attnbench.emulation.machines import Machine
from attnbench.emulation.process import Process
from attnbench.emulation.recipes import cpio
from attnbench.emulation.running import HOST, Running, reach
from attnbench.emulation.state import SCHEMA, State
from attnbench.errors import BadOption, DeviceError
from attnbench.progress import Progress, stepping

POLL_S = 0.05
RECONNECT_S = 30.0
SHOWN_LINES = 12


def up(machine: Machine, progress: Progress) -> Running:
    """
    Have a machine up, as described; one that is up already is left as it is.

    Raises MissingTool; BadOption if it is up in another way; DeviceError if it does not come up
    within its deadline, with the last lines of its console.
    """
    folder = state.folder(machine.name)
    with locked(folder):
        there = state.load(machine.name)
        if there is not None:
            return _keep(there, machine)
        tools.check()
        image = obtain(machine.name, progress)
        state.sweep(machine.name)
        with stepping(progress, f"{machine.name}: boot"):
            made = _boot(machine, image, folder)
        return reach(made)


def down(name: str) -> bool:
    """End a machine, and tidy up after one that was killed; false if it was not up."""
    with locked(state.folder(name)):
        there = state.load(name)
        if there is not None:
            there.qemu.end()
        state.sweep(name)
        return there is not None


def status(name: str) -> State | None:
    """The state of a machine if it is up; tidies up after one that was killed."""
    there = state.load(name)
    if there is None and state.left_behind(name):
        down(name)
    return there


def _keep(there: State, machine: Machine) -> Running:
    if there.machine != machine:
        options = there.machine.options or "the usual options"
        raise BadOption(
            f"{machine.name} is up already, with {options}",
            hint=f"attnbench emulate {machine.name} down",
        )
    if there.adb_port is not None:
        there = _reconnected(there)
        state.save(there)
    return reach(there)


def _reconnected(there: State) -> State:
    """Its adb server, or the server's connection, may be gone while the machine is up."""
    name = there.machine.name
    assert there.adb_port is not None
    deadline = time.monotonic() + RECONNECT_S
    serial = f"{HOST}:{there.port}"
    if there.adb is not None and there.adb.alive():
        adb.connect(there.adb_port, serial, deadline)
        return there
    (port,) = ports.free(1)
    return replace(there, adb_port=port, adb=adb.serve(state.folder(name), port, serial, deadline))


def _boot(machine: Machine, image: Image, folder: Path) -> State:
    began = time.monotonic()
    deadline = began + machine.boot_deadline_s
    port, adb_port = ports.free(2)
    extra = keys.make(folder, port) if machine.reached == "ssh" else []
    initrd = image.initrd.read_bytes() + (cpio.pack(extra) if extra else b"")
    (folder / "initrd").write_bytes(initrd)
    booting = _start(qemu.command(machine, image, folder, port), folder)
    server: Process | None = None
    try:
        _await(machine, booting, folder, deadline)
        if machine.reached == "adb":
            server = adb.serve(folder, adb_port, f"{HOST}:{port}", deadline)
        made = State(
            schema=SCHEMA,
            machine=machine,
            image=image.key,
            since=clock.now(),
            boot_s=0.0,
            boot_id="",
            port=port,
            qemu=booting,
            adb_port=adb_port if server else None,
            adb=server,
        )
        boot_id = _boot_id(reach(made), deadline)
        made = replace(made, boot_id=boot_id, boot_s=round(time.monotonic() - began, 1))
        state.save(made)  # on a full disk it cannot, and a machine that nobody knows would stay
    except BaseException:
        for one in (server, booting):
            if one is not None:
                one.end()
        raise
    return made


def _start(argv: list[str], folder: Path) -> Process:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    pid = folder / "pid"
    found = process.find(int(pid.read_text())) if pid.is_file() else None
    if done.returncode or found is None:
        said = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        raise DeviceError(f"qemu did not start: {said[-1]}")
    return found


def _await(machine: Machine, booting: Process, folder: Path, deadline: float) -> None:
    """Until the console says that somebody listens: qemu takes connections long before that."""
    console = folder / "console"
    while machine.ready not in console.read_text(errors="replace"):
        over = time.monotonic() > deadline
        if over or not booting.alive():
            what = (
                f"is not up after {machine.boot_deadline_s:g} s" if over else "ended while booting"
            )
            last = console.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
            raise DeviceError("\n  ".join([f"{machine.name} {what}; its console:", *last]))
        time.sleep(POLL_S)


def _boot_id(there: Running, deadline: float) -> str:
    """The first command there, by the way that all others will take."""
    argv = [*there.argv, "cat /proc/sys/kernel/random/boot_id"]
    while True:
        patience = max(1.0, deadline - time.monotonic())
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise DeviceError(f"{there.name} does not answer") from error
        if done.returncode == 0:
            return done.stdout.strip()
        if time.monotonic() > deadline:
            raise DeviceError(f"{there.name} does not answer: {done.stderr.strip()}")
        time.sleep(POLL_S)
