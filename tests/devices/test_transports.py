from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from attnbench.devices.local import LocalTransport
from tests.conformance.transport import TransportContract


class TestLocal(TransportContract):
    @pytest.fixture
    def transport(self):
        return LocalTransport()

    @pytest.fixture
    def scratch(self, tmp_path):
        (tmp_path / "device").mkdir()
        return PurePosixPath(tmp_path / "device")


class TestSsh(TransportContract):
    @pytest.fixture
    def transport(self, shared_ssh):
        return shared_ssh

    @pytest.fixture
    def scratch(self, tmp_path):
        (tmp_path / "device").mkdir()
        return PurePosixPath(tmp_path / "device")
