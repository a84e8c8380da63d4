"""`attnbench doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import json_option
from attnbench.cli.quantities import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attnbench.devices import Device
    from attnbench.devices.remote import Remote

MARKS = {"ok": "[green]ok[/]", "failed": "[red]failed[/]", "not tried": "[dim]not tried[/]"}


@click.command("doctor")
@device_options
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Of a device: where to write what was seen, without names and addresses, to show to "
    "others.  [default: doctor-NAME.zip]",
)
@click.option(
    "--noise",
    is_flag=True,
    help="Let a model take turns with itself there: how often is it called slower or faster, and "
    "what difference can be seen in which time? Kept for `compare` to tell.",
)
@click.option("--budget", type=Duration(), metavar="TIME", help="Of --noise.  [default: 10m]")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    device: Chosen,
    bundle: Path | None,
    noise: bool,
    budget: float | None,
    as_json: bool,
) -> None:
    """
    Check that everything needed is here; exit 3 if something is missing.

    With --device, climb from reaching it to running a model on it, as far as that goes: the first
    rung that fails says what is wrong, and gives the exit code.
    """
    from attnbench.devices.remote import Remote
    from attnbench.errors import BadOption

    there = device.resolve()
    if noise:
        _noise(there, budget, as_json=as_json)
        return
    if budget is not None:
        raise BadOption("--budget is how long --noise may take, and that is not asked for")
    if isinstance(there, Remote):
        ctx.exit(_climb(there, bundle or Path(f"doctor-{there.name}.zip"), as_json=as_json))
    if bundle is not None:
        raise BadOption("--bundle is of a device", hint="name one, such as --device rpi5")
    ctx.exit(_here(as_json=as_json))


def _noise(device: Device, budget_s: float | None, *, as_json: bool) -> None:
    import secrets

    from attnbench.cli.console import Steps, write_json
    from attnbench.pipeline.noise import measure_noise
    from attnbench.pipeline.trial import BUDGET_S
    from attnbench.report import comparison, documents

    with Steps() as steps:
        found = measure_noise(device, budget_s or BUDGET_S, secrets.randbits(32), steps)
    if as_json:
        write_json(documents.noise_document(found))
    else:
        click.echo("\n".join(comparison.noise_sentences(found)))


def _here(*, as_json: bool) -> int:
    from attnbench.pipeline.doctor import checks

    found = list(checks())
    rows = [{"name": c.name, "ok": c.ok, "found": c.found, "hint": c.hint} for c in found]
    if as_json:
        _print_json(rows)
    else:
        _print(
            ("[green]ok[/]" if c.ok else "[red]missing[/]", c.name, c.found, "" if c.ok else c.hint)
            for c in found
        )
    return 0 if all(c.ok for c in found) else 3


def _climb(device: Remote, bundle: Path, *, as_json: bool) -> int:
    from attnbench.cli.console import Steps, say
    from attnbench.files import check_writable
    from attnbench.pipeline.doctor_bundle import write_bundle
    from attnbench.pipeline.ladder import rungs

    check_writable(bundle.parent)
    transcript: list[str] = []
    with Steps() as steps:
        found = list(rungs(device, transcript, steps))
    if as_json:
        states = {"ok": True, "failed": False, "not tried": None}
        _print_json(
            {"name": r.name, "ok": states[r.state], "found": r.found, "hint": r.hint} for r in found
        )
    else:
        _print((MARKS[r.state], r.name, r.found, r.hint) for r in found)
    write_bundle(bundle, device, found, transcript)
    say(f"bundle: {bundle} (look into it before you share it)")
    return next((r.exit_code for r in found if r.exit_code), 0)


def _print_json(rows: Iterable[dict[str, object]]) -> None:
    from attnbench.cli.console import write_json
    from attnbench.cli.documents import list_document

    write_json(list_document("checks", rows))


def _print(rows: Iterable[tuple[str, str, str, str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for mark, name, found, hint in rows:
        table.add_row(mark, name, escape(f"{found}; {hint}" if hint else found))
    Console().print(table)
