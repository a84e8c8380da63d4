"""What can only go wrong with a machine of its own: its power, its clock, its adb server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.clock import now
from attnbench.devices import DEVICES
from attnbench.devices.bundle import Bundle
from attnbench.devices.remote import Remote
from attnbench.devices.shell import Patience
from attnbench.emulation import MACHINES, running, state, up
from attnbench.errors import AttnbenchError, DeviceError
from attnbench.progress import Silent
from attnbench.runner import Reads, Writes
from attnbench.store import Run, Store
from tests.devices.faults import PATIENCE_S, Outcome
from tests.devices.test_remote import RUNNER

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

BALLAST = 24_000_000
"""Bytes: what takes seconds on its way, so that a fault can hit it there."""

COUNT = "count"
"""A file in the work folder: how often a program was started."""

MOMENTS = {"push": "incoming/*/archive.tar", "run": "runs/*/out/0", "pull": "runs/*/status"}
DOES = {
    "push": "exit 0",
    "run": f'echo started >>"${{input%/files*}}/{COUNT}"; sleep 4',
    "pull": f"head -c {BALLAST} /dev/zero >out/ballast",
}


@dataclass
class Board:
    """An emulated machine whose one engine is a script, and the store of what it did."""

    name: str
    folder: Path
    store: Store
    root: PurePosixPath = field(init=False)

    def client(self) -> Remote:
        up(MACHINES[self.name], Silent())
        device = DEVICES.get(f"{self.name}-emulated")
        # A real device that loses its power is waited for: only of qemu it is known.
        device.patiently = Patience(PATIENCE_S)
        script = self.folder / "script"
        script.write_text(RUNNER)
        script.chmod(0o755)
        self.root = device.root
        device._bundles["fake", ""] = Bundle("fake", "1.0", "any", {"attnbench-runner": script})
        return device

    def measure(self, device: Remote, does: str = "exit 0", ballast_bytes: int = 1) -> Outcome:
        """One launch, with a file to push and another to bring back; a record if it was well."""
        source, ballast, target = (self.folder / name for name in ("input", "ballast", "output"))
        source.write_text(does)
        ballast.write_bytes(os.urandom(ballast_bytes))
        target.unlink(missing_ok=True)
        words = ["--ballast", Reads(ballast), "--input", Reads(source), "--output", Writes(target)]
        try:
            done = device.place("fake", words, 120)
        except AttnbenchError as error:
            return Outcome(error.exit_code, f"{error}; {error.hint}")
        assert (done.code, target.read_text()) == (0, does)
        self.store.add(Run(now()))
        return Outcome(0, "")

    def records(self) -> int:
        return len([self.store.load(path) for path in self.store.folder.glob("*")])

    def await_(self, when: str) -> None:
        """Until there is a file that shows how far it is, as seen over a wire of our own."""
        other = DEVICES.get(f"{self.name}-emulated")
        there = f'for file in "$1"/{MOMENTS[when]}; do [ ! -e "$file" ] || exit 0; done'
        argv = ["sh", "-c", f"while :; do {there}; sleep 0.05; done", "sh", str(self.root)]
        assert other.transport.run(argv).code == 0
        other.close()


def power_cut(board: Board) -> None:
    known = state.load(board.name)
    os.kill(known.qemu.pid, signal.SIGKILL)
    while known.qemu.alive():
        time.sleep(0.01)


def freeze(board: Board) -> None:
    """It does nothing for a while, and then goes on."""
    pid = state.load(board.name).qemu.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(pid, signal.SIGCONT)


def kill_server(port: int) -> None:
    subprocess.run(["adb", "-P", str(port), "kill-server"], check=True, capture_output=True)


def adb_restarted(board: Board) -> None:
    kill_server(state.load(board.name).adb_port)


def clock_set(years: int) -> Callable[[Board], None]:
    def strike(board: Board) -> None:
        other = DEVICES.get(f"{board.name}-emulated")
        there = int(other.transport.run(["date", "+%s"]).stdout)
        argv = ["sudo", "-n", "date", "-s", f"@{there + years * 31_557_600}"]
        assert other.transport.run(argv).code == 0
        other.close()

    return strike


LOST = "the connection was lost|no connection|no phone with the serial|is offline"
FAULTS = [
    *(
        pytest.param("pixel4", when, power_cut, LOST, 5, id=f"pixel4-power cut-{when}")
        for when in MOMENTS
    ),
    pytest.param("rpi5", "run", power_cut, LOST, 5, id="rpi5-power cut-run"),
    *(
        pytest.param("pixel4", when, adb_restarted, "", 0, id=f"adb server restarted-{when}")
        for when in MOMENTS
    ),
    *(pytest.param(name, "run", freeze, "", 0, id=f"{name}-frozen-run") for name in MACHINES),
    pytest.param("rpi5", "run", clock_set(10), "", 0, id="clock ten years ahead-run"),
    pytest.param("rpi5", "run", clock_set(-10), "", 0, id="clock ten years back-run"),
]


def check_gone(known: state.State) -> None:
    """A machine that was killed is not up, and nothing that served it is left."""
    name = known.machine.name
    with pytest.raises(DeviceError, match="not up"):
        running(name)
    done = CliRunner().invoke(main, ["emulate", name, "status"])
    assert done.stdout == f"{name} is not up\n"
    assert known.adb is None or not known.adb.alive()
    assert {path.name for path in state.folder(name).iterdir()} == {".lock", "console"}


def check_started_once(device: Remote) -> None:
    argv = ["sh", "-c", 'cat "$1"; rm "$1"', "sh", str(device.root / COUNT)]
    assert device.transport.run(argv).stdout == b"started\n"


@pytest.mark.parametrize(("name", "when", "strike", "says", "code"), FAULTS)
def test_a_fault_of_a_machine(name, when, strike, says, code, emulation, tmp_path):
    board = Board(name, tmp_path, Store(tmp_path / "runs"))
    device = board.client()
    struck = []

    def wait_and_strike() -> None:
        board.await_(when)
        strike(board)
        struck.append(when)

    known = state.load(name)
    striker = threading.Thread(target=wait_and_strike)
    striker.start()
    outcome = board.measure(device, DOES[when], BALLAST if when == "push" else 1)
    striker.join(60)
    assert struck == [when]
    assert outcome.code == code, outcome.said
    assert (says == "") == (outcome.said == "")
    assert not says or any(sign in outcome.said for sign in says.split("|")), outcome.said
    assert board.records() == (0 if code else 1)
    if strike is power_cut:
        check_gone(known)
    elif when == "run":
        check_started_once(device)
    device.close()
    if strike is adb_restarted:
        kill_server(device.transport.phone.server_port)  # the one that our client began

    again = board.client()
    assert board.measure(again) == Outcome(0, "")
    assert board.records() == (1 if code else 2)
    argv = ["sh", "-c", 'ls -d "$1"/lock "$1"/runs/* "$1"/incoming/*', "sh", str(again.root)]
    assert again.transport.run(argv).stdout == b""
    again.close()
