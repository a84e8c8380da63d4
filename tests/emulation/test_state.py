"""What is known of machines, and how they are reached."""

from __future__ import annotations

import os
import signal
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.emulation import MACHINES, process, running, state, tools
from attnbench.emulation.process import Process
from attnbench.emulation.state import SCHEMA, State
from attnbench.errors import DeviceError, UnknownName

NOBODY = Process(pid=2**22 + 1, started=1)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ATTNBENCH_EMULATED", str(tmp_path))
    return tmp_path


def state_of(qemu_process: Process, **changes) -> State:
    usual = State(
        schema=SCHEMA,
        machine=MACHINES["rpi5"],
        image="0123456789abcdef",
        since="2026-01-01T00:00:00+00:00",
        boot_s=8.0,
        boot_id="5f0c",
        port=40022,
        qemu=qemu_process,
    )
    return replace(usual, **changes)


class TestState:
    def test_is_read_back(self, home, sleeping):
        made = state_of(process.find(sleeping.pid), adb_port=40001, adb=NOBODY)
        state.save(made)
        assert state.load("rpi5") == made
        assert not state.left_behind("rpi5")

    def test_is_for_its_user_only(self, home, sleeping):
        state.save(state_of(process.find(sleeping.pid)))
        assert stat.S_IMODE((home / "rpi5").stat().st_mode) == 0o700

    @pytest.mark.parametrize("gone", [NOBODY, Process(os.getpid(), 1)], ids=["dead", "another's"])
    def test_of_a_dead_machine_is_swept_with_its_keys(self, home, gone):
        state.save(state_of(gone))
        (home / "rpi5/identity").write_text("secret")
        (home / "rpi5/console").write_text("why it died")
        assert state.load("rpi5") is None
        assert state.left_behind("rpi5")
        state.sweep("rpi5")
        assert [path.name for path in (home / "rpi5").iterdir()] == ["console"]

    def test_sweeping_ends_an_adb_server_that_lost_its_machine(self, home, sleeping):
        state.save(state_of(NOBODY, adb=process.find(sleeping.pid)))
        state.sweep("rpi5")
        assert sleeping.wait() == -signal.SIGTERM

    def test_sweeping_leaves_a_living_machine_alone(self, home, sleeping):
        state.save(state_of(process.find(sleeping.pid)))
        state.sweep("rpi5")
        assert state.load("rpi5") is not None

    @pytest.mark.parametrize("text", ["", "{", "{}", '{"schema": 0}'])
    def test_that_cannot_be_read_is_none(self, home, text):
        (home / "rpi5").mkdir()
        (home / "rpi5/state.json").write_text(text)
        assert state.load("rpi5") is None

    def test_of_another_schema_is_none(self, home, sleeping):
        state.save(state_of(process.find(sleeping.pid), schema=SCHEMA + 1))
        assert state.load("rpi5") is None


class TestRunning:
    def test_what_is_not_up_is_an_error_with_the_command(self, home):
        with pytest.raises(DeviceError, match="rpi5 is not up") as caught:
            running("rpi5")
        assert caught.value.hint == "attnbench emulate rpi5 up"

    def test_what_there_is_not_is_an_error(self, home):
        with pytest.raises(UnknownName):
            running("rpi6")

    def test_ssh_takes_nothing_from_the_user(self, home, sleeping, monkeypatch):
        monkeypatch.setattr(tools, "tool", lambda name: name)
        state.save(state_of(process.find(sleeping.pid)))
        there = running("rpi5")
        assert (there.host, there.port, there.user) == ("127.0.0.1", 40022, "pi")
        assert there.argv[:3] == ["ssh", "-F", "none"]
        assert there.argv[-1] == "pi@127.0.0.1"
        assert "StrictHostKeyChecking=yes" in there.argv
        assert f'UserKnownHostsFile="{home}/rpi5/known_hosts"' in there.argv
        assert there.serial is None

    def test_adb_is_a_server_of_its_own(self, home, sleeping, monkeypatch):
        monkeypatch.setattr(tools, "tool", lambda name: name)
        machine = MACHINES["pixel4"]
        state.save(state_of(process.find(sleeping.pid), machine=machine, adb_port=40001))
        there = running("pixel4")
        assert there.argv == ["adb", "-P", "40001", "-s", "127.0.0.1:40022", "shell"]
        assert there.identity is None
