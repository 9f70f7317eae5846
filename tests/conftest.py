"""What all levels share: the closing report, an orderly end, and a way to show figures."""

import signal
import sys
from collections.abc import Iterator

import pytest

from testbed import Bed
from tests.support.beds import bed_of_a_level
from tests.support.report import LEVELS, LevelReport, Report, level_of


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LevelReport(), "level-report")
    # A terminated run takes its beds down, as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the levels in their order: the cheap ones first, those that share a bed one after the other."""
    order = [*dict.fromkeys(LEVELS.values()), "other"]
    items.sort(key=lambda item: order.index(level_of(item.nodeid)))


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real control plane with two of kwok's fake nodes, where pods become Ready without running.

    All levels without containers share it. Each uninstalls what it has installed.
    """
    with bed_of_a_level(request, "test-cp", "control-plane", kwok_nodes=2) as bed:
        yield bed


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Shows a figure."""

    def show(figure: str) -> None:
        with capsys.disabled():
            sys.stderr.write(f"\n  {figure}\n")

    return show
