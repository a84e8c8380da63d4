"""Options with a unit: shares and times."""

from __future__ import annotations

import re

import click

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_MOST_PERCENT = 1000.0


class Percent(click.ParamType[float]):
    """`3%` or `3`, as a share of one."""

    name = "percent"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click.ParamType."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+\.?\d*|\.\d+) ?%?", str(value).strip())
        if not found or float(found[1]) > _MOST_PERCENT:
            self.fail(f"{value!r} is not a percentage such as 3%", param, ctx)
        return float(found[1]) / 100


class Duration(click.ParamType[float]):
    """`90s`, `10m` or `1h`, in seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See click.ParamType."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+\.?\d*) ?([smh])", str(value).strip())
        if not found or float(found[1]) == 0:
            self.fail(f"{value!r} is not a time such as 90s, 10m or 1h", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]
