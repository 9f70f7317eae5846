"""The product as users have it: the chart installed by Helm, its images run by a real kubelet."""

from collections.abc import Iterator

import pytest

from testbed import Bed, images, nginximages
from tests.support.beds import bed_of_a_level
from tests.support.namespaces import Namespace, fresh
from tests.support.node.release import Release


@pytest.fixture(scope="package")
def node(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real cluster of one node, with our image and nginx's loaded."""
    made = (nginximages.build, lambda progress: images.operator(progress=progress))
    with bed_of_a_level(request, "test-node", "node", images=made) as bed:
        yield bed


@pytest.fixture(scope="package")
def release(node: Bed) -> Release:
    """The release, not installed: each module installs it in its own way."""
    return Release(node)


@pytest.fixture(scope="module")
def installed(release: Release) -> Iterator[Release]:
    """The release, installed by Helm 4."""
    release.install()
    yield release
    release.uninstall()
    release.remove_definition()


@pytest.fixture
def namespace(installed: Release) -> Iterator[Namespace]:
    """A fresh namespace that enforces PodSecurity `restricted`."""
    with fresh(installed.bed) as namespace:
        yield namespace
