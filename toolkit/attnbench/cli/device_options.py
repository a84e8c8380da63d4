"""`--device` and what goes with it, for every command that works on one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from attnbench.devices import Device

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Chosen:
    """A device's name or its profile's path, settings put over it, and a runner of the user's."""

    name: str
    settings: tuple[str, ...] = ()
    runner: Path | None = None

    def resolve(self) -> Device:
        """The device, not reached yet. Raises UnknownName or BadOption."""
        from attnbench.devices import DEVICES

        return DEVICES.get(self.name, self.settings, self.runner)


def device_options(command: Command) -> Command:
    """`--device`, `--set` and `--runner`, which the command gets as one `device`, a Chosen."""

    @wraps(command)
    def wrapped(
        *args: Any, device: str, settings: tuple[str, ...], runner: Path | None, **given: Any
    ) -> Any:
        return command(*args, device=Chosen(device, settings, runner), **given)

    decorated = cast("Command", wrapped)
    for option in (
        click.option(
            "--runner",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Your own build of the runner for that device, instead of the bundled one.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change a key of the device's profile, for this call; may be repeated.",
        ),
        click.option(
            "--device",
            default="host",
            show_default=True,
            metavar="NAME|FILE.toml",
            help="Where to run.",
        ),
    ):
        decorated = option(decorated)
    return decorated
