import subprocess

import pytest


@pytest.fixture
def sleeping():
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()
