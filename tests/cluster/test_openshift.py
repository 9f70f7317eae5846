"""Under OpenShift's restricted-v2, imitated: pods with fixed ids are refused, pods without them run."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from testbed.waiting import PATIENCE, until
from tests.support import scc
from tests.support.namespaces import Namespace, serving
from tests.support.product import CHART, NAMESPACE, NO_PODS, RELEASE, Product, Program

Object = dict[str, Any]
IDS = {"runAsUser", "runAsGroup", "fsGroup"}


@pytest.fixture
def restricted(namespace: Namespace) -> Iterator[Namespace]:
    """A namespace under restricted-v2."""
    scc.enforce(namespace.bed)
    try:
        scc.select(namespace)
        yield namespace
    finally:
        scc.remove(namespace.bed)


def set_fixed_ids(product: Product, operator: Program, value: str) -> None:
    """helm upgrade, and the operator has read its policy then."""
    seen = operator.text().count("new policy in force")
    product.install("--set", f"nginx.fixedIDs={value}")
    product.mount_policy()
    until(lambda: operator.text().count("new policy in force") > seen, seconds=PATIENCE, what="the new policy")


def ids(namespace: Namespace) -> set[str]:
    """Which ids the Deployment sets."""
    found = namespace.get("deployment")
    assert found is not None
    context = found["spec"]["template"]["spec"]["securityContext"]
    assert context["runAsNonRoot"]
    return IDS & context.keys()


def test_pods_without_fixed_ids_run_under_restricted_v2(
    running: Product, operator: Program, restricted: Namespace
) -> None:
    restricted.apply({"count": 1})
    refusal = restricted.wait_reason("PodsRefused")["message"]
    assert "must be in the ranges: [1000650000, 1000659999]" in refusal
    assert ids(restricted) == IDS
    try:
        set_fixed_ids(running, operator, "false")
        restricted.wait("nginx", serving(1))
        assert ids(restricted) == set()
    finally:
        set_fixed_ids(running, operator, "true")
    restricted.wait("deployment", lambda _: ids(restricted) == IDS)


def own_pods(product: Product, *options: str) -> list[Object]:
    """A pod of each Deployment of the chart, under the account that every namespace has."""
    rendered = product.bed.helm("template", RELEASE, str(CHART), "-n", NAMESPACE, *NO_PODS, *options).stdout
    specs = [body["spec"]["template"]["spec"] for body in yaml.safe_load_all(rendered) if body["kind"] == "Deployment"]
    return [{"metadata": {"generateName": "own-"}, "spec": {**spec, "serviceAccountName": "default"}} for spec in specs]


def test_the_charts_own_pods_can_leave_their_ids_out(running: Product, restricted: Namespace) -> None:
    options = [word for name in ("runAsUser", "runAsGroup") for word in ("--set", f"podSecurityContext.{name}=null")]
    path = f"/api/v1/namespaces/{restricted.name}/pods?dryRun=All"
    until(
        lambda: restricted.bed.get(f"/api/v1/namespaces/{restricted.name}/serviceaccounts/default"),
        seconds=PATIENCE,
        what="the default account",
    )
    for pod in own_pods(running):
        code, answer = running.bed.request("POST", path, pod)
        assert (code, "must be in the ranges" in answer["message"]) == (422, True), answer
    for pod in own_pods(running, *options):
        code, answer = running.bed.request("POST", path, pod)
        assert code == 201, answer
