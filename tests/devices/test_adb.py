"""An adb that says what a real one says for a moment only, when nobody can catch it."""

from __future__ import annotations

import pytest

from attnbench.devices import adb
from attnbench.devices.adb import Adb, Phone
from attnbench.devices.transport import ConnectionLost

SERIAL = "9A1AY1AAAA"
SCRIPT = """#!/bin/sh
folder=$(dirname "$0")
case "$*" in
    devices*)
        echo "List of devices attached"
        printf '%s ' {serial}
        if rmdir "$folder/offline.$(ls -d "$folder"/offline.* 2>/dev/null | wc -l)" 2>/dev/null
        then echo offline
        else echo device
        fi ;;
    *) shift 6; eval "$*" ;;
esac
"""


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Puts an adb on the PATH whose phone is offline the first so many times that it is asked."""
    program = tmp_path / "adb"
    program.write_text(SCRIPT.format(serial=SERIAL))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def times(count: int) -> Adb:
        for number in range(1, count + 1):
            (tmp_path / f"offline.{number}").mkdir()
        return Adb(Phone("", SERIAL))

    return times


def test_a_phone_that_is_offline_for_a_moment_is_waited_for(offline):
    assert offline(2).run(["echo", "here"]).stdout == b"here\n"


def test_one_that_stays_offline_is_not(offline, monkeypatch):
    monkeypatch.setattr(adb, "SETTLE_S", 0.3)
    with pytest.raises(ConnectionLost, match="is offline"):
        offline(99).run(["true"])
