"""A block's keywords, as `--reduction` and `--option KEY=VALUE` give them."""

from __future__ import annotations

from typing import Any

from attnbench.errors import BadOption
from attnbench_models.recipe import Option


def block_options(given: dict[str, Any]) -> dict[str, Option]:
    """Those of the options given. Raises BadOption."""
    options: dict[str, Option] = {}
    for text in given["options"]:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise BadOption(f"--option {text!r} is not KEY=VALUE")
        options[key] = _value(value)
    if given["reduction"] is not None:
        options["reduction"] = given["reduction"]
    return options


def _value(text: str) -> Option:
    """A keyword's value: true, false, a number, or else the text itself."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
