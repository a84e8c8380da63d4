"""`--target`: the architecture whose forms an export has."""

from __future__ import annotations

import platform
from typing import Protocol

import click

from attnbench.cli.types import Known
from attnbench.records import TARGETS, DeviceId


class Identified(Protocol):
    """A device, as far as it says what it is."""

    def identity(self) -> DeviceId:
        """See Device."""


target_option = click.option(
    "--target",
    type=Known("target", TARGETS),
    help="Architecture to be fast on.  [default: the device's]",
)


def target_on(named: str | None, device: Identified | None) -> str:
    """The one that was named, else the device's, which is reached for it, else this machine's."""
    if named is not None:
        return named
    return platform.machine() if device is None else device.identity().machine
