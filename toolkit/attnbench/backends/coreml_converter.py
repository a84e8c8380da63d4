"""coremltools without what it does in vain here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

OTHERS = ("executorch", "sklearn", "torchao", "transformers")
"""Packages that it would load to convert their models, or to quantise with them."""


@contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Within, these packages are not to be found, but for those that are loaded already."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None is: not to be found
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


with hidden(*OTHERS):
    import coremltools
    from coremltools.converters.mil.mil import Program


@contextmanager
def checked_at_the_ends() -> Iterator[None]:
    """
    Within, a program is checked once a pipeline of passes has cleaned up, and before it is written.

    Those are the checks that ask for most. The others come after each of a hundred passes.
    """
    validate = Program.validate

    def thorough(self: Program, check_essential_scope: bool | None = False) -> None:
        if check_essential_scope:
            validate(self, check_essential_scope=True)

    with patch.object(Program, "validate", thorough):
        yield


__all__ = ["checked_at_the_ends", "coremltools"]
