"""Another version of a runtime than the installed one: did the model move the number, or it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attnbench.backends import format_of
from attnbench.devices import Device
from attnbench.devices.place import RemotePlace
from attnbench.devices.wheels import wheel_for
from attnbench.errors import BadOption
from attnbench.records import Artifact
from attnbench.runner import ENGINES, Local, Place, Wheel, find


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime in a version, in the words of its package: `onnxruntime==1.30.0`."""

    engine: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Runtime:
        """From a package and its version. Raises BadOption."""
        name, equals, version = text.partition("==")
        engines = [one for one in ENGINES.values() if one.distribution == name.strip()]
        if not (equals and version.strip() and engines):
            known = ", ".join(one.distribution for one in ENGINES.values())
            raise BadOption(
                f"--runtime {text!r} is not PACKAGE==VERSION, such as onnxruntime==1.30.0",
                hint=f"packages: {known}",
            )
        engine, version = engines[0], version.strip()
        if not engine.soname and version != (there := find(engine.name).version):
            raise BadOption(
                f"--runtime {text}: the runner is built for {engine.distribution} {there} alone",
                hint="measure in an environment with the other version, and hold the runs against "
                "each other with care: they do not take turns",
            )
        return cls(engine.name, version)

    def on(self, device: Device) -> Wheel:
        """The package for a device. Raises MissingTool if it cannot be had."""
        return wheel_for(self.engine, device.identity().machine, self.version)


def check_used(wheels: Sequence[Wheel | None], artifacts: Sequence[Artifact]) -> None:
    """Raise BadOption for a runtime that no artifact runs in."""
    engines = {format_of(one.backend).engine for one in artifacts}
    for wheel in wheels:
        if wheel is not None and wheel.engine.name not in engines:
            raise BadOption(f"--runtime: neither A nor B runs in {wheel.engine.distribution}")


def place_with(wheel: Wheel | None, device: Device) -> Place:
    """Where launches with that package run; None is the installed one."""
    place = device.place
    if wheel is None:
        return place
    if not isinstance(place, Local | RemotePlace):
        raise BadOption(f"--runtime: {device.name} takes the installed runtime alone")
    return replace(place, wheel=wheel)
