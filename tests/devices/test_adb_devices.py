"""
Which phone is meant, from transcripts of `adb devices -l`.

Their format is that of `append_transport` and `to_string(ConnectionState)` in adb's transport.cpp
and adb.cpp (platform-tools 29 to 35); serials and ids are invented.
"""

from __future__ import annotations

import pytest

from attnbench.devices.adb_devices import Attached, choose, parse
from attnbench.devices.transport import ConnectionLost
from attnbench.errors import DeviceError

HEADER = "List of devices attached\n"
PIXEL = (
    "9A1AY1AAAA             device usb:1-2 product:flame model:Pixel_4 device:flame "
    "transport_id:3\n"
)
TWIN = (
    "9B2BY2BBBB             device usb:1-3 product:flame model:Pixel_4 device:flame "
    "transport_id:4\n"
)
OTHER = (
    "R58M00AAAA             device usb:1-4 product:a51nsxx model:SM_A515F device:a51 "
    "transport_id:5\n"
)
NETWORK = "192.168.1.20:5555      device product:flame model:Pixel_4 device:flame transport_id:9\n"
UNAUTHORIZED = "9A1AY1AAAA             unauthorized usb:1-2 transport_id:3\n"
AUTHORIZING = "9A1AY1AAAA             authorizing usb:1-2 transport_id:3\n"
OFFLINE = "9A1AY1AAAA             offline usb:1-2 product:flame model:Pixel_4 transport_id:3\n"
OFFLINE_BARE = "192.168.1.20:5555      offline transport_id:9\n"
RECOVERY = "9A1AY1AAAA             recovery usb:1-2 product:flame model:Pixel_4 transport_id:3\n"
NO_PERMISSIONS = (
    "9A1AY1AAAA             no permissions (user in plugdev group; are your udev rules wrong?); "
    "see [http://developer.android.com/tools/device.html] usb:1-2 transport_id:1\n"
)
STARTING = (
    "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
    "adb server version (41) doesn't match this client (39); killing...\n"
)


def chosen(*lines: str, serial: str = "", model: str = "Pixel 4") -> str:
    return choose(parse(HEADER + "".join(lines) + "\n"), serial, model).serial


@pytest.mark.parametrize("before", ["", STARTING])
def test_the_parts_of_a_line(before):
    assert parse(before + HEADER + PIXEL + "\n") == (Attached("9A1AY1AAAA", "device", "Pixel_4"),)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (UNAUTHORIZED, "unauthorized"),
        (AUTHORIZING, "authorizing"),
        (OFFLINE, "offline"),
        (OFFLINE_BARE, "offline"),
        (RECOVERY, "recovery"),
        (NO_PERMISSIONS, "no permissions"),
    ],
)
def test_states(line, state):
    assert parse(HEADER + line)[0].state == state


@pytest.mark.parametrize("text", ["", HEADER, STARTING + HEADER, "\n"])
def test_nothing(text):
    assert parse(text) == ()


@pytest.mark.parametrize("lines", [(PIXEL,), (PIXEL, OTHER), (OTHER, PIXEL)])
def test_the_single_one_of_the_model(lines):
    assert chosen(*lines) == "9A1AY1AAAA"


def test_a_serial_chooses_among_twins_and_whatever_the_model():
    assert chosen(PIXEL, TWIN, serial="9B2BY2BBBB") == "9B2BY2BBBB"
    assert chosen(PIXEL, OTHER, serial="R58M00AAAA") == "R58M00AAAA"
    assert chosen(PIXEL, NETWORK, serial="192.168.1.20:5555") == "192.168.1.20:5555"


def test_a_ready_one_is_preferred_to_one_that_does_not_tell():
    assert chosen(PIXEL, OFFLINE_BARE) == "9A1AY1AAAA"


@pytest.mark.parametrize(
    ("lines", "serial", "said", "hint"),
    [
        ((), "", "no phone is attached", "plug it in"),
        ((), "X", "no phone with the serial X is attached", "plug it in"),
        ((PIXEL,), "X", r"X is attached, only 9A1AY1AAAA \(Pixel 4\)", "plug it in"),
        ((OTHER,), "", r"no Pixel 4 is attached, only R58M00AAAA \(SM A515F\)", "--set transport"),
        ((PIXEL, TWIN), "", r"several phones may be meant: 9A1.*, 9B2", "ANDROID_SERIAL"),
        ((UNAUTHORIZED,), "", "has not authorised this computer", "accept the question"),
        ((UNAUTHORIZED,), "9A1AY1AAAA", "has not authorised", "unlock"),
        ((AUTHORIZING,), "", "still authorising", "wait"),
        ((OFFLINE,), "", "is offline", "plug it in again"),
        ((NO_PERMISSIONS,), "", "may not be used by this user", "udev"),
        ((RECOVERY,), "", "in the state 'recovery'", "boot it into Android"),
        ((UNAUTHORIZED, OFFLINE_BARE), "", "several phones may be meant", "--set transport"),
    ],
)
def test_each_trouble_has_its_error(lines, serial, said, hint):
    with pytest.raises(DeviceError, match=said) as caught:
        chosen(*lines, serial=serial)
    assert hint in caught.value.hint


@pytest.mark.parametrize("line", [OFFLINE, AUTHORIZING, ""])
def test_what_passes_is_worth_waiting_for(line):
    with pytest.raises(ConnectionLost):
        chosen(line)


@pytest.mark.parametrize("line", [UNAUTHORIZED, NO_PERMISSIONS, RECOVERY, OTHER])
def test_what_somebody_has_to_do_is_not(line):
    with pytest.raises(DeviceError) as caught:
        chosen(line)
    assert not isinstance(caught.value, ConnectionLost)
