"""
What is not tested for want of a program is said loudly, with the one command that installs it.

A test that skips itself names that command in its reason. Where everything has to be tested, as in
CI, $ATTNBENCH_TEST_EVERYTHING makes such a skip a failure. Tests on emulated machines, which take
seconds to boot, share them: `--dist loadgroup` gives all of them to one process.
"""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest

EVERYTHING = "ATTNBENCH_TEST_EVERYTHING"
EMULATED = "emulated"

_COMMAND = "apt-get install --no-install-recommends"
_INSTALL = re.compile(r"apt-get install (?:--no-install-recommends )?([a-z0-9][a-z0-9.+ -]*)")


def packages(reason: str) -> list[str]:
    """What would have to be installed; [] for a reason of another kind."""
    found = _INSTALL.search(reason)
    return found[1].split() if found else []


def pytest_configure(config):
    config.addinivalue_line("markers", f"{EMULATED}: runs on a machine in qemu, which is shared")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        scope = item.nodeid.rpartition("::")[0].rpartition("/")[2]
        group = EMULATED if item.get_closest_marker(EMULATED) else scope
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    if report.skipped and EVERYTHING in os.environ and packages(_reason(report)):
        report.outcome, report.longrepr = "failed", f"not tested: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(_reason(report) for report in skipped if packages(_reason(report)))
    if not reasons:
        return
    terminalreporter.section("NOT TESTED HERE", sep="!", red=True, bold=True)
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count} {'test' if count == 1 else 'tests'}: {reason}")
    wanted = sorted({package for reason in reasons for package in packages(reason)})
    terminalreporter.line(f"all of it: {_COMMAND} {' '.join(wanted)}", bold=True)


def _reason(report) -> str:
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")
