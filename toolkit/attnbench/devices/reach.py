"""From a profile to the wire that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attnbench.devices.adb import Adb, Phone
from attnbench.devices.local import LocalTransport
from attnbench.devices.profile import ADB, EMULATED, SSH, DeviceProfile
from attnbench.devices.ssh import Login, Ssh
from attnbench.devices.transport import Transport

COUNTING_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Reached:
    """A wire, and what an emulated machine is: its processor, and what its clocks count."""

    transport: Transport
    emulated: str = ""
    time: Literal["real", "instructions"] = "real"


def reach(profile: DeviceProfile) -> Reached:
    """The transport of a profile, not connected yet. Raises DeviceError for one that is not up."""
    if profile.wire == EMULATED:
        return _emulated(profile)
    if profile.wire == SSH:
        # `ssh://pi@rpi5:2222` is a destination of ssh's own, `ssh:rpi5` is ours for the bare host.
        host = profile.transport if profile.address.startswith("//") else profile.address
        return Reached(Ssh(Login(host)))
    if profile.wire == ADB:
        return Reached(Adb(Phone(profile.model, profile.address)))
    return Reached(LocalTransport())


def check_up(profile: DeviceProfile) -> None:
    """Raise DeviceError for an emulated machine that has ended; of others nobody knows."""
    if profile.wire == EMULATED:
        from attnbench.emulation import running

        running(profile.address)


def _emulated(profile: DeviceProfile) -> Reached:
    from attnbench.emulation import running

    machine = running(profile.address)
    if machine.serial is not None:
        phone = Phone(profile.model, machine.serial, machine.adb_port)
        return Reached(Adb(phone), machine.cpu, machine.time)
    login = Login(
        machine.host,
        port=machine.port,
        user=machine.user,
        identity=machine.identity,
        known_hosts=machine.known_hosts,
        isolated=True,
        # Its one host thread serves the runner before it serves sshd.
        patience=COUNTING_PATIENCE if machine.time == "instructions" else 1,
    )
    return Reached(Ssh(login), machine.cpu, machine.time)
