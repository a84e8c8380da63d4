"""The ladder, over a real sshd and on this machine: the rung that fails says what is wrong."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import sys
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from click.testing import CliRunner

from attnbench.cli import main
from attnbench.devices import ladder
from attnbench.devices.ladder import Step, climb, steps_of
from attnbench.devices.local import LocalTransport
from attnbench.devices.profile import DeviceProfile
from attnbench.devices.reach import Reached
from attnbench.devices.recorded import Recorded
from attnbench.devices.remote import Remote
from attnbench.devices.ssh import Ssh
from attnbench.errors import DeviceError, MissingTool
from attnbench.progress import Silent
from attnbench.runner import ENGINES, Finished, build_static
from tests.devices.sshd import free_port, keygen


def profile_in(folder: Path, **changes) -> DeviceProfile:
    given = {"name": "board", "transport": "ssh:board", "model": "Board", "soc": "SoC"}
    return DeviceProfile(**given | {"workdir": str(folder / "work")} | changes)


def climbed(device: Remote, rungs: int = 3):
    return list(climb(steps_of(device)[:rungs], Silent()))


def fails(text: str, error=DeviceError):
    def work() -> str:
        raise error(text, hint="do this")

    return work


class TestClimbing:
    def test_what_needs_a_failure_is_not_tried(self):
        steps = [
            Step("a", "", lambda: "fine"),
            Step("b", "a", fails("broken", MissingTool)),
            Step("c", "b", fails("never")),
            Step("d", "c", fails("never")),
            Step("e", "a", lambda: "fine too"),
        ]
        rungs = list(climb(steps, Silent()))
        states = {rung.name: rung.state for rung in rungs}
        assert states == {
            "a": "ok",
            "b": "failed",
            "c": "not tried",
            "d": "not tried",
            "e": "ok",
        }
        assert (rungs[1].found, rungs[1].hint, rungs[1].exit_code) == ("broken", "do this", 3)
        assert [rung.exit_code for rung in rungs if rung.state != "failed"] == [0, 0, 0, 0]

    def test_a_bug_is_no_rung(self):
        def bug() -> str:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(climb([Step("a", "", bug)], Silent()))

    def test_every_engine_has_its_own_rung(self, tmp_path):
        names = {step.name: step.needs for step in steps_of(Remote(profile_in(tmp_path)))}
        assert names["reach"] == ""
        assert names["static binary"] == "reach"
        assert {f"library {engine}" for engine in ENGINES} <= set(names)


class TestOverSsh:
    def test_the_rungs_hold(self, shared_ssh, tmp_path):
        rungs = climbed(Remote(profile_in(tmp_path), Reached(shared_ssh)), rungs=6)
        assert [rung.state for rung in rungs] == ["ok"] * 6, rungs
        assert os.uname().machine in rungs[1].found
        assert "glibc" in rungs[2].found

    def test_nobody_listens(self, sshd, tmp_path):
        ssh = Ssh(replace(sshd.login, port=free_port()))
        first, *rest = climbed(Remote(profile_in(tmp_path), Reached(ssh)))
        assert (first.state, first.exit_code) == ("failed", 5)
        assert "no connection" in first.found
        assert {rung.state for rung in rest} == {"not tried"}

    @pytest.mark.parametrize("known", ["unknown", "changed"])
    def test_a_host_key_that_is_not_known(self, sshd, tmp_path, known):
        hosts = tmp_path / "known"
        hosts.touch()
        if known == "changed":
            keygen(tmp_path / "other")
            key = (tmp_path / "other.pub").read_text()
            hosts.write_text(f"[127.0.0.1]:{sshd.port} {key}")
        ssh = Ssh(replace(sshd.login, known_hosts=hosts))
        first = climbed(Remote(profile_in(tmp_path), Reached(ssh)))[0]
        assert first.state == "failed"
        assert "host key" in first.found
        assert ("ssh-keygen -R" if known == "changed" else "fingerprint") in first.hint

    def test_a_key_that_is_not_let_in(self, sshd, tmp_path):
        keygen(tmp_path / "other")
        ssh = Ssh(replace(sshd.login, identity=tmp_path / "other"))
        first = climbed(Remote(profile_in(tmp_path), Reached(ssh)))[0]
        assert "does not let us in" in first.found
        assert "ssh-copy-id" in first.hint

    def test_a_workdir_that_is_a_file(self, shared_ssh, tmp_path):
        (tmp_path / "work").touch()
        reach, static, loader = climbed(Remote(profile_in(tmp_path), Reached(shared_ssh)))
        assert (reach.state, static.state, loader.state) == ("ok", "failed", "not tried")
        assert str(tmp_path / "work") in static.found
        assert static.hint


class Answers(LocalTransport):
    """This machine, but for what it says when asked what it is: states that cannot be had here."""

    def __init__(self, changes: dict[str, str]) -> None:
        object.__setattr__(self, "changes", changes)
        super().__init__()

    def run(self, argv, **given) -> Finished:
        done = super().run(argv, **given)
        text = done.stdout.decode(errors="replace")
        if text.startswith("machine "):
            lines = [line.partition(" ") for line in text.splitlines()]
            text = "".join(f"{key} {self.changes.get(key, value)}\n" for key, _, value in lines)
            return Finished(done.code, text.encode(), done.stderr)
        return done


@pytest.mark.parametrize(
    ("changes", "rung", "said"),
    [
        ({"machine": "armv7l"}, "static binary", "kernel is of 32 bits"),
        ({"elf_class": "1"}, "static binary", "programs are of 32 bits"),
        ({"machine": "riscv64"}, "static binary", "no runner for riscv64"),
        ({"glibc": "glibc 2.31"}, "loader", "glibc 2.31 is older than 2.34"),
        ({"glibc": ""}, "loader", "its C library is not glibc"),
    ],
)
def test_a_system_that_will_not_do(tmp_path, changes, rung, said):
    device = Remote(profile_in(tmp_path, transport="local"), Reached(Answers(changes)))
    failed = next(one for one in climbed(device) if one.state == "failed")
    assert failed.name == rung
    assert said in failed.found
    assert failed.exit_code == 5
    assert failed.hint


def test_without_a_cross_compiler_its_package_is_named(tmp_path, monkeypatch):
    machine = "x86_64" if os.uname().machine == "aarch64" else "aarch64"
    monkeypatch.setattr("shutil.which", lambda name: None)
    device = Remote(profile_in(tmp_path, transport="local"), Reached(Answers({"machine": machine})))
    static = climbed(device)[1]
    assert (static.state, static.exit_code) == ("failed", 3)
    assert "apt install g++" in static.hint


def test_a_binary_for_another_machine_is_named(tmp_path, monkeypatch):
    """The real answer of this machine's kernel to a program that it cannot run."""
    alien = tmp_path / "alien"
    data = bytearray(build_static(os.uname().machine).read_bytes())
    data[18:20] = (243).to_bytes(2, "little")  # e_machine: RISC-V
    alien.write_bytes(data)
    alien.chmod(alien.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(ladder, "build_static", lambda machine: alien)
    device = Remote(profile_in(tmp_path, transport="local"), Reached(LocalTransport()))
    static = climbed(device)[1]
    assert static.state == "failed"
    assert "another processor" in static.found


def test_a_shell_that_talks_is_named(tmp_path):
    class Talks(LocalTransport):
        def run(self, argv, **given) -> Finished:
            done = super().run(argv, **given)
            return Finished(done.code, b"Welcome!\n" + done.stdout, done.stderr)

    device = Remote(profile_in(tmp_path, transport="local"), Reached(Talks()))
    first = climbed(device)[0]
    assert first.state == "failed"
    assert "Welcome!" in first.found


def test_the_transcript_has_what_passed_and_what_broke(tmp_path):
    wire = Recorded(LocalTransport())
    wire.run(["sh", "-c", "echo out; echo err >&2; exit 3\n"])
    with pytest.raises(DeviceError):
        wire.pull(PurePosixPath(tmp_path / "none"), tmp_path / "here")
    text = "\n".join(wire.lines)
    assert "$ sh -c '<script of 1 lines>'" in text
    for line in ("exit code 3", "out: out", "err: err", "DeviceError: "):
        assert line in text


def test_a_long_answer_is_cut():
    wire = Recorded(LocalTransport())
    wire.run([sys.executable, "-c", "print('x' * 5000)"])
    text = "\n".join(wire.lines)
    assert "characters more" in text
    assert len(text) < 2500


@pytest.fixture
def board(sshd, tmp_path, monkeypatch):
    """A board in the ssh configuration of a user with a home of their own."""
    config = tmp_path / "ssh config"
    login = sshd.login
    config.write_text(
        f"Host lovelace-pi5\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {login.user}\n"
        f'  IdentityFile "{login.identity}"\n  UserKnownHostsFile "{login.known_hosts}"\n'
        "  IdentitiesOnly yes\n"
    )
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.write_text(f"#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ANDROID_SERIAL", "9A1AY1PLANTED")
    (tmp_path / "ada.toml").write_text(
        'name = "ada"\ntransport = "ssh:lovelace-pi5"\nmodel = "Board"\nsoc = "SoC"\n'
        f'workdir = "{tmp_path}/ada lovelace/work"\n'
    )
    monkeypatch.chdir(tmp_path)
    return "ada.toml"


def members(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as pack:
        return {name: pack.read(name).decode() for name in pack.namelist()}


@pytest.mark.slow
def test_the_doctor_climbs_and_writes_a_bundle_without_secrets(board, tmp_path):
    result = CliRunner().invoke(main, ["doctor", "--device", f"./{board}", "--json"])
    assert result.exit_code == 0, result.output
    checks = json.loads(result.stdout)["checks"]
    assert all(set(one) == {"name", "ok", "found", "hint"} for one in checks)
    assert [one["name"] for one in checks][:3] == ["reach", "static binary", "loader"]
    assert {"model onnx", "model tflite", "model executorch"} <= {one["name"] for one in checks}
    assert all(one["ok"] for one in checks)
    found = members(tmp_path / "doctor-ada.zip")
    assert set(found) == {"rungs.json", "profile.json", "device.txt", "transcript.txt", "here.txt"}
    assert "exit code 0" in found["transcript.txt"]
    assert "== cpus" in found["device.txt"]
    for text in found.values():
        for secret in ("lovelace-pi5", "127.0.0.1", "9A1AY1PLANTED", os.uname().nodename):
            assert not re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", text), secret


def test_the_doctor_of_a_device_that_is_not_there(board, tmp_path):
    path = tmp_path / board
    path.write_text(path.read_text().replace("lovelace-pi5", "ada@lovelace.invalid"))
    words = ["doctor", "--device", f"./{board}", "--bundle", "b.zip"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 5
    assert "failed" in result.stdout
    assert "not tried" in result.stdout
    found = members(tmp_path / "b.zip")
    assert found["device.txt"] == "not reached\n"
    assert not [name for name, text in found.items() if "lovelace" in text or "ada@" in text]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--device", "nowhere"], 2),
        (["--bundle", "x.zip"], 2),
        (["--device", "./none.toml"], 2),
    ],
)
def test_what_the_user_got_wrong_is_not_the_devices_fault(words, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["doctor", *words])
    assert result.exit_code == code
    assert "hint" in result.stderr
    assert list(tmp_path.iterdir()) == []
