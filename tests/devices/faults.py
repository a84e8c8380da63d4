"""
A place where things go wrong: a device with the real runner, a store, and moments to strike at.

The runner waits at a gate, so that a fault can hit a run; results come with ballast, so that it can
hit their way back.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attnbench.clock import now
from attnbench.devices.bundle import Bundle, assemble
from attnbench.devices.lock import Lock
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached
from attnbench.devices.remote import TIDY, Remote
from attnbench.devices.transport import Transport
from attnbench.errors import AttnbenchError
from attnbench.pipeline.effort import Effort
from attnbench.pipeline.profile import profile
from attnbench.progress import Silent
from attnbench.records import Artifact
from attnbench.runner.build import RUNNER
from attnbench.store import Run, Store

When = Literal["idle", "push", "run", "between", "pull"]

EFFORT = Effort(launches=1, iterations=2, paired_launches=1, paired_iterations=2, warmup=1)
PATIENCE_S = 3.0
BALLAST = 30_000_000

GATE = """#!/bin/sh
gate='{gate}'
echo $$ >>"$gate/started"
while [ -e "$gate/hold" ]; do sleep 0.02; done
"$0.real" "$@"
code=$?
[ ! -e "$gate/then" ] || . "$gate/then"
exit $code
"""


@dataclass(frozen=True)
class Fault:
    """
    What happens, when, and what is said of it: `says` "" means that nobody has to notice.

    `strike` gets the site; what it returns is called when all is over, before the next run.
    """

    name: str
    when: When
    strike: Callable[[Site], Callable[[], object] | None]
    says: str = ""
    code: int = 0

    def __str__(self) -> str:
        return f"{self.when}-{self.name}"


@dataclass(frozen=True)
class Outcome:
    """As a command would end."""

    code: int
    said: str


def dead_owner() -> str:
    """The owner of a lock whose process is no more."""
    code = "from attnbench.devices import lock; print(lock._owner())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Site:
    """Everything of one measurement: where it runs, what runs, and where its records go."""

    def __init__(self, folder: Path, artifact: Artifact, transport: Transport) -> None:
        self.artifact, self.transport = artifact, transport
        self.workdir = folder / "work dir"
        self.gate = folder / "gate"
        self.gate.mkdir(parents=True, exist_ok=True)
        self.store = Store(folder / "runs")
        wrapper = folder / RUNNER
        wrapper.write_text(GATE.format(gate=self.gate))
        wrapper.chmod(0o755)
        found = assemble("litert", platform.machine())
        content = {**found.content, RUNNER: wrapper, f"{RUNNER}.real": found.content[RUNNER]}
        self.bundle = Bundle(found.engine, found.version, found.machine, content)

    def client(self, owner: str | None = None) -> Remote:
        """The device as another process would see it; `owner` is who that is."""
        given = DeviceProfile(
            name="board", transport="local", model="Board", soc="SoC", workdir=str(self.workdir)
        )
        device = Remote(given, Reached(self.transport))
        device.patiently.deadline_s = PATIENCE_S
        device._bundles["litert", ""] = self.bundle
        if owner is not None:
            device.lock = Lock(self.transport, device.root, TIDY, owner=owner)
        return device

    def measure(self, device: Remote) -> Outcome:
        """What `attnbench profile` does, without its page."""
        try:
            found = profile(self.artifact, device, EFFORT, Silent())
            self.store.add(Run(now(), (found,)))
        except AttnbenchError as error:
            return Outcome(error.exit_code, f"{error}; {error.hint}")
        return Outcome(0, "")

    def records(self) -> list[Run]:
        """All that is in the store, each of which has to be whole."""
        if not self.store.folder.is_dir():
            return []
        return [self.store.load(path) for path in sorted(self.store.folder.iterdir())]

    def left(self) -> list[str]:
        """What is on the device besides what is there to stay, and the folders for what is not."""
        kept = {"files", "bundles", "runs", "incoming"}
        found = [path for path in self.workdir.iterdir() if path.name not in kept]
        found += [path for name in ("runs", "incoming") for path in self.workdir.glob(f"{name}/*")]
        return sorted(str(path.relative_to(self.workdir)) for path in found)

    def run_folder(self) -> Path:
        (found,) = (self.workdir / "runs").iterdir()
        return found

    def supervisor(self) -> int:
        return int((self.run_folder() / "pid").read_text())

    def runner(self) -> int:
        return int((self.gate / "started").read_text().split()[-1])

    def shelved(self, name: str) -> Path:
        """A file of the bundle on the device."""
        (found,) = (self.workdir / "bundles").glob(f"*/{name}")
        return found

    def model(self) -> Path:
        return self.workdir / "files" / self.artifact.sha256

    def then(self, script: str) -> None:
        """Have the runner do something more at its end, in the run's folder."""
        (self.gate / "then").write_text(script)

    @contextmanager
    def struck(self, fault: Fault, device: Remote) -> Iterator[None]:
        """The fault, at its moment; whatever the gate does about it is over afterwards."""
        mend: list[Callable[[], object] | None] = []
        strike = lambda: mend.append(fault.strike(self))  # noqa: E731
        moments = {"idle": self._idle, "between": self._between}
        with moments.get(fault.when, self._during)(fault.when, device, strike):
            yield
        assert mend, "the moment did not come"
        (self.gate / "then").unlink(missing_ok=True)
        for undo in mend:
            if undo is not None:
                undo()

    @contextmanager
    def _idle(self, when: When, device: Remote, strike: Callable[[], None]) -> Iterator[None]:
        assert device.transport.run(["true"]).code == 0
        strike()
        yield

    @contextmanager
    def _between(self, when: When, device: Remote, strike: Callable[[], None]) -> Iterator[None]:
        place, calls = device.place, []

        def second(*arguments):
            calls.append(arguments)
            if len(calls) == 2:
                strike()
            return place(*arguments)

        device.place = second
        yield

    @contextmanager
    def _during(self, when: When, device: Remote, strike: Callable[[], None]) -> Iterator[None]:
        if when == "push":
            shutil.rmtree(self.workdir, ignore_errors=True)
        if when == "pull":
            self.then(f"head -c {BALLAST} /dev/zero >out/ballast")
        (self.gate / "started").unlink(missing_ok=True)
        if when == "run":
            (self.gate / "hold").touch()
        over = threading.Event()
        striker = threading.Thread(target=self._await, args=(when, strike, over))
        striker.start()
        try:
            yield
        finally:
            over.set()
            striker.join()
            (self.gate / "hold").unlink(missing_ok=True)

    def _await(self, when: When, strike: Callable[[], None], over: threading.Event) -> None:
        """Strike once the moment has come; then let the runner go on."""
        signs = {"push": "incoming/*/archive.tar", "run": "runs/*/pid", "pull": "runs/*/status"}
        started = self.gate / "started"
        while not over.is_set():
            ready = when != "run" or (started.exists() and started.read_text().endswith("\n"))
            if ready and any(self.workdir.glob(signs[when])):
                try:
                    strike()
                finally:
                    (self.gate / "hold").unlink(missing_ok=True)
                return
            time.sleep(0.001)


def check(site: Site, fault: Fault, dead: str) -> None:
    """
    It does what its row says; no record is lost, doubled or half; the next run is well.

    The site has one record, from before.
    """
    assert len(site.records()) == 1
    device = site.client(dead)
    with site.struck(fault, device):
        outcome = site.measure(device)
    assert outcome.code == fault.code, outcome.said
    assert re.search(fault.says, outcome.said), outcome.said
    expected = 1 if fault.code else 2
    assert len(site.records()) == expected
    assert site.measure(site.client()) == Outcome(0, "")
    records = site.records()
    assert len(records) == expected + 1
    assert len({one.taken_at for one in records}) == len(records)
    assert all(len(one.measurements[0].runs) == EFFORT.launches for one in records)
    assert site.left() == []
