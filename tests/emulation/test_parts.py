"""All that can be said without a machine."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.emulation import MACHINES, keys, ports, process, qemu, running, state, tools
from attnbench.emulation.archive import Package, find_mirror
from attnbench.emulation.images import Image
from attnbench.emulation.process import Process
from attnbench.emulation.recipes import cpio, pixel4, rpi5
from attnbench.emulation.state import SCHEMA, State
from attnbench.errors import DeviceError, MissingTool, UnknownName
from tests.emulation.machines import eventually

GOLDEN = Path(pixel4.__file__).parent / "root/system/etc/golden"
TEXTS = sorted(GOLDEN.glob("*/*.txt"))
NOBODY = Process(pid=2**22 + 1, started=1)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ATTNBENCH_EMULATED", str(tmp_path))
    return tmp_path


@pytest.fixture
def sleeping():
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


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


class TestProcess:
    def test_lives_until_it_ends(self, sleeping):
        found = process.find(sleeping.pid)
        assert found is not None
        assert found.alive()
        sleeping.kill()
        sleeping.wait()
        assert not found.alive()
        assert process.find(sleeping.pid) is None

    def test_a_zombie_is_dead(self, sleeping):
        found = process.find(sleeping.pid)
        found.end()
        assert not found.alive()
        assert sleeping.wait() == -signal.SIGTERM

    def test_another_with_its_pid_is_neither_it_nor_ended(self, sleeping):
        found = process.find(sleeping.pid)
        impostor = replace(found, started=found.started - 1)
        assert not impostor.alive()
        impostor.end()
        assert found.alive()

    def test_one_that_does_not_listen_is_killed(self):
        script = "import signal,time; signal.signal(15, signal.SIG_IGN); print('.', flush=True)"
        argv = [sys.executable, "-c", f"{script}; time.sleep(60)"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
            child.stdout.read(1)
            process.find(child.pid).end(grace_s=0.1)
            assert child.wait() == -signal.SIGKILL

    def test_ending_one_that_is_gone_is_fine(self):
        NOBODY.end()

    def test_a_detached_one_is_not_our_child(self, tmp_path):
        log = tmp_path / "log with a blank"
        found = process.detach(["sh", "-c", "echo $0; exec sleep 60", "$HOME;"], os.environ, log)
        with pytest.raises(ChildProcessError):
            os.waitpid(found.pid, os.WNOHANG)
        eventually(log.read_text)
        found.end()
        assert not found.alive()
        assert log.read_text() == "$HOME;\n"

    def test_a_name_with_parentheses_is_read(self, tmp_path):
        program = tmp_path / "a) b (c"
        program.symlink_to("/bin/sleep")
        with subprocess.Popen([program, "60"]) as child:
            found = process.find(child.pid)
            assert found.alive()
            found.end()


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


class TestFirstRoot:
    def test_is_what_cpio_reads(self, tmp_path):
        entries = [
            cpio.file("bin/script", b"#!/bin/sh\n"),
            cpio.file("etc/text", b"odd", 0o600),
            cpio.link("lib", "usr/lib"),
            cpio.folder("data", 0o771),
        ]
        packed = cpio.pack(entries)
        assert len(packed) % 4 == 0
        members = dict(self.members(packed))
        assert members["bin/script"] == (0o100755, b"#!/bin/sh\n")
        assert members["etc/text"] == (0o100600, b"odd")
        assert members["lib"] == (0o120777, b"usr/lib")
        assert members["data"][0] == 0o040771
        assert members["etc"][0] == members["."][0] == 0o040755
        assert list(members)[-1] == "TRAILER!!!"

    def members(self, packed: bytes):
        """By the description in cpio(5), so that the reader is not the writer turned around."""
        at = 0
        while at < len(packed):
            assert packed[at : at + 6] == b"070701"
            fields = [int(packed[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
            size, name_size = fields[6], fields[11]
            name = packed[at + 110 : at + 110 + name_size - 1].decode()
            start = at + 110 + name_size
            start += -start % 4
            yield name, (fields[1], packed[start : start + size])
            at = start + size
            at += -at % 4

    def test_keys_are_the_client_s_and_the_machine_s(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tools, "tool", lambda name: name)
        entries = {one.path: one for one in keys.make(tmp_path, 40022)}
        known = (tmp_path / "known_hosts").read_text()
        assert known.startswith("[127.0.0.1]:40022 ssh-ed25519 ")
        assert entries["boot/ssh_host_ed25519_key"].mode == 0o100600
        assert entries["boot/authorized_keys"].data == (tmp_path / "identity.pub").read_bytes()
        assert stat.S_IMODE((tmp_path / "identity").stat().st_mode) == 0o600


class TestGoldenTexts:
    def test_there_are_three_of_each_release(self):
        names = {(path.parent.name, path.stem) for path in TEXTS}
        services = ("battery", "power", "thermalservice")
        assert names == {(release, one) for release in ("10", "12", "13") for one in services}

    @pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
    def test_each_says_where_its_format_is_from_and_is_small(self, path):
        lines = path.read_text().splitlines()
        release = f"Android {path.parent.name}"
        assert lines[0].startswith("# In the format of ")
        assert release in lines[0]
        assert f"/tags/android-{path.parent.name}.0.0_r1/" in lines[1]
        assert len(lines) < 60

    @pytest.mark.parametrize("recipe", [pixel4, rpi5])
    def test_no_script_needs_bash(self, recipe):
        folder = Path(recipe.__file__).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.read_bytes().startswith(b"#!"):
                assert path.read_text().split("\n")[0] in (
                    "#!/system/bin/sh",
                    "#!/bin/sh",
                    "#!/bin/busybox sh",
                )
