"""The doctor of a device: the ladder of devices/ladder.py, and a real model on top of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from attnbench.backends.formats import FORMATS
from attnbench.devices.ladder import LIBRARY, MODEL, Rung, Step, climb, steps_of
from attnbench.devices.recorded import Recorded
from attnbench.devices.remote import Remote
from attnbench.errors import DeviceError
from attnbench.progress import Progress, Silent


def rungs(device: Remote, transcript: list[str], progress: Progress) -> Iterator[Rung]:
    """Climb as far as it goes; what passed over the wire is added to `transcript`."""
    steps = steps_of(device)
    first = steps[0]
    steps[0] = replace(first, work=partial(_listening, device, transcript, first))
    needed = {step.name for step in steps}
    for name, one in FORMATS.items():
        below = f"{LIBRARY} {one.engine}"
        if below in needed:
            steps.append(Step(f"{MODEL} {name}", below, partial(_model, device, name)))
    with ExitStack() as until_the_end:
        steps[1] = replace(steps[1], work=partial(_held, until_the_end, device, steps[1]))
        yield from climb(steps, progress)


def _listening(device: Remote, transcript: list[str], step: Step) -> str:
    """The first step, over a wire that is written down; an emulated device may have none."""
    wire = device.reached.transport
    device.reached = replace(device.reached, transport=Recorded(wire, transcript))
    return step.work()


def _held(until_the_end: ExitStack, device: Remote, step: Step) -> str:
    """A step, and all after it, under one lock: what was sent is hashed there once."""
    until_the_end.enter_context(device.held())
    return step.work()


def _model(device: Remote, backend: str) -> str:
    """Export a tiny model, run it there, and hold it against PyTorch."""
    from attnbench.pipeline.export import Request, export
    from attnbench.pipeline.parity import Questions, verify
    from attnbench.pipeline.tiny import TINY

    with tempfile.TemporaryDirectory(prefix="attnbench-") as folder:
        made = export(Request(TINY, (backend,), Path(folder)), Silent())
        for failure in made.failures:
            raise failure.error
        (artifact,) = made.artifacts
        verdict = verify(artifact, Questions()(artifact), device)
    if not verdict:
        wrong = next(case for case in verdict.cases if not case.passed)
        raise DeviceError(
            f"{device.transport.where}: {backend} computes something else than PyTorch: "
            f"{wrong.metric} {wrong.value} on {wrong.input}, limit {wrong.limit:g}",
            hint="please report it, with the bundle",
        )
    inputs = len({case.input for case in verdict.cases})
    return f"runs there, and computes what PyTorch computes on {inputs} inputs"
