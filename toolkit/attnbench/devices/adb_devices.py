"""
Which of the attached phones is meant. Pure: a transcript of `adb devices -l` in, a serial out.

The format is that of `append_transport` in adb's transport.cpp: serial, state, and then words such
as `model:Pixel_4`, in which everything but letters and digits has become an underscore.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from attnbench.devices.transport import ConnectionLost
from attnbench.errors import DeviceError

READY = "device"

_LINE = re.compile(r"(?P<serial>\S+)\s+(?P<rest>\S.*)")
_WORD = re.compile(r"(?P<key>product|model|device|transport_id|usb|features):(?P<value>\S*)")
_PASSING = ("offline", "connecting", "authorizing")
_HINTS: Mapping[str, tuple[str, str]] = {
    "unauthorized": (
        "has not authorised this computer",
        "unlock the phone and accept the question about USB debugging",
    ),
    "authorizing": ("is still authorising this computer", "wait a moment, and look at its screen"),
    "offline": ("is offline", "plug it in again, or restart it; `adb reconnect` may help"),
    "connecting": ("is still connecting", "wait a moment"),
    "no permissions": (
        "may not be used by this user",
        "add udev rules for it (on Debian: apt install android-sdk-platform-tools-common)",
    ),
}


class Settling(ConnectionLost):
    """The phone is there, and may be ready in a moment."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One line of the transcript; `model` is "" where the phone does not tell it yet."""

    serial: str
    state: str
    model: str


def parse(transcript: str) -> tuple[Attached, ...]:
    """The phones of a transcript; lines of the adb server itself are left out."""
    found = []
    for line in transcript.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None or line.startswith(("*", "List of devices", "adb ")):
            continue
        words = {word["key"]: word["value"] for word in _WORD.finditer(match["rest"])}
        first = _WORD.search(match["rest"])
        state = (match["rest"][: first.start()] if first else match["rest"]).strip()
        if state.startswith("no permissions"):
            state = "no permissions"
        found.append(Attached(match["serial"], state, words.get("model", "")))
    return tuple(found)


def choose(attached: Sequence[Attached], serial: str, model: str) -> Attached:
    """
    The phone that is meant: the one of that serial, or else the only one of that model ("" is any).

    Raises DeviceError: none, several, unauthorised, offline, of another kind.
    """
    candidates = [one for one in attached if one.serial == serial] if serial else list(attached)
    if not candidates:
        _nothing(serial, attached)
    if model and not serial:
        # A phone that has not let us in yet does not tell its model.
        spelt = re.sub(r"[^A-Za-z0-9]", "_", model)
        candidates = [one for one in candidates if one.model in ("", spelt)]
    if not serial:
        ready = [one for one in candidates if one.state == READY]
        candidates = ready or candidates
    if not candidates:
        raise DeviceError(
            f"no {model} is attached, only {_list(attached)}",
            hint="choose one with --set transport=adb:SERIAL, or write a profile for it",
        )
    if len(candidates) > 1:
        raise DeviceError(
            f"several phones may be meant: {_list(candidates)}",
            hint="choose one with --set transport=adb:SERIAL, $ANDROID_SERIAL, "
            "or `device init --adb SERIAL`",
        )
    return _ready(candidates[0])


def _ready(one: Attached) -> Attached:
    if one.state == READY:
        return one
    state, hint = _HINTS.get(
        one.state, (f"is in the state {one.state!r}", "boot it into Android, with USB debugging on")
    )
    kind = Settling if one.state in _PASSING else DeviceError
    raise kind(f"adb {one.serial} {state}", hint=hint)


def _nothing(serial: str, attached: Sequence[Attached]) -> NoReturn:
    hint = "plug it in, with USB debugging on: see docs/devices.md"
    if not serial:
        raise ConnectionLost("no phone is attached", hint=hint)
    others = f", only {_list(attached)}" if attached else ""
    raise ConnectionLost(f"no phone with the serial {serial} is attached{others}", hint=hint)


def _list(attached: Sequence[Attached]) -> str:
    return ", ".join(
        f"{one.serial} ({one.model.replace('_', ' ') or one.state})" for one in attached
    )
