"""
From reaching a device to running an engine on it, one rung at a time.

Every rung needs those below it and adds one thing, so the first that fails names what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import msgspec

from attnbench.devices.bundle import Bundle
from attnbench.devices.diagnosis import diagnosed
from attnbench.devices.remote import Remote
from attnbench.devices.shell import script
from attnbench.errors import AttnbenchError, DeviceError
from attnbench.progress import Progress, stepping
from attnbench.runner import ENGINES, Finished, build_static, find_all
from attnbench.runner.build import RUNNER

REACH, STATIC, LOADER, LIBRARY, MODEL = "reach", "static binary", "loader", "library", "model"

_LOAD_TIMEOUT_S = 300.0

# Not by `env`: where the kernel does not know a binary, that has a shell read it as a script.
_START = 'export ORT_DISABLE_TELEMETRY=1; exec "$@"'

State = Literal["ok", "failed", "not tried"]


@dataclass(frozen=True, slots=True)
class Rung:
    """How far one step got: what was found or what is wrong, what to do then, and the exit code."""

    name: str
    state: State
    found: str = ""
    hint: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Work that says what it found, or raises; not tried where what it `needs` did not succeed."""

    name: str
    needs: str
    work: Callable[[], str]


def climb(steps: Sequence[Step], progress: Progress) -> Iterator[Rung]:
    """Do the steps in turn; what fails ends only what needs it."""
    done = {""}
    for step in steps:
        if step.needs not in done:
            yield Rung(step.name, "not tried", f"needs {step.needs}")
            continue
        try:
            with stepping(progress, step.name):
                found = step.work()
        except AttnbenchError as error:
            yield Rung(step.name, "failed", str(error), error.hint, error.exit_code)
            continue
        done.add(step.name)
        yield Rung(step.name, "ok", found)


def steps_of(device: Remote) -> list[Step]:
    """The rungs up to each engine's libraries."""
    return [
        Step(REACH, "", partial(_reach, device)),
        Step(STATIC, REACH, partial(_static, device)),
        Step(LOADER, STATIC, partial(_loader, device)),
        *(
            Step(f"{LIBRARY} {name}", LOADER, partial(_library, device, name))
            for name in (find_all() or ENGINES)
        ),
    ]


def _reach(device: Remote) -> str:
    done = device.transport.run(["echo", "hello"])
    if done.code or done.stdout != b"hello\n":
        words = " ".join((done.stdout.decode(errors="replace") + done.stderr).split())[:200]
        raise DeviceError(
            f"{device.transport.where}: the shell there does not just do what it is told: {words}",
            hint="a login shell must be POSIX, and print nothing of its own",
        )
    return device.transport.where


def _static(device: Remote) -> str:
    facts = device.facts
    program = build_static(facts.machine)
    done = _run(device, Bundle("", "", facts.machine, {RUNNER: program}))
    _, bits, machine, page_bytes = _words(device, done, "a static binary", 4)
    model = facts.model or facts.cpu
    return f"{model}, {facts.kernel}, {machine}, {bits} bits, pages of {page_bytes} bytes"


def _loader(device: Remote) -> str:
    bundle = device.bundle("")
    said = _document(device, _run(device, bundle, "about"), "the runner")
    private = f", {bundle.loader} brought along" if bundle.loader else ""
    return f"{said['c_library']}, {said['simd']}, processors {said['cpus']}{private}"


def _library(device: Remote, engine: str) -> str:
    bundle = device.bundle(engine)
    said = _document(device, _run(device, bundle, "load", engine), f"the runner for {engine}")
    return f"{said['version']}, {len(said['libraries'])} of them, {bundle.bytes / 1e6:.1f} MB there"


def _run(device: Remote, bundle: Bundle, *words: str) -> Finished:
    """Run something short there, attended: how it failed to start is what we are after."""
    with device.held():
        (home,) = device.shelf.stock(bundle.item)
        argv = [*bundle.command(home), *words, *bundle.options(home)]
        return script(device.transport, _START, *argv, timeout_s=_LOAD_TIMEOUT_S)


def _words(device: Remote, done: Finished, what: str, count: int) -> list[str]:
    words = done.stdout.decode(errors="replace").split()
    if done.code or len(words) != count:
        raise diagnosed(done, what, device.transport.where, device.root)
    return words


def _document(device: Remote, done: Finished, what: str) -> dict[str, Any]:
    if done.code:
        raise diagnosed(done, what, device.transport.where, device.root)
    try:
        return msgspec.json.decode(done.stdout, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise diagnosed(done, what, device.transport.where, device.root) from error
