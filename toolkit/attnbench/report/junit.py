"""Verdicts as JUnit XML, which every CI system shows."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from attnbench.records import Case, Verdict
from attnbench.report import divergence


def render(verdicts: Sequence[Verdict]) -> str:
    """One test suite an artifact, one test case an input and metric."""
    root = Xml.Element("testsuites", name="attnbench parity")
    for verdict in verdicts:
        failed = sum(not case.passed for case in verdict.cases)
        name = f"{verdict.artifact.recipe.name} {verdict.artifact.backend}"
        suite = Xml.SubElement(
            root, "testsuite", name=name, tests=str(len(verdict.cases)), failures=str(failed)
        )
        for case in verdict.cases:
            _add(suite, name, case)
        found = verdict.divergence
        told = [*verdict.notes, *([] if found is None else [divergence.told(found)])]
        if told:
            Xml.SubElement(suite, "system-out").text = "\n".join(told)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: Xml.Element, name: str, case: Case) -> None:
    test = Xml.SubElement(suite, "testcase", classname=name, name=f"{case.input}: {case.metric}")
    if not case.passed:
        value = "not a number" if case.value is None else f"{case.value:.3g}"
        sign = "<=" if case.better == "lower" else ">="
        message = f"{case.metric} is {value} {case.unit}, must be {sign} {case.limit:.3g}"
        Xml.SubElement(test, "failure", message=" ".join(message.split()))
