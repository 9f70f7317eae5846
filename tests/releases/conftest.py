"""A control plane of its own: what is installed here differs from test to test, its roles included."""

from collections.abc import Iterator

import pytest

from testbed import Bed
from tests.support.beds import bed_of_a_level


@pytest.fixture(scope="package")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real control plane with two of kwok's fake nodes."""
    with bed_of_a_level(request, "test-releases", "control-plane", kwok_nodes=2) as bed:
        yield bed
