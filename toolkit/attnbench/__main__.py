"""`python -m attnbench`: the command line."""

from __future__ import annotations

from attnbench.cli import main

main()
