"""Verdicts as JUnit XML, which every CI system shows."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from attnbench.records import Case, Gated, Verdict
from attnbench.report import divergence, gated
from attnbench.report.margins import margin


def render(verdicts: Sequence[Verdict], latencies: Sequence[Gated] = ()) -> str:
    """
    One test suite an artifact, one test case an input and metric; one suite of latencies.

    Where parity is blind, a test of what it can see was skipped.
    """
    root = Xml.Element("testsuites", name="attnbench parity")
    for verdict in verdicts:
        failed = sum(not case.passed for case in verdict.cases)
        name = f"{verdict.artifact.recipe.name} {verdict.artifact.backend}"
        suite = Xml.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(verdict.cases) + len(verdict.blind)),
            failures=str(failed),
            skipped=str(len(verdict.blind)),
        )
        for case in verdict.cases:
            _add(suite, name, case)
        for text in verdict.blind:
            test = Xml.SubElement(suite, "testcase", classname=name, name="what parity can see")
            Xml.SubElement(test, "skipped", message=f"blind: {text}")
        found = verdict.divergence
        told = [*verdict.notes, *([] if found is None else [divergence.told(found)])]
        if told:
            Xml.SubElement(suite, "system-out").text = "\n".join(told)
    if latencies:
        _add_latencies(root, latencies)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: Xml.Element, name: str, case: Case) -> None:
    test = Xml.SubElement(suite, "testcase", classname=name, name=f"{case.input}: {case.metric}")
    if not case.passed:
        shown = margin(case)
        most = "at most" if case.better == "lower" else "at least"
        message = f"{case.metric} is {shown.value}, must be {most} {shown.limit}"
        Xml.SubElement(test, "failure", message=message)


def _add_latencies(root: Xml.Element, latencies: Sequence[Gated]) -> None:
    """What could not be decided was skipped, in the words of JUnit."""
    outcomes = [one.outcome for one in latencies]
    suite = Xml.SubElement(
        root,
        "testsuite",
        name="latency",
        tests=str(len(latencies)),
        failures=str(outcomes.count("fail")),
        skipped=str(outcomes.count("inconclusive")),
    )
    for one in latencies:
        name = gated.name(one)
        test = Xml.SubElement(suite, "testcase", classname="latency", name=name)
        if not one:
            kind = "failure" if one.outcome == "fail" else "skipped"
            Xml.SubElement(test, kind, message=gated.sentence(one))
