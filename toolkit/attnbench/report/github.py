"""Verdicts as GitHub's workflow commands: annotations of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnbench.records import Gated, Verdict
from attnbench.report import gated, prose
from attnbench.store import Run


def workflow_commands(verdicts: Sequence[Verdict], policy: str) -> Iterator[str]:
    """One line for each thing to know, on the policy's file; an error fails no build by itself."""
    for verdict in verdicts:
        name = f"{verdict.artifact.recipe.name} {verdict.artifact.backend} on {verdict.device}"
        told = list(prose.notices(Run("", verdicts=(verdict,))))
        for one in told:
            kind = {"error": "error", "warning": "warning"}.get(one.severity, "notice")
            yield f"::{kind} file={_property(policy)},title={_property(name)}::{_data(one.text)}"
        if verdict and not told:
            yield f"::notice file={_property(policy)},title={_property(name)}::parity passes"


def latency_commands(latencies: Sequence[Gated], policy: str) -> Iterator[str]:
    """The same of latencies; what could not be decided is a warning."""
    kinds = {"fail": "error", "inconclusive": "warning", "pass": "notice"}
    for one in latencies:
        name = gated.name(one)
        place = f"file={_property(policy)},title={_property(name)}"
        yield f"::{kinds[one.outcome]} {place}::{_data(gated.sentence(one))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
