"""
What is not tested for want of a program is said loudly, with the one command that installs it.

A test that skips itself names that command in its reason. Where everything has to be tested, as in
CI, $ATTNBENCH_TEST_EVERYTHING makes such a skip a failure. Tests on emulated machines, which take
seconds to boot, share them: with `--dist loadscope` all of them go to one process. What is long and
runs with `-m full`, is handed out by model, so that all formats of one share PyTorch's answers.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]

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


class SharedMachines(LoadScopeScheduling):
    """Hands out tests by module or class, but all that run on emulated machines to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return EMULATED if _is_emulated(file) else super()._split_scope(nodeid)


class SharedAnswers(LoadScopeScheduling):
    """Hands out tests by all of their parameters but the last, which is the format."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.rpartition("-")[0]


@cache
def _is_emulated(file: str) -> bool:
    # The scheduler knows names only, not marks.
    return f"mark.{EMULATED}" in (ROOT / file).read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadscope":
        return None
    return (SharedAnswers if config.getvalue("markexpr") == "full" else SharedMachines)(config, log)


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
