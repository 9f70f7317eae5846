"""What a platform engineer sees of an install and an uninstall, by each Helm."""

from collections.abc import Iterator
from typing import get_args

import pytest

from tests.namespaces import fresh, serving
from tests.node.release import CRD, Helm, Release
from tests.testbed.waiting import PATIENCE, until


@pytest.fixture
def clean(release: Release) -> Iterator[Release]:
    """The release before its first install; what a test leaves is removed."""
    yield release
    release.remove_rest()


@pytest.mark.parametrize("helm", get_args(Helm))
def test_install_serves_at_once_and_uninstall_leaves_what_runs(clean: Release, helm: Helm) -> None:
    clean.install(helm)
    with fresh(clean.bed) as namespace:
        # The very first requests after `helm install --wait`: admission works, or they would fail or be stored.
        assert "spec.count: 101 is more than" in namespace.apply({"count": 101}, check=False).stderr
        namespace.apply({"count": 2})
        namespace.wait("nginx", serving(2))
        before = namespace.list("pod")
        for component in ("operator", "webhooks"):
            for pod in clean.pods(component):
                assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]

        clean.uninstall(helm)
        until(lambda: clean.objects() == [], seconds=PATIENCE, what="an empty namespace")
        assert clean.bed.kubectl("get", "crd", CRD, "-o", "name").stdout  # with every Nginx: crds.keep
        after = namespace.list("pod")
        assert [pod["metadata"]["uid"] for pod in after] == [pod["metadata"]["uid"] for pod in before]
        namespace.kubectl("delete", "nginx", "web")  # and nothing holds it
        namespace.wait_gone("deployment")
