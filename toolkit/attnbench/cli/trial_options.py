"""How much of A and B is measured, and what B has otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from attnbench.cli.quantities import Duration, Percent
from attnbench.errors import BadOption, UnknownName

if TYPE_CHECKING:
    from attnbench.pipeline.trial import Plan

Command = TypeVar("Command", bound=Callable[..., Any])

DIFFERENCES = (
    "threads",
    "cpus",
    "runtime",
    "backbone",
    "reduction",
    "size",
    "batch",
    "width",
    "seed",
)
PLANNING = ("rounds", "order_seed", "detect", "budget")


def trial_options(command: Command) -> Command:
    """How many launches of what kind, and what the result is held against."""
    for option in (
        click.option(
            "--limit",
            type=Percent(),
            metavar="PERCENT",
            help="How much B may take above A.  [default: none; 0.5 in instruction time]",
        ),
        click.option("--whole", is_flag=True, help="No times per block: half the launches."),
        click.option("--order-seed", type=click.IntRange(0), help="Of the rounds' random orders."),
        click.option(
            "--budget", type=Duration(), metavar="TIME", help="Of --detect.  [default: 10m]"
        ),
        click.option(
            "--detect",
            type=Percent(),
            metavar="PERCENT",
            help="Go on until a difference of that much would be seen four times in five.",
        ),
        click.option(
            "--runtime",
            metavar="PACKAGE==VERSION",
            help="Another version of a runtime than the installed one, of A and B; of B alone "
            "with --b runtime=onnxruntime==1.30.0.",
        ),
        click.option("--cpus", metavar="LIST", help="Processors to run on, such as 0,2-3."),
        click.option(
            "--threads", type=click.IntRange(1, 1024), help="[default: the device profile's]"
        ),
        click.option("--iterations", type=click.IntRange(1), help="A launch.  [default: 20]"),
        click.option(
            "--rounds",
            type=click.IntRange(6),
            help="Of four launches, A B B A or B A A B.  [default: 8]",
        ),
    ):
        command = option(command)
    return command


def differences_of(ctx: click.Context, texts: tuple[str, ...]) -> dict[str, Any]:
    """What B has otherwise, each value as its own option would take it. Raises UserError."""
    known = {one.name: one for one in ctx.command.params if one.name in DIFFERENCES}
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise BadOption(f"--b {text!r} is not KEY=VALUE", hint="such as --b threads=4")
        if key not in known:
            raise UnknownName("key of --b", key, DIFFERENCES)
        found[key] = known[key].type_cast_value(ctx, value)
    return found


def plan_from(given: dict[str, Any]) -> Plan:
    """How many rounds. Raises BadOption for options that do not go together."""
    from attnbench.pipeline.trial import BUDGET_S, ROUNDS, Plan

    rounds, seed, detect, budget = (given.pop(name) for name in PLANNING)
    seed = secrets.randbits(32) if seed is None else seed
    if detect is None:
        if budget is not None:
            raise BadOption("--budget is how long --detect may take, and there is none")
        return Plan(seed, rounds or ROUNDS)
    if rounds is not None:
        raise BadOption("--rounds says how many, --detect finds out: take one of them")
    if detect == 0:
        raise BadOption("--detect 0: no difference at all takes for ever to see")
    return Plan.until(detect, budget or BUDGET_S, seed)
