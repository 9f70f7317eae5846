"""What a schema cannot say is refused with one sentence."""

import re
from typing import Any

import pytest

from tests.support.rendering import (
    CERT_MANAGER,
    CHART,
    KUBE_VERSION,
    MONITORING,
    NAMESPACE,
    RELEASE,
    HelmError,
    Render,
    template,
)
from tests.support.rendering import helm as helm_


def gold(**more: Any) -> dict[str, Any]:
    return {"name": "gold", "selector": {"key": "tier", "operator": "In", "values": ["gold"]}, **more}


@pytest.mark.parametrize(
    ("webhooks", "sentence"),
    [
        (
            {"policy": {"minCount": 5, "defaultCount": 5, "maxCount": 4}},
            "webhooks.policy.minCount 5 is greater than webhooks.policy.maxCount 4: lower the one",
        ),
        (
            {"policy": {"minCount": 2, "defaultCount": 1}},
            "webhooks.policy.defaultCount 1 must be from minCount 2 to maxCount 100.",
        ),
        (
            {"policy": {"defaultCount": 100000, "maxCount": 99999}},
            "webhooks.policy.defaultCount 100000 must be from minCount 0 to maxCount 99999.",
        ),
        (
            {"policy": {"namespaces": {"shop": {"minCount": 2}}}},
            "webhooks.policy.namespaces.shop.defaultCount 1 must be from minCount 2 to maxCount 100.",
        ),
        (
            {"policy": {"minCount": 1, "namespaces": {"shop": {"maxCount": 0}}}},
            "webhooks.policy.namespaces.shop.minCount 1 is greater than webhooks.policy.namespaces.shop.maxCount 0:",
        ),
        (
            {"policy": {"classes": [gold(minCount=2)]}},
            "webhooks.policy.classes[gold].defaultCount 1 must be from minCount 2 to maxCount 100.",
        ),
        (
            {"policy": {"minCount": 1, "classes": [gold(maxCount=0)]}},
            "webhooks.policy.classes[gold].minCount 1 is greater than webhooks.policy.classes[gold].maxCount 0:",
        ),
        (
            {"replicas": 2, "podDisruptionBudget": {"minAvailable": 2}},
            "webhooks.podDisruptionBudget.minAvailable 2 keeps all 2 replicas, so that no node",
        ),
        (
            {"replicas": 3, "podDisruptionBudget": {"minAvailable": "67%"}},
            "webhooks.podDisruptionBudget.minAvailable 67% keeps all 3 replicas, so that no node",
        ),
        ({"policy": {"classes": [gold(), gold()]}}, "webhooks.policy.classes has two classes gold: rename"),
        (
            {"policy": {"classes": [gold(selector={"key": "tier", "operator": "In"})]}},
            "webhooks.policy.classes[gold].selector: operator In takes at least one of values.",
        ),
        (
            {"policy": {"classes": [gold(selector={"key": "tier", "operator": "Exists", "values": ["a"]})]}},
            "webhooks.policy.classes[gold].selector: operator Exists takes no values.",
        ),
        # The operator reads the policy too.
        (
            {"enabled": False, "policy": {"maxCount": 0}},
            "webhooks.policy.defaultCount 1 must be from minCount 0 to maxCount 0.",
        ),
        (
            {"preStopSleepSeconds": 30},
            "webhooks.preStopSleepSeconds 30 must be less than webhooks.terminationGracePeriodSeconds 30, "
            "or pods are killed while they serve.",
        ),
        (
            {"port": 8081},
            "webhooks.port and webhooks.healthPort are both 8081: choose two different ports.",
        ),
        (
            {"hostNetwork": True},
            "webhooks.hostNetwork is true and webhooks.port is 10250, which is the kubelet's on every node: choose",
        ),
        (
            {"serviceAccount": {"name": "nginx-operator"}},
            "operator.serviceAccount and webhooks.serviceAccount are both nginx-operator: each needs its own",
        ),
        (
            {"certs": {"mode": "existingSecret"}},
            "webhooks.certs.mode is existingSecret: webhooks.certs.existingSecret must name the Secret",
        ),
        (
            {"certs": {"existingSecret": "company-tls"}},
            "webhooks.certs.existingSecret is set, but webhooks.certs.mode is auto: only mode existingSecret reads it.",
        ),
        (
            {"certs": {"mode": "existingSecret", "existingSecret": "a", "issuerRef": {"name": "b"}}},
            "webhooks.certs.issuerRef is set, but webhooks.certs.mode is existingSecret: only mode certManager",
        ),
        (
            {"clientCertificates": {"caSecret": "a"}},
            "webhooks.clientCertificates.caSecret and webhooks.clientCertificates.allowedNames belong together",
        ),
        (
            {"clientCertificates": {"allowedNames": ["a"]}},
            "webhooks.clientCertificates.caSecret and webhooks.clientCertificates.allowedNames belong together",
        ),
    ],
)
def test_values_that_contradict_each_other(webhooks: dict[str, Any], sentence: str, render: Render) -> None:
    with pytest.raises(HelmError) as refused:
        render({"webhooks": webhooks})
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "webhooks",
    [
        {"policy": {"minCount": 3, "defaultCount": 3, "maxCount": 3}},
        {"replicas": 3, "podDisruptionBudget": {"minAvailable": "66%"}},
        {"replicas": 2, "podDisruptionBudget": {"minAvailable": 1}},
        {"replicas": 1, "podDisruptionBudget": {"minAvailable": 1}},
        {"policy": {"minCount": 0, "defaultCount": 0, "maxCount": 0}},
        {"policy": {"minCount": 1, "namespaces": {"shop": {"minCount": 0, "defaultCount": 0, "maxCount": 0}}}},
        {"preStopSleepSeconds": 29},
        {"enabled": False, "certs": {"mode": "existingSecret"}},
    ],
)
def test_the_edge_of_what_is_allowed(webhooks: dict[str, Any], render: Render) -> None:
    assert render({"webhooks": webhooks}).objects


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_cert_manager_must_be_there_before(program: str, request: pytest.FixtureRequest) -> None:
    command = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, KUBE_VERSION]
    command += ["--set", "webhooks.certs.mode=certManager"]
    with pytest.raises(HelmError, match=r"no API cert-manager\.io/v1: install cert-manager first, or use mode auto"):
        helm_(request.getfixturevalue(program), *command)
    assert helm_(request.getfixturevalue(program), *command, CERT_MANAGER)


@pytest.mark.parametrize("name", ["serviceMonitor", "prometheusRule"])
@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_the_prometheus_operator_must_be_there_before(program: str, name: str, request: pytest.FixtureRequest) -> None:
    command = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, KUBE_VERSION]
    command += ["--set", f"monitoring.{name}.enabled=true"]
    with pytest.raises(HelmError, match=rf"monitoring\.{name}\.enabled is true, but the cluster has no API monitoring"):
        helm_(request.getfixturevalue(program), *command)
    assert helm_(request.getfixturevalue(program), *command, MONITORING)


def test_kube_system_is_refused(helm: str) -> None:
    with pytest.raises(HelmError, match="namespace of its own, not kube-system"):
        template(helm, {}, namespace="kube-system")


def test_every_refusal_is_in_the_list_of_guards() -> None:
    files = [path for path in (CHART / "templates").rglob("*") if path.is_file()]
    refusing = {file.name for file in files if re.search(r"{{-? *fail ", file.read_text())}
    assert refusing == {"guards.yaml", "_lookups.tpl"}
    guards = (CHART / "templates" / "guards.yaml").read_text()
    asking = re.findall(r'define "(nginx-operator\.guards\.\w+)"', (CHART / "templates" / "_lookups.tpl").read_text())
    assert {name for name in asking if f'include "{name}" .' not in guards} == {
        "nginx-operator.guards.sharedNamespaces"
    }
