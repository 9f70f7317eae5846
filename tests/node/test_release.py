"""What a platform engineer sees of an install and an uninstall, by each Helm."""

from typing import get_args

import pytest

from tests.namespaces import fresh, serving
from tests.node.release import CRD, Helm, Release


@pytest.mark.parametrize("helm", get_args(Helm))
def test_install_serves_at_once_and_uninstall_leaves_what_runs(release: Release, helm: Helm) -> None:
    release.install(helm)
    with fresh(release.bed) as namespace:
        # The very first requests after `helm install --wait`: admission works, or they would fail or be stored.
        assert "spec.count: 101 is more than" in namespace.apply({"count": 101}, check=False).stderr
        namespace.apply({"count": 2})
        namespace.wait("nginx", serving(2))
        before = namespace.list("pod")
        for component in ("operator", "webhooks"):
            for pod in release.pods(component):
                assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]

        release.uninstall(helm)
        assert release.objects() == []
        assert release.bed.kubectl("get", "crd", CRD, "-o", "name").stdout  # with every Nginx: crds.keep
        after = namespace.list("pod")
        assert [pod["metadata"]["uid"] for pod in after] == [pod["metadata"]["uid"] for pod in before]
        namespace.kubectl("delete", "nginx", "web")  # and nothing holds it
        namespace.wait_gone("deployment")
    release.remove_rest()
