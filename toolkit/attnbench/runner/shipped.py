"""What a runtime's package came with: the digests of its shared objects."""

from __future__ import annotations

import base64
import csv
from collections.abc import Mapping
from pathlib import Path

from attnbench.files import digest
from attnbench.runner.libraries import Wheel

_ALGORITHM = "sha256="


def shipped(wheel: Wheel) -> Mapping[str, str]:
    """
    The sha256 of each library by name: as the package's RECORD has it, else of the file.

    Source: Python packaging, "Recording installed projects".
    """
    name = f"{wheel.engine.distribution.replace('-', '_')}-{wheel.version}.dist-info"
    record = wheel.package.parent / name / "RECORD"
    if not record.is_file():
        return {path.name: digest(path) for path in wheel.libraries}
    # Of another version it is a link: the record has the file's own name.
    names = {
        str(Path(wheel.package.name, wheel.engine.folder, path.resolve().name)): path.name
        for path in wheel.libraries
    }
    with record.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0] in names]
    return {names[row[0]]: _hexadecimal(row[1]) for row in rows if row[1].startswith(_ALGORITHM)}


def _hexadecimal(text: str) -> str:
    """From unpadded base 64."""
    return base64.urlsafe_b64decode(f"{text.removeprefix(_ALGORITHM)}=").hex()
