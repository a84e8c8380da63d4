"""`attnbench list`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import click

from attnbench.cli.options import json_option
from attnbench.cli.types import Known

Rows = Iterator[dict[str, object]]


def _blocks() -> Rows:
    from attnbench_models.blocks import BLOCKS

    for name, entry in BLOCKS.items():
        yield {"name": name, "summary": entry.summary, "kind": entry.kind}


def _backbones() -> Rows:
    from attnbench_models.backbones import BACKBONES, blocks_for

    for name, entry in BACKBONES.items():
        yield {"name": name, "summary": entry.summary, "blocks": list(blocks_for(name))}


def _backends() -> Rows:
    from importlib.metadata import PackageNotFoundError, version

    from attnbench.backends.formats import FORMATS

    for name, one in FORMATS.items():
        tools: dict[str, str | None] = {}
        for package in one.packages:
            try:
                tools[package] = version(package)
            except PackageNotFoundError:
                tools[package] = None
        missing = [package for package, found in tools.items() if found is None]
        runs = f"run by {one.engine}" if one.engine else "converted, not run here"
        runs += ", the saved program is judged" if one.program else ""
        summary = f"not installed: {', '.join(missing)}" if missing else runs
        yield {"name": name, "summary": summary, "suffix": one.suffix, "tools": tools}


def _devices() -> Rows:
    from attnbench.cli.device_rows import device_rows

    yield from device_rows()


def _rewrites() -> Rows:
    from attnbench.rewrites import REWRITES

    for one in REWRITES:
        yield {
            "name": one.name,
            "summary": one.why,
            "backends": sorted(one.backends),
            "precisions": sorted(one.precisions),
            "targets": sorted(one.targets),
            "unverified": one.unverified,
        }


KINDS: Mapping[str, Callable[[], Rows]] = {
    "blocks": _blocks,
    "backbones": _backbones,
    "backends": _backends,
    "devices": _devices,
    "rewrites": _rewrites,
}


@click.command("list")
@click.argument("kind", type=Known("list", KINDS))
@json_option
def command(kind: str, as_json: bool) -> None:
    """List blocks, backbones, backends, devices or rewrites."""
    from rich.console import Console
    from rich.table import Table

    from attnbench.cli.console import write_json
    from attnbench.cli.documents import list_document

    rows = list(KINDS[kind]())
    if as_json:
        write_json(list_document(kind, rows))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for row in rows:
        extra = row.get("backends") or row.get("blocks") or row.get("kind")
        listed = ", ".join(extra) if isinstance(extra, list) else extra
        names = f"  [{listed}]" if listed else ""
        names += "  (unverified on hardware)" if row.get("unverified") else ""
        table.add_row(str(row["name"]), f"{row['summary']}{names}".replace("[", r"\["))
    Console().print(table)
