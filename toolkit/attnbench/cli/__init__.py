"""The command line: parse, call one function of the pipeline, print. No logic lives here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

import click

from attnbench.errors import AttnbenchError, UnknownName

COMMANDS: Mapping[str, str] = {
    "run": "Export, check parity, profile per block and report: the whole job.",
    "export": "Export a model to one or more runtimes.",
    "parity": "Hold artifacts against PyTorch; exit 1 if one differs.",
    "profile": "Measure latency, whole and per block.",
    "gate": "Hold every model of a policy to parity and delegation: the one line for CI.",
    "compare": "Hold one model against another, taking turns: slower, faster, or alike.",
    "precision": "Say what fewer bits cost each block, and what they save.",
    "cost": "Say what attention costs: with and without it, and by its blocks' own time.",
    "sweep": "Measure many models in turn: blocks, reductions, widths, threads; one table.",
    "table": "Rebuild a published table: its numbers beside those found here.",
    "history": "Show what was measured over time, unlike environments apart.",
    "report": "Show stored runs again, as text and as a page.",
    "list": "List blocks, backbones, backends, devices or rewrites.",
    "doctor": "Check what is needed here, or on a device, and say what to do about it.",
    "device": "Write the profile of a device that is new to attnbench.",
    "emulate": "Start or end an emulated Raspberry Pi or phone.",
}
"""Names and one-line helps: a command's module is imported only when it is called."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as a shell has it: 128 and the signal's number."""


class _Commands(click.Group):
    """Loads commands lazily; shows our own errors as two lines; a bug keeps its traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """See click.Group."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """See click.Group; a near miss is named."""
        if name not in COMMANDS:
            raise UnknownName("command", name, COMMANDS)
        module = import_module(f"attnbench.cli.{name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """See click.Group; from the table above, since importing all commands takes time."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Group."""
        with _told(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """See click.Group."""
        with _told(ctx):
            return super().invoke(ctx)


@contextmanager
def _told(ctx: click.Context) -> Iterator[None]:
    """End with an error's own exit code, after a line on what happened and one on what to do."""
    try:
        yield
    except AttnbenchError as error:
        _end(ctx, error)
    except OSError as error:
        from attnbench.files import no_room

        lack = no_room(error)
        if lack is None:
            raise
        _end(ctx, lack)
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        said = " ".join(error.format_message().split())
        where = (error.ctx or ctx).command_path
        complain(f"{said[:1].lower()}{said[1:]}", f"see `{where} --help`")
        ctx.exit(error.exit_code)
    except KeyboardInterrupt:  # click would end with 1, which is a failed gate
        complain("interrupted", "")
        ctx.exit(INTERRUPTED)


def _end(ctx: click.Context, error: AttnbenchError) -> NoReturn:
    complain(str(error), error.hint)
    ctx.exit(error.exit_code)


def complain(message: str, hint: str) -> None:
    """What happened, and what to do about it, on standard error."""
    click.secho(f"error: {message}", fg="red", err=True)
    if hint:
        click.echo(f" hint: {hint}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="attnbench")
def main() -> None:
    """Measure what an attention block costs on the device that runs it, block by block."""
