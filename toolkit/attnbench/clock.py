"""The one place that asks what time it is; latency itself is measured by the runner."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The present in UTC, ISO 8601, to the microsecond: records of one second stay in order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
