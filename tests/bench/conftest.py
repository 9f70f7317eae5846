"""What benchmarks run on is built before a test of theirs: minutes of Go's are none of the test's time."""

import sys

import pytest

from testbed import Progress, missing_for, tools
from testbed.gobuild import KUBERNETES


@pytest.fixture(scope="session")
def built() -> None:
    """The programs of a control plane, kubectl and Helm. Skips where the machine cannot run them."""
    if sentence := missing_for("control-plane"):
        pytest.skip(sentence)
    progress = Progress(sys.__stderr__)
    tools.programs("control-plane", 2, KUBERNETES, progress)
    tools.folder(progress)
