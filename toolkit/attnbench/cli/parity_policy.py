"""The part of a policy that is about parity: limits of its own, precisions, blind spots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from attnbench.backends.formats import FORMATS
from attnbench.cli.dataset_option import folder_of
from attnbench.cli.options import PRECISIONS
from attnbench.cli.quantities import Percent
from attnbench.errors import BadOption, UnknownName
from attnbench.parity.adjustment import Adjustment
from attnbench.parity.limits import limits_for


class Adjusted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Limits of a model's own, as the fields of `attnbench.parity.limits.Limits`.

    They may be tighter; one that is wider needs a `reason`, which every verdict repeats.
    """

    factor: float | None = None
    floor: float | None = None
    ceiling_db: float | None = None
    absolute: float | None = None
    reason: str = ""

    def adjustment(self) -> Adjustment:
        """The same for the pipeline."""
        return Adjustment(**msgspec.structs.asdict(self))


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    By how much top-1 may drop on labelled images: `drop`, such as "1%", of all of them.

    `dataset` is as for --dataset.
    """

    dataset: str
    drop: str

    def terms(self, where: str) -> tuple[Path, float]:
        """The folder of the images, and the share. Raises BadOption, which names `where`."""
        try:
            return folder_of(self.dataset), Percent().convert(self.drop, None, None)
        except click.BadParameter as error:
            raise BadOption(f"{where}: accuracy: {error.message}") from error


def check_parity(
    limits: Adjusted | None, precisions: Sequence[str], backends: Sequence[str] | None, where: str
) -> None:
    """Raise BadOption or UnknownName for what no artifact could be held to."""
    for precision in precisions:
        if precision not in PRECISIONS:
            raise UnknownName("precision", precision, PRECISIONS)
        able = [one.name for one in FORMATS.values() if precision in one.precisions]
        for backend in backends or able:
            if backend not in able:
                raise BadOption(
                    f"{where}: {backend} has no {precision}", hint=f"{', '.join(able)} have"
                )
            try:
                (limits or Adjusted()).adjustment().of(limits_for(backend, precision))
            except BadOption as error:
                raise BadOption(f"{where}: {error}", hint=error.hint) from error
