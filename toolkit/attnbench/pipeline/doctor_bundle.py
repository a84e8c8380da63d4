"""What the doctor saw of a device, in one file that may be shown to anybody."""

from __future__ import annotations

import getpass
import io
import os
import platform
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import msgspec

from attnbench import files
from attnbench.devices.adb import Adb
from attnbench.devices.ladder import Rung
from attnbench.devices.profile import ADB, SSH
from attnbench.devices.readings import LOOK
from attnbench.devices.recorded import Recorded
from attnbench.devices.redact import redact
from attnbench.devices.remote import Remote
from attnbench.devices.shell import script
from attnbench.devices.survey import SURVEY
from attnbench.devices.transport import Transport
from attnbench.errors import AttnbenchError
from attnbench.runner import find_all

_TOOLS: Mapping[str, tuple[str, ...]] = {
    "ssh": ("ssh", "-V"),
    "adb": ("adb", "version"),
    "aarch64-linux-gnu-g++": ("aarch64-linux-gnu-g++", "--version"),
}
_WHO = "id -un; uname -n; getprop ro.serialno 2>/dev/null; exit 0"


def write_bundle(
    path: Path, device: Remote, rungs: Sequence[Rung], transcript: Sequence[str]
) -> None:
    """
    Write a zip of what was tried and what came of it, without what names people and things.

    Raises BadOption where it cannot be written.
    """
    wire = _bare(device)
    reached = wire if rungs and rungs[0].state == "ok" else None
    texts = {
        "rungs.json": msgspec.json.format(msgspec.json.encode([asdict(r) for r in rungs])).decode(),
        "profile.json": msgspec.json.format(msgspec.json.encode(device.profile)).decode(),
        "device.txt": _seen(reached) if reached else "not reached\n",
        "transcript.txt": "\n".join(transcript) + "\n",
        "here.txt": "\n".join(_here()) + "\n",
    }
    secrets = [*_ours(device), *_phones(wire), *(_theirs(device, reached) if reached else ())]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, text in texts.items():
            pack.writestr(name, redact(text, secrets))
    files.write(path, archive.getvalue())


def _bare(device: Remote) -> Transport | None:
    """The wire itself: what is asked now is no part of the transcript. Some devices have none."""
    with suppress(AttnbenchError):
        wire = device.transport
        return wire.inner if isinstance(wire, Recorded) else wire
    return None


def _seen(wire: Transport) -> str:
    """What the device says of itself; the scripts leave out its serial number."""
    with suppress(AttnbenchError):
        done = [script(wire, text, "full") for text in (SURVEY, LOOK)]
        return "".join(one.stdout.decode(errors="replace") for one in done).replace("\0", " ")
    return ""


def _here() -> Iterator[str]:
    """Versions of what is used on this side."""
    yield f"attnbench {version('attnbench')}, Python {platform.python_version()}"
    yield f"{platform.system()} {platform.release()}, {platform.machine()}"
    for name, wheel in find_all().items():
        yield f"{name} {wheel.version}"
    for name, argv in _TOOLS.items():
        if shutil.which(name) is None:
            yield f"{name}: not here"
            continue
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        yield (done.stdout or done.stderr).strip().partition("\n")[0]


def _ours(device: Remote) -> Iterator[tuple[str, str]]:
    """What names people and things here, and what to put in its place."""
    yield getpass.getuser(), "user"
    yield socket.gethostname(), "host"
    yield str(Path.home()), "home"
    yield os.environ.get("ANDROID_SERIAL", ""), "serial"
    if device.profile.wire == ADB:
        yield device.profile.address, "serial"
    if device.profile.wire == SSH:
        user, _, host = device.profile.address.removeprefix("//").rpartition("@")
        yield user, "user"
        for name in (host, host.partition(":")[0], host.partition(".")[0]):
            yield name, "host"


def _phones(wire: Transport | None) -> Iterator[tuple[str, str]]:
    """All that are attached: an error may list them."""
    if isinstance(wire, Adb):
        with suppress(AttnbenchError):
            yield from ((one.serial, "serial") for one in wire.attached())


def _theirs(device: Remote, wire: Transport) -> Iterator[tuple[str, str]]:
    """What the device calls itself, its user and its home."""
    with suppress(AttnbenchError):
        user, host, *serial = script(wire, _WHO).stdout.decode(errors="replace").split("\n")
        yield user, "user"
        yield host, "host"
        yield from ((one, "serial") for one in serial)
        yield device.facts.home, "home"
