"""The product as users have it: the chart installed by Helm, its images run by a real kubelet."""

from collections.abc import Iterator

import pytest

from tests.beds import bed_of_a_level, shown
from tests.node.release import Release
from tests.testbed import Bed, images


@pytest.fixture(scope="package")
def node(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real cluster of one node, with our image and nginx's loaded."""
    with bed_of_a_level(request, "test-node", "node") as bed:
        with shown(request) as progress:
            for image in (images.nginx(progress), images.operator(progress=progress)):
                bed.load_image(image.archive)
        yield bed


@pytest.fixture(scope="package")
def release(node: Bed) -> Release:
    """The release, not installed: each module installs it in its own way."""
    return Release(node)
