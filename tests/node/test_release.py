"""What a platform engineer sees of an install, `helm test`, an uninstall and an install anew, by each Helm."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

import pytest

from testbed.waiting import PATIENCE, until
from tests.support import inventory
from tests.support.campaign import TURNS
from tests.support.lifecycle import OURS
from tests.support.namespaces import Namespace, fresh
from tests.support.node.operands import Operands
from tests.support.node.release import CRD, NAME, Helm, Release


@pytest.fixture
def clean(release: Release) -> Iterator[Release]:
    """The release before its first install; what a test leaves is removed."""
    yield release
    release.remove_definition()


def works_at_once(namespace: Namespace) -> None:
    """The very first requests after Helm has returned: admission works, or they would fail or be stored."""
    refused = namespace.apply({"count": 101}, "first", check=False)
    assert "spec.count: 101 is more than this cluster allows" in refused.stderr, refused.stderr
    namespace.apply({"paused": True}, "second")
    found = namespace.get("nginx", "second")
    assert found is not None
    assert found["spec"]["count"] == 1


@contextmanager
def untouched(operands: Operands) -> Iterator[None]:
    """Every page of theirs is answered within the block, and at its end their pods are the same."""
    with operands.watched() as served:
        yield
    assert (served.pages.failed, served.replaced, served.written) == ([], [], []), served


@pytest.mark.parametrize("helm", get_args(Helm))
@pytest.mark.parametrize("turn", range(TURNS))
def test_what_is_installed_works_and_what_ran_goes_on_after_an_uninstall(turn: int, clean: Release, helm: Helm) -> None:
    clean.make_namespace()
    before = inventory.objects(clean.bed)
    with fresh(clean.bed) as namespace:
        clean.install(helm)
        works_at_once(namespace)
        for component in ("operator", "webhooks"):
            for pod in clean.pods(component):
                assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]
        code, told = clean.test(helm)
        assert code == 0, told
        assert told.count("ok      metrics: ") == 3, told
        assert "ok      admission: " in told

        operands = Operands.make(namespace, 2)
        with untouched(operands):
            clean.uninstall(helm)

            def left() -> set[str]:
                added = inventory.objects(clean.bed) - before
                return {found for found in added if f" {namespace.name}/" not in found}

            kept = {
                f"customresourcedefinitions.apiextensions.k8s.io /{CRD}",
                "apiservices.apiregistration.k8s.io /v1alpha1.proxy.example.com",
                f"namespaces /{namespace.name}",
                *(f"ipaddresses.networking.k8s.io /{address}" for address in operands.addresses()),
            }
            until(lambda: left() == kept, seconds=PATIENCE, what="only the CRD left")
            namespace.kubectl("delete", "nginx", "second")  # and nothing holds it

            clean.install(helm)
            works_at_once(namespace)
        namespace.kubectl("delete", "nginx", operands.names[0])
        namespace.wait_gone("deployment", operands.names[0])
        clean.uninstall(helm)
    until(
        lambda: not {name for name in inventory.objects(clean.bed, OURS) if CRD not in name},
        seconds=PATIENCE,
        what="nothing with our label but the CRD",
    )


def test_helm_test_tells_what_does_not_work_and_leaves_nothing(clean: Release) -> None:
    clean.install()
    clean.kubectl("scale", f"deployment/{NAME}-webhooks", "--replicas=0")
    until(lambda: not clean.pods("webhooks"), seconds=PATIENCE, what="no webhook pods")
    code, told = clean.test()
    assert code != 0
    assert "FAILED  admission: " in told, told
    assert "ok      metrics: " in told
    left = inventory.objects(clean.bed, "app.kubernetes.io/component=check")
    assert left == set()
    clean.uninstall()
