"""What a change of a spec makes the cluster do, beside what it must. `make bench-changes` has the whole table."""

import time
from typing import Any

import pytest

from bench.audit import Audit, Requests
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, serving

#: What the deployment controller notes for itself of each change of the number of pods.
SIZES = {"deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"}
OURS = "nginx-operator"
#: Seconds without a request after which nobody has anything left to do: longer than a status waits for more news.
QUIET = 3.0


@pytest.fixture
def web(namespace: Namespace) -> Namespace:
    """A namespace with an Nginx of 3 for which nobody has anything left to do."""
    audit = Audit(namespace.bed.audit_log)
    namespace.apply({"count": 3})
    namespace.wait("nginx", serving(3))
    at_rest(namespace, audit)
    return namespace


def at_rest(namespace: Namespace, audit: Audit) -> Requests:
    """Waits until nobody has asked for anything in the namespace for a while; returns everybody's requests."""
    found, since = audit.everybody(namespace.name), time.monotonic()

    def silent() -> bool:
        nonlocal found, since
        before, found = found, audit.everybody(namespace.name)
        if found != before:
            since = time.monotonic()
        return time.monotonic() - since >= QUIET

    until(silent, seconds=PATIENCE, what="rest")
    return found


def change(namespace: Namespace, spec: dict[str, Any]) -> Requests:
    """Everybody's requests for a change of the spec; `kubectl apply` is one of them."""
    audit = Audit(namespace.bed.audit_log)
    namespace.apply(spec)
    namespace.wait("nginx", serving(spec["count"]))
    return at_rest(namespace, audit)


def annotations(namespace: Namespace) -> dict[str, str]:
    (replicaset,) = namespace.list("replicaset")
    found: dict[str, str] = replicaset["metadata"]["annotations"]
    return found


def test_another_count_changes_the_replicaset_once_and_no_annotation_of_ours(web: Namespace) -> None:
    before = annotations(web)
    found = change(web, {"count": 4})
    assert found["deployment-controller", "update replicasets"] == 1
    assert not found["deployment-controller", "update replicasets, answered 409"]
    assert found[OURS, "patch deployments"] == 1
    after = annotations(web)
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == SIZES


@pytest.mark.parametrize("spec", [{"service": {"port": 81}}, {"service": {"labels": {"a": "b"}}}, {"paused": True}])
def test_what_concerns_no_pod_leaves_the_deployment_alone(web: Namespace, spec: dict[str, Any]) -> None:
    found = change(web, {"count": 3, **spec})
    assert not [key for key in found if key[0] in ("deployment-controller", "replicaset-controller")]
    assert not found[OURS, "patch deployments"]
    assert found[OURS, "patch services"] == ("service" in spec)
