"""What all levels share: the closing report, an orderly end, and a way to show figures."""

import signal
import sys

import pytest

from tests.support.report import LevelReport, Report


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LevelReport(), "level-report")
    # A terminated run takes its beds down, as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Shows a figure."""

    def show(figure: str) -> None:
        with capsys.disabled():
            sys.stderr.write(f"\n  {figure}\n")

    return show
