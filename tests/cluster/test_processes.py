"""The programs at their edges: what is missing at start, who leads, how they end."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.namespaces import Namespace
from tests.support.product import NAMESPACE, Product, Program


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    """Programs that a test starts; they end with it."""
    started: list[Program] = []
    yield started
    for program in started:
        program.stop(signal.SIGKILL)


def test_a_missing_permission_is_named_and_waited_for(product: Product, programs: list[Program]) -> None:
    product.bed.kubectl("create", "serviceaccount", "nobody", "-n", NAMESPACE)
    operator = product.operator(port=18090, name="no-rights", KUBECONFIG=str(product.kubeconfig("nobody")))
    programs.append(operator)
    line = operator.wait_log("missing permission")
    assert 'cannot list resource "nginxes" in API group "proxy.example.com"' in line
    assert operator.get("/readyz") == 503
    product.bed.kubectl(
        "create", "clusterrolebinding", "nobody", "--clusterrole=cluster-admin", f"--serviceaccount={NAMESPACE}:nobody"
    )
    operator.wait_log("found")
    product.bed.kubectl("delete", "clusterrolebinding", "nobody")
    product.bed.kubectl("delete", "serviceaccount", "nobody", "-n", NAMESPACE)


def test_an_unreachable_api_server_is_named_and_waited_for(
    product: Product, programs: list[Program], tmp_path: Path
) -> None:
    away = tmp_path / "away.kubeconfig"
    away.write_text(product.bed.inside_kubeconfig.read_text().replace(":6443", ":9"))
    operator = product.operator(port=18091, name="away", module=("tests.support.impatient",), KUBECONFIG=str(away))
    programs.append(operator)
    assert "cannot reach the API server https://127.0.0.1:9" in operator.wait_log("cannot reach")
    assert operator.get("/readyz") == 503
    assert operator.get("/healthz") == 200  # whoever waits is not to be killed, however long
    assert operator.stop() == 0


def test_no_kubeconfig_is_an_error_at_once(product: Product, programs: list[Program], tmp_path: Path) -> None:
    operator = product.operator(port=18092, name="none", KUBECONFIG=str(tmp_path / "none"), HOME=str(tmp_path))
    programs.append(operator)
    assert operator.process.wait(60) == 1
    assert "no usable kubeconfig" in operator.text()


def test_a_contradictory_policy_is_an_error_at_once(product: Product, programs: list[Program], tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("minCount: 5\nmaxCount: 3\n")
    operator = product.operator("--policy-file", str(policy), port=18093, name="policy")
    programs.append(operator)
    assert operator.process.wait(60) == 1
    assert "minCount 5 is greater than maxCount 3" in operator.text()


def test_a_standby_takes_over(namespace: Namespace, running: Product, programs: list[Program]) -> None:
    first = running.operator(port=18094, name="first")
    programs.append(first)
    first.wait_log("leading: first")
    second = running.operator(port=18095, name="second")
    programs.append(second)
    second.wait_log("standing by: first holds")
    second.wait_ready()
    assert first.stop() == 0
    assert "released Lease" in first.text()
    second.wait_log("leading: second")


def test_namespaced_operation_leaves_others_alone(
    namespace: Namespace, running: Product, programs: list[Program]
) -> None:
    operator = running.operator("--namespace", namespace.name, "--no-leader-election", port=18096, name="namespaced")
    programs.append(operator)
    operator.wait_ready()
    assert operator.get("/metrics") == 200
    assert operator.get("/healthz") == 200
    assert operator.stop() == 0
