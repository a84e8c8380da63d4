"""What is asked of the machine that we are on: programs, ports, packages."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.emulation import MACHINES, ports, qemu, tools
from attnbench.emulation.archive import Package, find_mirror
from attnbench.emulation.images import Image
from attnbench.errors import DeviceError, MissingTool


class TestQemu:
    IMAGE = Image(Path("/cache/images/rpi5-0123"))

    def command(self, monkeypatch, name, **changes) -> str:
        monkeypatch.setattr(tools, "tool", lambda name: name)
        machine = replace(MACHINES[name], **changes)
        return " ".join(qemu.command(machine, self.IMAGE, Path("/run"), 40022))

    @pytest.mark.parametrize("name", MACHINES)
    def test_listens_on_this_machine_only_and_lets_nothing_out(self, monkeypatch, name):
        command = self.command(monkeypatch, name)
        port = MACHINES[name].port
        assert f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:40022-:{port}" in command

    def test_counts_instructions_when_asked(self, monkeypatch):
        command = self.command(monkeypatch, "rpi5", time="instructions")
        assert "-accel tcg,thread=single" in command
        assert "-icount shift=0,sleep=on,align=off -rtc clock=vm" in command
        assert "-icount" not in self.command(monkeypatch, "rpi5")

    def test_phones_are_locked_unless_told(self, monkeypatch):
        assert "attnbench.locked=1 " in self.command(monkeypatch, "pixel4")
        assert "attnbench.locked=0 " in self.command(monkeypatch, "pixel4", unlocked=True)

    def test_options_name_only_what_is_unusual(self):
        assert MACHINES["pixel4"].options == ""
        changed = replace(MACHINES["pixel4"], cpu="max", unlocked=True, android="10")
        assert changed.options == "--cpu max --unlocked --android 10"


class TestPorts:
    def test_are_different_and_free(self):
        found = ports.free(3)
        assert len(set(found)) == 3
        for port in found:
            socket.create_server(("127.0.0.1", port)).close()


class TestTools:
    def test_one_command_installs_all_that_is_missing(self, monkeypatch, tmp_path):
        monkeypatch.setattr(tools, "_which", lambda name: None)
        monkeypatch.setattr(tools, "KEYRING", tmp_path / "none")
        with pytest.raises(MissingTool, match="qemu-system-aarch64") as caught:
            tools.check()
        assert caught.value.hint.startswith("apt-get install --no-install-recommends adb apt ")
        assert "debian-archive-keyring" in caught.value.hint
        assert "qemu-system-arm" in caught.value.hint

    def test_only_what_is_missing_is_named(self, monkeypatch, tmp_path):
        monkeypatch.setattr(tools, "_which", lambda name: None if name == "patchelf" else name)
        monkeypatch.setattr(tools, "KEYRING", tmp_path)
        monkeypatch.setattr(Path, "is_file", lambda path: True)
        with pytest.raises(MissingTool, match=r"need patchelf$") as caught:
            tools.check()
        assert caught.value.hint.endswith("recommends patchelf")


class TestMirror:
    def lines(self, *pairs: str) -> str:
        return "".join(f"'http://{pair}/InRelease' some_file 0\n" for pair in pairs)

    def test_is_the_one_with_the_release(self):
        text = self.lines("a/debian-security/dists/bookworm-security", "b/debian/dists/bookworm")
        assert find_mirror(text) == "http://b/debian"

    def test_of_another_release_will_do(self):
        text = self.lines("a/cloud/dists/cloud-sdk", "b/debian/dists/trixie")
        assert find_mirror(text) == "http://b/debian"

    def test_of_another_system_will_not(self):
        with pytest.raises(DeviceError, match="no mirror of Debian"):
            find_mirror(self.lines("a/ubuntu/dists/noble"))

    def test_a_package_is_found_by_its_file(self):
        one = Package("libcap2", "1:2.66-4")
        assert Path("libcap2_1%3a2.66-4_arm64.deb").match(one.file)
