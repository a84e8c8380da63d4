"""What options are made of: sizes, lists of names, words to choose from."""

from __future__ import annotations

from collections.abc import Iterable

import click

from attnbench.errors import UnknownName

LARGEST_SIZE = 4096


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
