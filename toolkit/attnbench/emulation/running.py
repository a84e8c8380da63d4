"""A machine that is up, as the rest of attnbench sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from attnbench.emulation import state, tools
from attnbench.emulation.machines import MACHINES, Time
from attnbench.emulation.state import State
from attnbench.errors import DeviceError, UnknownName

HOST = "127.0.0.1"
USER = {"ssh": "pi", "adb": "shell"}


@dataclass(frozen=True, slots=True)
class Running:
    """
    How to reach a machine: by ssh with `identity` and `known_hosts`, or by adb with `serial`.

    The adb server is the machine's own, on `adb_port`: a user's own server and phones are not
    touched. `boot_id` changes with every boot, and with it all that was pushed is gone.
    """

    name: str
    host: str
    port: int
    user: str
    identity: Path | None
    known_hosts: Path | None
    adb_port: int | None
    serial: str | None
    cpu: str
    time: Time
    unlocked: bool
    android: str | None
    boot_id: str

    @property
    def argv(self) -> list[str]:
        """The words before a command that is to run there: ssh's or adb's."""
        if self.serial is not None:
            return [*self.adb, "shell"]
        return [tools.tool("ssh"), *self.ssh_options, f"{self.user}@{self.host}"]

    @property
    def adb(self) -> list[str]:
        """The words before an adb command."""
        return [tools.tool("adb"), "-P", str(self.adb_port), "-s", str(self.serial)]

    @property
    def ssh_options(self) -> list[str]:
        """Options of OpenSSH's programs; the user's own configuration and keys stay out."""
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": f'"{self.identity}"',
            "Port": str(self.port),
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": f'"{self.known_hosts}"',
        }
        return ["-F", "none", *(word for one in settings.items() for word in ("-o", "=".join(one)))]


def running(name: str) -> Running:
    """
    How to reach an emulated machine.

    Raises UnknownName, or DeviceError if it is not up.
    """
    if name not in MACHINES:
        raise UnknownName("emulated device", name, MACHINES)
    found = state.load(name)
    if found is None:
        raise DeviceError(f"the emulated {name} is not up", hint=f"attnbench emulate {name} up")
    return reach(found)


def reach(found: State) -> Running:
    """The same of a state."""
    machine = found.machine
    folder = state.folder(machine.name)
    by_ssh = machine.reached == "ssh"
    return Running(
        name=machine.name,
        host=HOST,
        port=found.port,
        user=USER[machine.reached],
        identity=folder / "identity" if by_ssh else None,
        known_hosts=folder / "known_hosts" if by_ssh else None,
        adb_port=found.adb_port,
        serial=None if by_ssh else f"{HOST}:{found.port}",
        cpu=machine.cpu,
        time=machine.time,
        unlocked=machine.unlocked,
        android=machine.android,
        boot_id=found.boot_id,
    )
