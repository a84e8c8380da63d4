"""What a device is: a place for the runner, an identity, and conditions that can be read."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from attnbench.records import Conditions, DeviceId

if TYPE_CHECKING:
    from attnbench.runner import Place


class Watch(Protocol):
    """Conditions around a block of work; complete once the block has ended."""

    def conditions(self) -> Conditions:
        """What was seen before, during and after."""


class Device(Protocol):
    """Stateless. Finished when tests/conformance/device.py passes for it."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def clock(self) -> str:
        """What its times count: "monotonic" is real time, else `records.INSTRUCTIONS`."""

    @property
    def threads(self) -> int:
        """How many to run on unless told otherwise."""

    @property
    def runner_sha256(self) -> str | None:
        """Of the user's own runner, if that is used instead of ours."""

    @property
    def place(self) -> Place:
        """Where its runner runs."""

    def identity(self) -> DeviceId:
        """Who it is, for the record."""

    def check_times(self) -> None:
        """Raise BadOption if its times mean nothing."""

    def watched(self) -> AbstractContextManager[Watch]:
        """Observe the machine while the block runs."""
