"""What `attnbench list devices` says of each."""

from __future__ import annotations

from collections.abc import Iterator

from attnbench.devices import DEVICES


def device_rows() -> Iterator[dict[str, object]]:
    """Every device's name and a line on it."""
    for name, summary in DEVICES.summaries():
        yield {"name": name, "summary": summary}
