"""Options that are lists of numbers."""

from __future__ import annotations

import click


class Numbers(click.ParamType[tuple[float, ...]]):
    """`0.5,0.75,1`, each from `least` to `most`; whole ones with `whole`."""

    name = "numbers"

    def __init__(self, least: float, most: float, *, whole: bool = False) -> None:
        self.least = least
        self.most = most
        self.whole = whole

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """See click.ParamType."""
        if isinstance(value, tuple):
            return value
        kind: type[float] = int if self.whole else float
        try:
            found = tuple(dict.fromkeys(kind(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as {self._example}", param, ctx)
        if not all(self.least <= one <= self.most for one in found):
            self.fail(f"a number must be from {self.least:g} to {self.most:g}", param, ctx)
        return found

    @property
    def _example(self) -> str:
        return "1,4" if self.whole else "0.5,1"
