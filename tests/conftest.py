"""Fixtures that bring clusters up once a session, and a report of how long each level of tests took."""

import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.testbed import Bed, Level, Progress, images, missing_for

LEVELS = {
    "tests/unit": "unit",
    "tests/demo": "unit",
    "tests/chart": "chart",
    "tests/cluster": "cluster",
    "tests/node": "node",
}


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real control plane with two of kwok's fake nodes: pods become Ready without running."""
    with _bed(request, "test-cp", "control-plane", kwok_nodes=2) as bed:
        yield bed


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real cluster of one node, with our image and nginx's loaded."""
    with _bed(request, "test-node", "node") as bed:
        with _shown(request) as progress:
            for image in (images.nginx(progress), images.operator(progress=progress)):
                bed.load_image(image.archive)
        yield bed


@contextmanager
def _bed(request: pytest.FixtureRequest, name: str, level: Level, kwok_nodes: int = 0) -> Iterator[Bed]:
    """A bed for the session. It is taken down at the end whatever happened, unless KEEP_BED=1."""
    if sentence := missing_for(level):
        pytest.skip(sentence)
    bed = Bed(name, level=level, kwok_nodes=kwok_nodes)
    try:
        with _shown(request) as progress:
            bed.up(progress)
        yield bed
    finally:
        if os.environ.get("KEEP_BED") != "1":
            bed.down()


@contextmanager
def _shown(request: pytest.FixtureRequest) -> Iterator[Progress]:
    """A progress that is seen in spite of pytest: what is made for the first time takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        yield Progress(sys.stderr)


# --- the report -------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LevelReport(), "level-report")
    # A terminated run takes its beds down, as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


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
