"""What is seen of a device while it measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from attnbench.devices.detached import Ended, Usage
from attnbench.devices.readings import from_runner
from attnbench.records import Conditions, Reading, Wanted

PHONE_ONLY = ("battery_percent", "charging", "screen_on")
RUNNER_ONLY = ("cpu",)


@dataclass(slots=True)
class RemoteWatch:
    """See Watch; `launched` is told of every launch while it lasts."""

    cores: int
    phone: bool
    wanted: Wanted
    before: Reading
    refused: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    during: list[Reading] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    starts_c: list[float | None] = field(default_factory=list)
    after: Reading | None = None

    def launched(self, ended: Ended, look: Callable[[], Reading]) -> None:
        """What the runner saw right after its last inference, else what can be seen just after."""
        self.usages.append(ended.usage)
        self.during.append(from_runner(ended.stdout) or look())

    def conditions(self) -> Conditions:
        """See Watch."""
        after = self.after or self.before
        return Conditions(
            load_before=self.before.load,
            load_after=after.load,
            cores=self.cores,
            competing_cores=competing(self.usages),
            before=self.before,
            during=tuple(self.during),
            after=after,
            unknown=self._unknown(),
            notes=tuple(dict.fromkeys(self.notes)),
            wanted=self.wanted,
            starts_c=tuple(self.starts_c),
        )

    def _unknown(self) -> tuple[str, ...]:
        """What could not be read, and what could not be set: nobody knows how it is."""
        left_out = RUNNER_ONLY if self.phone else (*RUNNER_ONLY, *PHONE_ONLY)
        names = [one.name for one in fields(Reading) if one.name not in left_out]
        unread = [name for name in names if getattr(self.before, name) is None]
        return (*unread, *self.refused)


def competing(usages: list[Usage]) -> float | None:
    """Cores' worth of processor time that went to others while the runner ran."""
    wall = others = 0.0
    for usage in usages:
        if usage.wall_s is None or usage.busy_s is None or usage.own_s is None:
            return None
        wall += usage.wall_s
        others += usage.busy_s - usage.own_s
    return max(0.0, others / wall) if wall > 0 else None
