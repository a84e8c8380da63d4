"""`attnbench gate`."""

from __future__ import annotations

from pathlib import Path

import click

from attnbench.cli.options import json_option

BASELINES = Path("reports/baselines")


@click.command("gate")
@click.argument("policy", type=click.Path(path_type=Path))
@click.option(
    "--update",
    is_flag=True,
    help="Take what is delegated and how long it takes now as the baseline.",
)
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the report as Markdown.")
@click.option(
    "--github",
    is_flag=True,
    help="Annotate a GitHub workflow's run, and write its summary ($GITHUB_STEP_SUMMARY).",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    policy: Path,
    *,
    update: bool,
    junit: Path | None,
    markdown: Path | None,
    github: bool,
    as_json: bool,
) -> None:
    """
    Hold every model of POLICY, a TOML file, to parity on its devices: the one line for CI.

    A block that has left its runtime's delegate since the baseline fails too, and a model that has
    become slower than POLICY allows. Exits 1 if anything fails, with an export's own code if a
    model could not be exported, 7 if a latency could not be decided. docs/ci.md has an example.
    """
    from attnbench.cli import outcome
    from attnbench.cli.console import Steps
    from attnbench.cli.gating import annotate, judged
    from attnbench.cli.latency_policy import LatencyGating, latency_beside
    from attnbench.cli.policy import read_policy
    from attnbench.clock import now
    from attnbench.store import Run

    wanted = read_policy(policy)
    baseline = Path(wanted.baseline or BASELINES / f"{policy.stem}.json")
    with Steps() as progress:
        timed = LatencyGating(latency_beside(baseline), progress, update)
        verdicts, failures = judged(wanted, baseline, timed, progress, update=update)
    run = Run(now(), verdicts=verdicts, gated=tuple(timed.found))
    outcome.show_parity(run, as_json=as_json, junit_to=junit, markdown_to=markdown)
    if github:
        annotate(run, policy)
    ctx.exit(outcome.gate_code(run, failures))
