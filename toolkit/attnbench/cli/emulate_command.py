"""`attnbench emulate`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from attnbench.cli.options import json_option
from attnbench.cli.types import Known
from attnbench.emulation.machines import ANDROIDS, CPUS, MACHINES, Machine, Time
from attnbench.errors import BadOption

if TYPE_CHECKING:
    from attnbench.emulation.state import State


@click.command("emulate")
@click.argument("name", type=Known("emulated device", MACHINES))
@click.argument("action", type=Known("action", ("up", "down", "status")))
@click.option(
    "--cpu", type=Known("processor", CPUS), help=f"Of {', '.join(CPUS)}.  [default: the device's]"
)
@click.option(
    "--time",
    type=Known("time", ("real", "instructions")),
    default="real",
    show_default=True,
    help="What the device's clocks count; an instruction is one nanosecond.",
)
@click.option("--unlocked", is_flag=True, help="Let the phone's shell set clocks and read sensors.")
@click.option("--android", type=Known("release", ANDROIDS), help="Of the phone.  [default: 13]")
@json_option
def command(name: str, action: str, as_json: bool, **given: Any) -> None:
    """
    Start, end or show an emulated device: real ARM code behind a real sshd or adbd.

    The first start builds its image, which takes half a minute; docs/emulation.md has more.
    """
    from attnbench.cli.console import write_json
    from attnbench.emulation import boot

    if action == "up":
        _up(_machine(name, **given))
    elif any((given["cpu"], given["unlocked"], given["android"], given["time"] != "real")):
        raise BadOption(f"these options belong to `attnbench emulate {name} up`")
    elif action == "down":
        boot.down(name)
    found = boot.status(name)
    if as_json:
        write_json({"schema": 1, "emulations": [_row(name, found)]})
    else:
        click.echo(_sentence(name, found))


def _machine(
    name: str, *, cpu: str | None, time: Time, unlocked: bool, android: str | None
) -> Machine:
    usual = MACHINES[name]
    if usual.android is None and (unlocked or android):
        raise BadOption("--unlocked and --android are for the emulated phone")
    return replace(
        usual,
        cpu=cpu or usual.cpu,
        time=time,
        unlocked=unlocked,
        android=android or usual.android,
    )


def _up(machine: Machine) -> None:
    from attnbench.cli.console import Steps
    from attnbench.emulation import boot

    with Steps() as steps:
        boot.up(machine, steps)


def _row(name: str, found: State | None) -> dict[str, object]:
    """One entry of the document; docs/emulation.md describes it."""
    from attnbench.emulation.running import reach

    if found is None:
        return {"name": name, "up": False}
    there, machine = reach(found), found.machine
    row: dict[str, object] = {
        "name": name,
        "up": True,
        "cpu": machine.cpu,
        "cpus": machine.cpus,
        "memory_mb": machine.memory_mb,
        "clock": "instructions" if machine.time == "instructions" else "monotonic",
        "unlocked": machine.unlocked,
        "android": machine.android,
        "host": there.host,
        "port": there.port,
        "user": there.user,
        "pid": found.qemu.pid,
        "boot_id": found.boot_id,
        "since": found.since,
        "boot_s": found.boot_s,
        "image": found.image,
        "command": there.argv,
    }
    return row


def _sentence(name: str, found: State | None) -> str:
    from attnbench.emulation.running import reach

    if found is None:
        return f"{name} is not up"
    options = f", {found.machine.options}" if found.machine.options else ""
    way = shlex.join(reach(found).argv)
    return f"{name} is up: {found.machine.cpu}{options}, pid {found.qemu.pid}\n{way}"
