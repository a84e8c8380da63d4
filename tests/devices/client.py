"""A process that measures over ssh, to be killed: python -m tests.devices.client FOLDER ..."""

from __future__ import annotations

import sys
from pathlib import Path

from attnbench import artifacts
from attnbench.devices.ssh import Ssh
from tests.devices.faults import Site
from tests.devices.sshd import Sshd


def main(folder: str, server: str, port: str, artifact: str) -> int:
    wire = Ssh(Sshd(Path(server), int(port)).login)
    site = Site(Path(folder), artifacts.load(Path(artifact)), wire)
    outcome = site.measure(site.client())
    print(outcome.said, file=sys.stderr)
    return outcome.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
