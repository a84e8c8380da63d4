"""The same on arm64, behind a real sshd and a real adbd; see docs/emulation.md."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from attnbench.devices import DEVICES
from tests.conformance.transport import TransportContract

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


@pytest.fixture(scope="module")
def pi(rpi5):
    device = DEVICES.get("rpi5-emulated")
    yield device
    device.close()


@pytest.fixture(scope="module")
def phone(pixel4):
    device = DEVICES.get("pixel4-emulated")
    yield device
    device.close()


def scratch_of(device) -> PurePosixPath:
    folder = device.root / "scratch"
    assert device.transport.run(["mkdir", "-p", str(folder)]).code == 0
    return folder


class TestPiTransport(TransportContract):
    @pytest.fixture
    def transport(self, pi):
        return pi.transport

    @pytest.fixture
    def scratch(self, pi):
        return scratch_of(pi)


class TestPhoneTransport(TransportContract):
    @pytest.fixture
    def transport(self, phone):
        return phone.transport

    @pytest.fixture
    def scratch(self, phone):
        return scratch_of(phone)
