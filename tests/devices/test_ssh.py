"""The connection: verified, shared, private, and clear about why there is none."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.devices.ssh import Login, Ssh
from attnbench.devices.transport import ConnectionLost
from attnbench.errors import BadOption, DeviceError, MissingTool
from tests.devices.sshd import free_port, keygen


def connections(sshd) -> int:
    log = (sshd.folder / "log").read_text()
    return log.count("Accepted publickey")


def test_all_commands_share_one_connection(ssh, sshd):
    before = connections(sshd)
    for _ in range(5):
        assert ssh.run(["true"]).code == 0
    assert connections(sshd) == before + 1


def test_the_socket_is_private_short_and_gone_afterwards(ssh):
    ssh.run(["true"])
    folder = ssh.socket.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # ssh adds 17 characters while it makes the socket, whose path has at most 108.
    assert len(str(ssh.socket)) + 17 < 104
    ssh._end()
    assert not folder.exists()


def test_a_long_temporary_folder_does_not_matter(sshd, tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr("tempfile.tempdir", None)
    transport = Ssh(sshd.login)
    assert transport.run(["echo", "hello"]).stdout == b"hello\n"
    transport.close()


def test_a_process_that_ends_closes_its_connection(sshd, tmp_path):
    code = (
        "from attnbench.devices.ssh import Login, Ssh\nfrom pathlib import Path\n"
        f"login = Login({sshd.login.host!r}, port={sshd.port}, user={sshd.login.user!r}, "
        f"identity=Path({str(sshd.login.identity)!r}), "
        f"known_hosts=Path({str(sshd.login.known_hosts)!r}), isolated=True)\n"
        "ssh = Ssh(login); ssh.run(['true']); print(ssh.socket)"
    )
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert not Path(done.stdout.strip()).parent.exists()


def test_an_unknown_host_key_is_refused(sshd, tmp_path):
    (tmp_path / "none").touch()
    with pytest.raises(DeviceError, match="host key is not known here") as caught:
        Ssh(replace(sshd.login, known_hosts=tmp_path / "none")).run(["true"])
    assert "compare the fingerprint" in caught.value.hint
    assert not isinstance(caught.value, ConnectionLost)


def test_a_changed_host_key_is_refused(sshd, tmp_path):
    keygen(tmp_path / "other")
    key = (tmp_path / "other.pub").read_text()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    with pytest.raises(DeviceError, match="not the one that is known") as caught:
        Ssh(replace(sshd.login, known_hosts=tmp_path / "known")).run(["true"])
    assert "ssh-keygen -R" in caught.value.hint


def test_a_key_that_is_not_let_in(sshd, tmp_path):
    keygen(tmp_path / "other")
    with pytest.raises(DeviceError, match="does not let us in") as caught:
        Ssh(replace(sshd.login, identity=tmp_path / "other")).run(["true"])
    assert "ssh-copy-id" in caught.value.hint


def test_nobody_listens(sshd):
    with pytest.raises(ConnectionLost, match=r"no connection .*refused") as caught:
        Ssh(replace(sshd.login, port=free_port())).run(["true"])
    assert "is it on" in caught.value.hint


def test_a_host_that_does_not_exist(sshd):
    with pytest.raises(DeviceError, match="no such host"):
        Ssh(replace(sshd.login, host="nowhere.invalid")).run(["true"])


def test_without_ssh_its_package_is_named(sshd, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingTool, match="ssh is not on the PATH") as caught:
        Ssh(sshd.login).run(["true"])
    assert caught.value.hint == "apt install openssh-client"


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=id", "", "a b", "a;b", "a\nb", "$(id)", "a/b", "`id`", "-x@a", "a'b"]
)
def test_a_host_that_is_more_than_a_name_is_refused(host):
    with pytest.raises(BadOption, match="cannot be asked for a host"):
        Login(host)


@pytest.mark.parametrize(
    "host",
    [
        "rpi5",
        "pi@rpi5.local",
        "192.168.1.20",
        "fe80::1%eth0",
        "ssh://pi@rpi5:2222",
        "ssh://[::1]:22",
    ],
)
def test_hosts_as_people_write_them(host):
    assert Login(host).host == host


def test_the_users_own_configuration_is_honoured(sshd, tmp_path, monkeypatch):
    login = sshd.login
    config = tmp_path / "ssh config"
    config.write_text(
        f"Host myboard\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {login.user}\n"
        f'  IdentityFile "{login.identity}"\n  UserKnownHostsFile "{login.known_hosts}"\n'
        "  IdentitiesOnly yes\n  RemoteCommand echo mine\n  RequestTTY force\n"
        "  PermitLocalCommand yes\n  LocalCommand echo local\n"
        f"  LocalForward {free_port()} 127.0.0.1:1\n"
    )
    # OpenSSH takes the home from the password file: a wrapper names the configuration instead.
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.write_text(f"#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    transport = Ssh(Login("myboard"))
    assert transport.run(["echo", "hello"]).stdout == b"hello\n"
    transport.close()


@pytest.mark.parametrize("breaks", ["session", "socket", "master"])
def test_a_connection_that_broke_while_idle_is_made_again(ssh, sshd, breaks):
    assert ssh.run(["true"]).code == 0
    if breaks == "session":
        sshd.cut()
    elif breaks == "socket":
        ssh.socket.unlink()
    else:
        ssh._ssh((), ["-O", "stop"], [], b"", 10)
    try:
        assert ssh.run(["echo", "one"]).stdout == b"one\n"
    except ConnectionLost:
        assert breaks == "session"
    assert ssh.run(["echo", "two"]).stdout == b"two\n"


def test_closing_does_not_hurt_the_next_connection(ssh):
    for number in range(8):
        assert ssh.run(["echo", str(number)]).stdout == f"{number}\n".encode()
        ssh.close()


def test_a_login_message_is_not_an_answer(ssh):
    assert ssh.run(["true"]).stdout == b""
    assert ssh.run(["true"]).stderr == ""
