"""Devices by name: the host, one for each profile, and other packages' own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attnbench.devices import lookup
from attnbench.devices.base import Device
from attnbench.devices.profile import DeviceProfile, overridden
from attnbench.errors import AttnbenchError, BadOption, UnknownName
from attnbench.registry import Registry

HOST = "host"


@dataclass(frozen=True, slots=True)
class Devices:
    """A table of names, like Registry, whose entries are profiles on disk or code."""

    coded: Registry[Device] = field(
        default_factory=lambda: Registry("device", {HOST: "attnbench.devices.host:HOST"})
    )

    def names(self) -> list[str]:
        """All names, the host first."""
        return list(dict.fromkeys([*self.coded.names(), *sorted(lookup.known())]))

    def get(self, name: str, settings: Sequence[str] = (), runner: Path | None = None) -> Device:
        """
        The device called `name`, or that of a profile's path, with `key=value` settings put over.

        `runner` is the user's own build of the runner for it. Nothing is reached yet. Raises
        UnknownName or BadOption.
        """
        if name in self.coded.names() and not (settings or runner):
            return self.coded.get(name)
        if name in self.coded.names() and name not in lookup.known():
            raise BadOption(f"{name} has no profile: it takes no settings, and no other runner")
        if not lookup.is_path(name) and name not in self.names():
            raise UnknownName("device", name, self.names())
        from attnbench.devices.remote import Remote

        return Remote(overridden(lookup.find(name), settings), runner=runner)

    def summaries(self) -> Iterator[tuple[str, str]]:
        """Every name with one line on it; a profile that cannot be read says why."""
        for name in self.names():
            if name == HOST:
                yield name, "the machine that attnbench runs on"
            elif name in lookup.known():
                yield name, _summary(name)
            else:
                yield name, "from another package"


def _summary(name: str) -> str:
    try:
        return describe(lookup.find(name))
    except AttnbenchError as error:
        return f"cannot be used: {error}"


def describe(profile: DeviceProfile) -> str:
    """A profile in one line."""
    return f"{profile.model}, {profile.soc}, {profile.transport}"


DEVICES = Devices()
