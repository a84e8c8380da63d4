"""What is seen of a device while it measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from attnbench.devices.detached import Ended, Usage
from attnbench.devices.readings import from_runner
from attnbench.records import Conditions, Reading

PHONE_ONLY = ("battery_percent", "charging", "screen_on")


@dataclass(slots=True)
class RemoteWatch:
    """See Watch; `launched` is told of every launch while it lasts."""

    cores: int
    phone: bool
    before: Reading
    notes: list[str] = field(default_factory=list)
    during: list[Reading] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
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
        )

    def _unknown(self) -> tuple[str, ...]:
        names = [one.name for one in fields(Reading) if self.phone or one.name not in PHONE_ONLY]
        return tuple(name for name in names if getattr(self.before, name) is None)


def competing(usages: list[Usage]) -> float | None:
    """Cores' worth of processor time that went to others while the runner ran."""
    wall = others = 0.0
    for usage in usages:
        if usage.wall_s is None or usage.busy_s is None or usage.own_s is None:
            return None
        wall += usage.wall_s
        others += usage.busy_s - usage.own_s
    return max(0.0, others / wall) if wall > 0 else None
