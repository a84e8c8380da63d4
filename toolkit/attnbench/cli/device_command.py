"""`attnbench device`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attnbench.cli.options import json_option
from attnbench.cli.types import Known
from attnbench.emulation.machines import MACHINES
from attnbench.errors import BadOption

if TYPE_CHECKING:
    from attnbench.devices.profile import DeviceProfile

WIRES = ("ssh", "adb", "emulated", "here")


@click.group("device")
def command() -> None:
    """Describe devices."""


@command.command("init")
@click.option("--ssh", metavar="HOST", help="A board: HOST, USER@HOST or ssh://USER@HOST:PORT.")
@click.option(
    "--adb",
    metavar="[SERIAL]",
    is_flag=False,
    flag_value="",
    help="A phone: the one that is attached, or that of SERIAL.",
)
@click.option("--host", "here", is_flag=True, help="This machine.")
@click.option("--emulated", type=Known("emulated device", MACHINES), help="An emulated one.")
@click.option("--name", help="What to call it.  [default: after its host or model]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: ./NAME.toml]",
)
@click.option("--workdir", metavar="DIR", help="Folder on the device, for programs and files.")
@click.option("--no-peaks", is_flag=True, help="Do not measure the processor and its memory.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
def init(*, name: str | None, out: Path | None, force: bool, as_json: bool, **given: Any) -> None:
    """
    Look at a device, try what it lets us do, measure its peaks, and write its profile.

    It needs one of --ssh, --adb, --host and --emulated. What is written is for `--device FILE`.
    """
    from attnbench.cli.console import say, write_json

    wires = {wire: given.pop(wire) for wire in WIRES}
    path, profile = _made(_transport(**wires), _name(name, out), out, force=force, **given)
    if as_json:
        write_json(_document(profile, path))
    else:
        click.echo(_summary(profile))
    say(f"profile: {path}; use it with --device {_way(path)}")


def _made(
    transport: str, name: str, out: Path | None, *, force: bool, workdir: str | None, no_peaks: bool
) -> tuple[Path, DeviceProfile]:
    from attnbench.cli.console import Steps
    from attnbench.devices import init as devices
    from attnbench.devices.toml import written
    from attnbench.progress import stepping

    with Steps() as steps:
        with stepping(steps, "look at it"):
            looked = devices.explore(transport, name, workdir or "")
        path = out or Path(f"{looked.profile.name}.toml")
        _check_free(path, force=force)
        with stepping(steps, "run something there"):
            devices.prove(looked)
        with stepping(steps, "try its settings"):
            looked = devices.tried(looked)
        with stepping(steps, "measure its peaks"):
            looked = devices.measured(looked, wanted=not no_peaks)
    return path, written(path, looked.profile)


def _transport(*, ssh: str | None, adb: str | None, emulated: str | None, here: bool) -> str:
    """What a profile calls that wire. Raises BadOption unless one is given."""
    given = (
        None if ssh is None else ssh if ssh.startswith("ssh:") else f"ssh:{ssh}",
        None if adb is None else f"adb:{adb}" if adb else "adb",
        None if emulated is None else f"emulated:{emulated}",
        "local" if here else None,
    )
    chosen = [transport for transport in given if transport is not None]
    if len(chosen) != 1:
        raise BadOption(
            "which device? exactly one of --ssh HOST, --adb, --host and --emulated is needed",
            hint="for example: attnbench device init --ssh pi@raspberrypi.local",
        )
    return chosen[0]


def _name(name: str | None, out: Path | None) -> str:
    """A profile is called like its file."""
    if name and out and name != out.stem:
        raise BadOption(
            f"--name {name} is not what {out} is called",
            hint="a profile has the name of its file: leave --name out",
        )
    return name or (out.stem if out else "")


def _check_free(path: Path, *, force: bool) -> None:
    from attnbench.files import check_writable

    if path.suffix != ".toml":
        raise BadOption(f"{path}: a profile's name ends in .toml")
    if path.exists() and not force:
        raise BadOption(f"{path} is there already", hint="--force writes over it; --out elsewhere")
    check_writable(path.parent)


def _way(path: Path) -> str:
    """A path that is taken for one, not for a name."""
    return str(path) if path.parent != Path() else f"./{path}"


def _document(profile: DeviceProfile, path: Path) -> dict[str, object]:
    import msgspec

    from attnbench.cli.documents import list_document

    row = {**msgspec.to_builtins(profile), "path": str(path)}
    return list_document("devices", [row])


def _summary(profile: DeviceProfile) -> str:
    lines = [f"{profile.name}: {profile.model}, {profile.soc}"]
    for one in profile.clusters:
        clock = f"{one.max_khz / 1e6:g} GHz" if one.max_khz else "clock unknown"
        lines.append(f"  {one.name}: processors {list(one.cpus)}, mask {one.mask}, {clock}")
    peaks = profile.peaks
    for row in peaks.measured if peaks else ():
        threads = f"{row.threads} thread{'s' if row.threads > 1 else ''}"
        lines.append(
            f"  {row.cluster}, {threads}: {row.fp32_gflop_s:g} GFLOP/s ({row.simd}), "
            f"copy {row.copy_gb_s:g} GB/s, triad {row.triad_gb_s:g} GB/s"
        )
    if peaks and peaks.unknown:
        lines.append(f"  peaks unknown: {peaks.unknown}")
    return "\n".join(lines)
