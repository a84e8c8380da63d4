"""The machines that can be had, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Time = Literal["real", "instructions"]
Reached = Literal["ssh", "adb"]

CPUS = ("cortex-a72", "cortex-a76", "max")
"""Of a Raspberry Pi 4; of a Pi 5 and a Pixel 4's big cores; and all that qemu knows."""

ANDROIDS = ("10", "12", "13")
"""The first and the last release of a Pixel 4, and one between."""


@dataclass(frozen=True, slots=True)
class Machine:
    """
    One machine as it is to be booted.

    `port` is the guest's, which qemu forwards a free one of the host to; `ready` is the line on the
    serial console after which it accepts connections. With `time` "instructions" its clocks count
    what it executes, one nanosecond each, rather than how long that takes.
    """

    name: str
    reached: Reached
    port: int
    ready: str
    cpu: str = "cortex-a76"
    cpus: int = 4
    memory_mb: int = 2048
    time: Time = "real"
    unlocked: bool = False
    android: str | None = None
    boot_deadline_s: float = 90.0

    @property
    def options(self) -> str:
        """The options of `attnbench emulate` that ask for it, to be named in hints."""
        words = ["--cpu", self.cpu] if self.cpu != MACHINES[self.name].cpu else []
        words += ["--unlocked"] if self.unlocked else []
        words += ["--time", self.time] if self.time != "real" else []
        words += (
            ["--android", self.android] if self.android and self.android != ANDROIDS[-1] else []
        )
        return " ".join(words)


MACHINES: Mapping[str, Machine] = {
    machine.name: machine
    for machine in (
        Machine("rpi5", reached="ssh", port=22, ready="sshd is listening"),
        Machine(
            "pixel4",
            reached="adb",
            port=5555,
            ready="listening on tcp",
            cpus=8,
            memory_mb=1536,
            android=ANDROIDS[-1],
        ),
    )
}
