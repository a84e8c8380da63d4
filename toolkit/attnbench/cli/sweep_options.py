"""Options of commands that launch many models in turn."""

from __future__ import annotations

import click

from attnbench.cli.numbers import Numbers
from attnbench.cli.options import Command

OPTIONS = (
    click.option(
        "--threads",
        type=Numbers(1, 1024, whole=True),
        help="Numbers of threads.  [default: the device profile's]",
    ),
    click.option("--rounds", type=click.IntRange(1), help="Launches of each.  [default: 10]"),
    click.option("--iterations", type=click.IntRange(1), help="A launch.  [default: 20]"),
    click.option("--order-seed", type=click.IntRange(0), default=0, help="Of the rounds' orders."),
    click.option("--fresh", is_flag=True, help="Forget what an interrupted one has measured."),
)


def sweep_options(command: Command) -> Command:
    """How much is measured, and whether an interrupted command goes on."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
