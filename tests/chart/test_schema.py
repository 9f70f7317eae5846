"""Helm refuses wrong values before it renders, and says where. It tells of all of them at once."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nginx_operator.api import images
from tests.support.rendering import HelmError, Render

#: Path -> wrong values. The first of each go into one rendering, the second into the next.
WRONG: dict[str, list[Any]] = {
    "nameOverride": ["Upper", "9th"],
    "fullnameOverride": ["a" * 55, "edge-"],
    "commonLabels": [{"team": 1}, "team=web"],
    "commonAnnotations": [{"team": 1}, "team=web"],
    "global/imageRegistry": ["https://mirror.example.net", 1],
    "global/imagePullSecrets": [[{}], "login"],
    "image/registry": ["https://mirror.example.net", 1],
    "image/tag": ["not a tag", 1.1],
    "image/digest": ["sha256:abc", "a" * 64],
    "image/pullPolicy": ["Sometimes", "always"],
    "image/repository": ["", "nginx-operator/"],
    "imagePullSecrets": [["registry-login"], {"name": "registry-login"}],
    "nginx/image": ["registry.example.com/Team/nginx:1", "nginx:"],
    "nginx/fixedIDs": ["false", 101],
    "log/format": ["xml", "JSON"],
    "log/level": ["trace", 3],
    "crds/keep": ["true", 1],
    "rbac/create": [1, "no"],
    "monitoring/serviceMonitor/interval": [30, "30 s"],
    "monitoring/prometheusRule/disabled": [["NginxOperatorDwn"], "NginxOperatorDown"],
    "monitoring/dashboard/labels": [{"grafana_dashboard": 1}, ["grafana_dashboard"]],
    "extraObjects": [[{}], {"kind": "ConfigMap"}],
    "networkPolicy/apiServer": [["10.0.0.0/8"], []],
    "operator/replicas": [-1, "1"],
    "operator/metricsPort": [80, "8080"],
    "operator/serviceAccount/name": ["Upper", 1],
    "operator/podDisruptionBudget/maxUnavailable": [0, "0%"],
    "operator/podDisruptionBudget/minAvailable": [-1, "100%"],
    "operator/podDisruptionBudget/unhealthyPodEvictionPolicy": ["Always", ""],
    "operator/extraVolumes": [[{"emptyDir": {}}], {}],
    "operator/extraVolumeMounts": [[{"name": "a"}], {}],
    "operator/extraArgs": ["--workers=8", [8]],
    "operator/extraEnv": [[{"value": "x"}], {"TZ": "UTC"}],
    "operator/podAnnotations": [{"a": True}, ["a"]],
    "operator/resources": ["100m", {"request": {"cpu": 1}}],
    "webhooks/resources": [{"limits": {"memory": "banana"}}, {"requests": {"cpu": "1 core"}}],
    "webhooks/enabled": ["yes", 0],
    "webhooks/replicas": [0, 1.5],
    "webhooks/port": [443, 65536],
    "webhooks/healthPort": ["8081", 1023],
    "webhooks/hostNetwork": ["true", 1],
    "webhooks/dnsPolicy": ["Cluster", "None"],
    "webhooks/serviceAccount/annotations": [{"a": 1}, []],
    "webhooks/podDisruptionBudget/maxUnavailable": [-1, "101%"],
    "webhooks/policy/minCount": [-1, "0"],
    "webhooks/policy/maxCount": [100_001, 1.5],
    "webhooks/policy/defaultCount": ["1", True],
    "webhooks/policy/namespaces": [{"Shop": {}}, ["shop"]],
    "webhooks/failurePolicy": ["Warn", "fail"],
    "webhooks/timeoutSeconds": [0, 31],
    "webhooks/preStopSleepSeconds": [-1, "5s"],
    "webhooks/terminationGracePeriodSeconds": [0, "30s"],
    "webhooks/certs/mode": ["manual", "Auto"],
    "webhooks/certs/existingSecret": ["Upper", 1],
    "webhooks/certs/issuerRef": [{"kind": "ClusterIssuer"}, "company"],
    "webhooks/certs/minTLSVersion": ["VersionTLS11", 1.2],
    "webhooks/clientCertificates/caSecret": ["a/b", True],
    "webhooks/clientCertificates/allowedNames": ["kube-apiserver", [""]],
    "webhooks/tolerations": [{}, ["all"]],
    "webhooks/namespaceSelector": [{"labels": {}}, "a=b"],
}
UNKNOWN = [
    "replicas",
    "image/name",
    "monitoring/enabled",
    "monitoring/serviceMonitor/endpoints",
    "operator/podDisruptionBudget/minUnavailable",
    "webhooks/serviceAccount/automount",
    "log/colour",
    "nginx/tag",
    "crds/install",
    "rbac/enabled",
    "operator/replicaCount",
    "webhooks/targetPort",
    "webhooks/policy/maximum",
    "webhooks/certs/caBundle",
    "webhooks/clientCertificates/enabled",
]
NEEDED = [
    "image/repository",
    "nginx/image",
    "nginx/fixedIDs",
    "log/format",
    "operator/replicas",
    "operator/podDisruptionBudget/maxUnavailable",
    "webhooks/port",
    "monitoring/dashboard/enabled",
    "webhooks/policy/maxCount",
    "webhooks/failurePolicy",
    "webhooks/certs/mode",
    "webhooks/certs/minTLSVersion",
]
NOT_NEEDED = [
    "imagePullSecrets",
    "commonLabels",
    "commonAnnotations",
    "global/imageRegistry",
    "global/imagePullSecrets",
    "image/registry",
    "monitoring/serviceMonitor/labels",
    "monitoring/serviceMonitor/interval",
    "monitoring/prometheusRule/labels",
    "monitoring/prometheusRule/alertLabels",
    "monitoring/prometheusRule/disabled",
    "monitoring/dashboard/labels",
    "extraObjects",
    "podSecurityContext",
    "securityContext",
    "crds/annotations",
    "image/tag",
    "image/digest",
    "nameOverride",
    "fullnameOverride",
    "webhooks/namespaceSelector",
    "webhooks/objectSelector",
    "webhooks/certs/existingSecret",
    "webhooks/certs/issuerRef",
    "webhooks/clientCertificates/caSecret",
    "webhooks/clientCertificates/allowedNames",
    *(
        f"{component}/{key}"
        for component in ("operator", "webhooks")
        for key in (
            *("resources", "podLabels", "podAnnotations", "nodeSelector", "tolerations", "affinity"),
            *("topologySpreadConstraints", "priorityClassName", "extraArgs", "extraEnv", "extraVolumes"),
            *("extraVolumeMounts", "deploymentAnnotations", "serviceAccount/name", "serviceAccount/annotations"),
        )
    ),
]


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """{"a": {"b": value}} of {"a/b": value}."""
    result: dict[str, Any] = {}
    for path, value in values.items():
        *parents, key = path.split("/")
        at = result
        for parent in parents:
            at = at.setdefault(parent, {})
        at[key] = value
    return result


def refusal(render: Render, values: Mapping[str, Any]) -> list[str]:
    """The lines in which Helm says what is wrong."""
    with pytest.raises(HelmError) as refused:
        render(nested(values))
    return str(refused.value).splitlines()


def nulls(value: Any, at: str = "") -> Iterator[str]:
    """Paths of what is null."""
    if value is None:
        yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nulls(inner, f"{at}/{key}")


@pytest.mark.parametrize("turn", [0, 1])
def test_wrong_values_are_refused_by_their_paths(turn: int, render: Render) -> None:
    said = refusal(render, {path: values[turn] for path, values in WRONG.items()})

    for path in WRONG:
        # What is wrong inside of a value is named by the path of the inside.
        assert any(f"at '/{path}'" in line or f"at '/{path}/" in line for line in said), path
    # One line for each, below those of their parents: anyOf would add what each alternative wants.
    found = [line for line in said if "at '" in line and not line.endswith("validation failed")]
    assert len(found) == len(WRONG), [line for line in found if " failed" in line]


def test_unknown_keys_are_refused_by_their_paths(render: Render) -> None:
    said = refusal(render, {path: {} for path in UNKNOWN})

    for path in UNKNOWN:
        parent, _, key = f"/{path}".rpartition("/")
        assert any(f"at '{parent}': additional properties '{key}' not allowed" in line for line in said), path


def test_what_is_needed_cannot_be_taken_away(render: Render) -> None:
    said = refusal(render, dict.fromkeys(NEEDED))

    for path in NEEDED:
        parent, _, key = f"/{path}".rpartition("/")
        assert any(f"at '{parent}': missing propert" in line and f"'{key}'" in line for line in said), path


def test_what_is_not_needed_can_be_taken_away(render: Render) -> None:
    rendered = render(nested(dict.fromkeys(NOT_NEEDED)))

    for found in rendered.objects:
        assert list(nulls(found)) == []


def test_an_umbrella_chart_may_add_its_own(render: Render) -> None:
    umbrella = {"global": {"any": [1], "image": {"registry": "x"}}, "enabled": True}

    assert render(umbrella).text == render({}).text


def test_the_default_image_is_one_that_the_webhooks_take(schema: dict[str, Any]) -> None:
    assert schema["properties"]["nginx"]["properties"]["image"]["pattern"] == f"^{images.PATTERN}$"
