"""What options are made of: sizes, lists of names, words to choose from."""

from __future__ import annotations

import math
from collections.abc import Iterable

import click

from attnbench.errors import UnknownName

LARGEST_SIZE = 4096
CHANNELS = 3


class Size(click.ParamType[tuple[int, int]]):
    """`224` or `HEIGHTxWIDTH`, in pixels."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """See click.ParamType."""
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if len(parts) > 2 or not all(part.isdigit() for part in parts):
            self.fail(f"{value!r} is not a size such as 224 or 192x256", param, ctx)
        height, width = int(parts[0]), int(parts[-1])
        if not (min(height, width) >= 1 and max(height, width) <= LARGEST_SIZE):
            self.fail(f"a side must be from 1 to {LARGEST_SIZE} pixels", param, ctx)
        return height, width


class PerChannel(click.ParamType[tuple[float, float, float]]):
    """`0.485,0.456,0.406`, or one number for all three channels."""

    name = "R,G,B"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """See click.ParamType."""
        try:
            numbers = [float(part) for part in str(value).split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, CHANNELS) or not all(map(math.isfinite, numbers)):
            self.fail(
                f"{value!r} is no number, and not three such as 0.485,0.456,0.406", param, ctx
            )
        if param is not None and "std" in str(param.name) and min(numbers) <= 0:
            self.fail("a standard deviation is above 0", param, ctx)
        red, green, blue = numbers * CHANNELS if len(numbers) == 1 else numbers
        return red, green, blue


class Names(click.ParamType[tuple[str, ...]]):
    """Comma-separated names."""

    name = "names"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See click.ParamType."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(part.strip() for part in str(value).split(",") if part.strip()))
        if not names:
            self.fail("at least one name is needed", param, ctx)
        return names


class Known(click.Choice[str]):
    """One of a few words; a near miss is answered with the nearest."""

    def __init__(self, kind: str, words: Iterable[str]) -> None:
        super().__init__(list(words))
        self.kind = kind

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """See click.ParamType."""
        if value not in self.choices:
            raise UnknownName(self.kind, str(value), self.choices)
        return str(super().convert(value, param, ctx))
