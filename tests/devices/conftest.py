from __future__ import annotations

from collections.abc import Iterator

import pytest

from attnbench.devices import DEVICES
from attnbench.devices.remote import Remote
from attnbench.devices.ssh import Ssh
from tests.devices import artifacts as made
from tests.devices import sshd as server


@pytest.fixture(scope="module")
def pi(rpi5) -> Iterator[Remote]:
    device = DEVICES.get("rpi5-emulated")
    yield device
    device.close()


@pytest.fixture(scope="module")
def phone(pixel4) -> Iterator[Remote]:
    device = DEVICES.get("pixel4-emulated")
    yield device
    device.close()


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """backend -> a small artifact, exported once a session."""
    return made.make(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="session")
def sshd(tmp_path_factory) -> Iterator[server.Sshd]:
    if server.SSHD is None:
        pytest.skip("no sshd here; apt-get install openssh-server")
    with server.serving(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="session")
def shared_ssh(sshd) -> Iterator[Ssh]:
    """One connection for all tests that leave it whole."""
    transport = Ssh(sshd.login)
    yield transport
    transport.close()


@pytest.fixture
def ssh(sshd) -> Iterator[Ssh]:
    transport = Ssh(sshd.login)
    yield transport
    transport.close()
