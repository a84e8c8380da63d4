"""`attnbench parity`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attnbench.cli.border_options import NAMES, border_options
from attnbench.cli.dataset_option import dataset_option, folder_of
from attnbench.cli.device_options import Chosen, device_options
from attnbench.cli.options import (
    export_options,
    exporting_from,
    images_option,
    json_option,
    recipe_options,
)

if TYPE_CHECKING:  # `--help` imports none of it
    from attnbench.devices import Device
    from attnbench.parity.matching import Declared
    from attnbench.pipeline.export import Failure
    from attnbench.records import Verdict


@dataclass(frozen=True, slots=True)
class Looks:
    """What is looked at besides the standard inputs."""

    images: Path | None
    dataset: Path | None
    localise: bool | None
    power: bool


@click.command("parity")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@recipe_options
@export_options
@device_options
@images_option
@dataset_option
@border_options
@click.option(
    "--localise/--no-localise",
    "localise",
    default=None,
    help="Find the first block that differs.  [default: if parity fails]",
)
@click.option(
    "--power",
    is_flag=True,
    help="Say what would have been missed: each attention block is replaced by identity.",
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML for CI.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables as Markdown.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    device: Chosen,
    images: Path | None,
    dataset: str | None,
    localise: bool | None,
    power: bool,
    junit: Path | None,
    markdown: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """
    Hold artifacts against PyTorch: FILES, a recipe, or what was exported last.

    A file of another converter needs its reference named: --model, or --block with --checkpoint.
    Its inputs and outputs are found by name, shape or order, and its images as the reference's
    unless --file-... says otherwise. Exits 1 if any artifact differs beyond its limits; the first
    block that does is then written to reports/repro. --localise takes files that have changed.
    """
    from attnbench.cli import outcome
    from attnbench.cli.subject import declared_from
    from attnbench.clock import now
    from attnbench.store import Run

    on = device.resolve()
    exporting = exporting_from(given, on)
    declared = declared_from({name: given.pop(name) for name in NAMES}, given)
    labelled = None if dataset is None else folder_of(dataset)
    looks = Looks(images, labelled, localise, power)
    verdicts, failures = _judged(files, given, exporting, declared, on, looks)
    run = Run(now(), verdicts=verdicts)
    outcome.show_parity(run, as_json=as_json, junit_to=junit, markdown_to=markdown)
    ctx.exit(outcome.exit_code(run, failures))


def _judged(
    files: tuple[Path, ...],
    given: dict[str, Any],
    exporting: dict[str, Any],
    declared: Declared,
    device: Device,
    looks: Looks,
) -> tuple[tuple[Verdict, ...], tuple[Failure, ...]]:
    """The verdicts on what the arguments mean, and what could not be exported or computed."""
    from attnbench.cli import outcome
    from attnbench.cli.console import Steps
    from attnbench.cli.subject import subject
    from attnbench.parity.inputs import Images
    from attnbench.pipeline.accuracy import with_accuracy
    from attnbench.pipeline.localise import Localising
    from attnbench.pipeline.parity import Questions
    from attnbench.pipeline.power import with_power
    from attnbench.pipeline.run import verify_all

    questions = Questions(Images(looks.images, declared.reference) if looks.images else None)
    localising = Localising.wanted(looks.localise)
    changed = bool(looks.localise)
    with Steps() as progress:
        meant = subject(
            files, given, exporting, progress, declared, changed=changed, images=looks.images
        )
        chosen = outcome.judgeable(meant, device)
        made = chosen.artifacts
        verdicts = verify_all(made, questions, device, progress, localising)
        if looks.power:
            verdicts = with_power(made, verdicts, questions, progress, exporting["blocks"])
        if looks.dataset is not None:
            labelled = Images(looks.dataset, declared.reference)
            verdicts = with_accuracy(made, verdicts, labelled, device, progress)
    return verdicts, chosen.failures
