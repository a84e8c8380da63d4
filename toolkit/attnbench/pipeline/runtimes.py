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
from attnbench.runner import ENGINES, Local, Place, Wheel
from attnbench.runner.launch import failure

OPENING_TIMEOUT_S = 120.0


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
        return cls(engines[0].name, version.strip())

    def on(self, device: Device) -> Wheel:
        """
        The package for a device, which the runner has opened there.

        Raises MissingTool if it cannot be had, or is not one that the runner can use.
        """
        wheel = wheel_for(self.engine, device.identity().machine, self.version)
        done = place_with(wheel, device)(self.engine, ["load", self.engine], OPENING_TIMEOUT_S)
        if done.code:
            raise failure(wheel.requirement, "its libraries", done)
        return wheel


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
    if device.runner_sha256 and wheel.engine.name == "executorch":
        raise BadOption("--runtime executorch: what is beside --runner is made for one version")
    return replace(place, wheel=wheel)
