"""A device at the other end of a wire."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

from attnbench import files
from attnbench.devices import settings
from attnbench.devices.bundle import PAGE_BYTES, PRIVATE_LOADER, Bundle, assemble
from attnbench.devices.detached import SWEEP, Run
from attnbench.devices.facts import Facts, check_glibc, probe
from attnbench.devices.lock import Lock
from attnbench.devices.place import RemotePlace
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached, check_up, reach
from attnbench.devices.readings import look
from attnbench.devices.shelf import PRUNE, Shelf
from attnbench.devices.shell import Patience
from attnbench.devices.transport import ConnectionLost, Transport
from attnbench.devices.watch import RemoteWatch
from attnbench.errors import BadOption, DeviceError
from attnbench.records import INSTRUCTIONS, DeviceId, Reading

POLL_S = 2.0
"""Between two looks at a device that is cooling down."""

TIDY = f"{SWEEP}\n{settings.RESTORE}\n{PRUNE}"
"""What whoever takes the lock does first in $root."""


class Remote:
    """
    See Device.

    Nothing is reached before it is needed; from then on one connection, what the device is, and
    what was found on it are kept.
    """

    def __init__(
        self,
        profile: DeviceProfile,
        reached: Reached | None = None,
        *,
        runner: Path | None = None,
    ) -> None:
        self.profile = profile
        self.runner = runner
        self.place = RemotePlace(self)
        self.watch: RemoteWatch | None = None
        self.patiently = Patience(check=partial(check_up, profile))
        self._given = reached
        self._bundles: dict[tuple[str, str], Bundle] = {}
        self._held = 0

    @property
    def name(self) -> str:
        """See Device."""
        return self.profile.name

    @property
    def clock(self) -> str:
        """See Device."""
        return INSTRUCTIONS if self.reached.time == "instructions" else "monotonic"

    @property
    def threads(self) -> int:
        """See Device."""
        return self.profile.threads

    @cached_property
    def runner_sha256(self) -> str | None:
        """See Device."""
        return None if self.runner is None else files.digest(self.runner)

    @cached_property
    def reached(self) -> Reached:
        """How it is reached; for an emulated machine, whether it is up."""
        return self._given or reach(self.profile)

    @property
    def transport(self) -> Transport:
        """The wire."""
        return self.reached.transport

    @cached_property
    def facts(self) -> Facts:
        """What it is. Raises DeviceError if it cannot be reached, or nothing of ours can run."""
        try:
            return probe(self.transport)
        except ConnectionLost:
            self.patiently.check()
            raise

    @cached_property
    def root(self) -> PurePosixPath:
        """Our folder there."""
        folder = PurePosixPath(self.profile.workdir)
        return (
            PurePosixPath(self.facts.home, *folder.parts[1:]) if folder.parts[0] == "~" else folder
        )

    @cached_property
    def shelf(self) -> Shelf:
        """What lies there under its content's hash."""
        return Shelf(self.transport, self.root)

    @cached_property
    def lock(self) -> Lock:
        """Our hold on it."""
        return Lock(self.transport, self.root, TIDY)

    def bundle(self, engine: str, version: str = "") -> Bundle:
        """What has to be there to run an engine; "" is none: the runner alone. See assemble."""
        if (engine, version) not in self._bundles:
            if not (self.profile.private_loader or self.runner):
                check_glibc(self.facts, self.transport.where)
            self._bundles[engine, version] = assemble(
                engine,
                self.facts.machine,
                private_loader=self.profile.private_loader,
                runner=self.runner,
                version=version,
                page_bytes=self.facts.page_bytes or PAGE_BYTES,
            )
        return self._bundles[engine, version]

    def identity(self) -> DeviceId:
        """See Device."""
        emulated = self.reached.emulated
        # What qemu makes of a board's name would pass for a board of that name.
        model = f"qemu {emulated}" if emulated else self.facts.model
        cpu = ", ".join(word for word in (model, self.facts.cpu) if word)
        return DeviceId(self.name, bool(emulated), self.facts.machine, cpu)

    def check_times(self) -> None:
        """See Device."""
        if self.reached.emulated and self.reached.time == "real":
            raise BadOption(
                f"{self.name} is emulated: how long it takes says nothing about a real one",
                hint="`attnbench parity` works there; for costs in instructions, boot it with "
                f"`attnbench emulate {self.profile.address} up --time instructions`",
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold its lock; what an earlier holder has left behind is put right first."""
        outermost = not self._held
        if outermost:
            self.patiently.lost = None
        self._held += 1
        try:
            self.patiently(self._take if outermost else self.lock.renew)
            yield
        finally:
            self._held -= 1
            if outermost:
                with suppress(DeviceError):  # the next one will find that we are no more
                    self.patiently(self.lock.drop)

    def _take(self) -> None:
        self.lock.take()
        self.shelf.trusted.clear()  # others may have been there, or a restart

    @contextmanager
    def watched(self) -> Iterator[RemoteWatch]:
        """See Device. Holds it still meanwhile; raises BadOption where times mean nothing."""
        self.check_times()
        with self.held(), self._still() as refused:
            watch = RemoteWatch(
                self.facts.cores,
                bool(self.facts.android),
                self.profile.wanted,
                self._look(full=True),
                refused=refused,
            )
            if self.profile.private_loader:
                watch.notes.append(PRIVATE_LOADER)
            self.watch = watch
            try:
                yield watch
            finally:
                self.watch = None
            watch.after = self._look(full=True)

    @contextmanager
    def _still(self) -> Iterator[tuple[str, ...]]:
        """The profile's settings, and afterwards those that were found, whatever happened."""
        wanted = self.profile.wanted
        cpus = self.profile.cpus or tuple(range(self.facts.cores))
        try:
            yield self.patiently(lambda: settings.hold(self.transport, self.root, wanted, cpus))
        finally:
            self.patiently(lambda: settings.restore(self.transport, self.root))

    def steady(self) -> None:
        """Wait for the start temperature, until the deadline; the record says what it was then."""
        limit = self.profile.start_temperature_c
        deadline = time.monotonic() + self.profile.cooldown_s
        if limit is None or self.watch is None:
            return
        found = self._look(full=self.facts.android != "").temperature_c
        while found is not None and found > limit and time.monotonic() < deadline:
            time.sleep(POLL_S)
            found = self._look(full=self.facts.android != "").temperature_c
        self.watch.starts_c.append(found)

    def new_run(self) -> Run:
        """A folder for one launch."""
        return Run(self.transport, self.root / "runs" / secrets.token_hex(8), self.lock.file)

    def _look(self, *, full: bool) -> Reading:
        return self.patiently(lambda: look(self.transport, full=full))

    def look(self) -> Reading:
        """Its state now, as far as that is cheap to tell."""
        return self._look(full=False)

    def close(self) -> None:
        """Give the connection back."""
        self.transport.close()
