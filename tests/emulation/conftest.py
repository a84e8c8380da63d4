import subprocess

import pytest

from tests.emulation.machines import emulation, pixel4, rpi5

__all__ = ["emulation", "pixel4", "rpi5"]


def pytest_configure(config):
    config.addinivalue_line("markers", "emulated: boots a machine in qemu, which takes seconds")


@pytest.fixture
def sleeping():
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()
