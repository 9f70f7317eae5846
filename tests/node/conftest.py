"""The product as users have it: the chart installed by Helm, its images run by a real kubelet."""

import pytest

from tests.node.release import Release
from tests.testbed import Bed


@pytest.fixture(scope="session")
def release(node: Bed) -> Release:
    """The release, not installed: each module installs it in its own way."""
    return Release(node)
