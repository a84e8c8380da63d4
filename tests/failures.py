"""A failure is told when it happens: a run that is stopped from outside prints no summary."""

from __future__ import annotations

import pytest


class Failures:
    """Prints one line for each, among the dots."""

    def __init__(self, terminal) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = crash.message if crash else str(report.longrepr)
            line = next(iter(reason.splitlines()), "no reason given")
            self._terminal.write_line(f"\n{report.nodeid} ({report.when}): {line}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if terminal := config.pluginmanager.get_plugin("terminalreporter"):
        config.pluginmanager.register(Failures(terminal))
