"""
Real ARM machines in software, so that all that is done on devices can be tried without one.

They run real arm64 code behind a real sshd and a real adbd; they have no caches, clocks or memory
worth measuring. docs/emulation.md says what is real about them and what is not.
"""

from __future__ import annotations

from attnbench.emulation.boot import down, up
from attnbench.emulation.machines import ANDROIDS, CPUS, MACHINES, Machine, Time
from attnbench.emulation.running import Running, running

__all__ = ["ANDROIDS", "CPUS", "MACHINES", "Machine", "Running", "Time", "down", "running", "up"]
