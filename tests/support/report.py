"""The closing report of a run: seconds by level, and what was skipped; and a way to show figures."""

import os
from collections import defaultdict
from collections.abc import Callable

import pytest

#: Shows a measured figure in spite of pytest's capture. Nothing is asserted about it: machines differ.
Report = Callable[[str], None]

#: The level of each folder, in the order in which the levels run.
LEVELS = {
    "tests/unit": "unit",
    "tests/demo": "unit",
    "tests/chart": "chart",
    "tests/fuzz": "fuzz",
    "tests/packaging": "package",
    "tests/bench": "bench",
    "tests/node": "node",
    "tests/cluster": "cluster",
    "tests/certificates": "certs",
    "tests/releases": "releases",
    "tests/lifecycle": "life",
    "tests/faults": "faults",
}


class LevelReport:
    """Counts tests and seconds by level, and names what was skipped, before pytest's closing line."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.tests: defaultdict[str, int] = defaultdict(int)
        self.skipped: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the phases of one test: set-up (which includes fixtures, and so a bed's bring-up), call, teardown."""
        level = level_of(report.nodeid)
        self.seconds[level] += report.duration
        self.tests[level] += report.when == "setup"
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped.append((report.nodeid, reason.removeprefix("Skipped: ")))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the report."""
        if self.skipped:
            terminalreporter.section("skipped")
            for nodeid, reason in self.skipped:
                terminalreporter.write_line(f"{nodeid}: {reason}")
        terminalreporter.section("levels")
        if lint := os.environ.get("LINT_SECONDS"):
            terminalreporter.write_line(f"{'lint':8} {int(lint):7.1f} s")
        for level, seconds in self.seconds.items():
            terminalreporter.write_line(f"{level:8} {seconds:7.1f} s  {self.tests[level]} tests")


def level_of(nodeid: str) -> str:
    """The level that a test belongs to, by its folder."""
    return LEVELS.get("/".join(nodeid.split("/")[:2]), "other")
