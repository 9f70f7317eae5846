"""The webhook configurations: who is asked, about what, and when not."""

from typing import Any

import pytest

from nginx_operator.api import names
from tests.chart.rendering import NAMESPACE, Object, Rendering

CONFIGURATIONS = {
    "MutatingWebhookConfiguration": (names.MUTATING_WEBHOOK, "/mutate", ["nginxes"]),
    "ValidatingWebhookConfiguration": (names.VALIDATING_WEBHOOK, "/validate", ["nginxes", "nginxes/scale"]),
}
each_kind = pytest.mark.parametrize("kind", CONFIGURATIONS)


def entry(rendered: Rendering, kind: str) -> Object:
    """The entry of namespaces that are of no class."""
    (configuration,) = rendered.of_kind(kind)
    found = configuration["webhooks"][-1]
    assert isinstance(found, dict)
    return found


@each_kind
def test_the_entry(kind: str, default: Rendering) -> None:
    name, path, resources = CONFIGURATIONS[kind]
    found = entry(default, kind)
    conditions = found.pop("matchConditions")

    assert len(conditions) == 2
    assert found == {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {
            "service": {"name": "nginx-operator-webhooks", "namespace": NAMESPACE, "path": path, "port": 443}
        },
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "rules": [
            {
                "apiGroups": [names.GROUP],
                "apiVersions": [names.VERSION],
                "operations": ["CREATE", "UPDATE"],
                "resources": resources,
                "scope": "Namespaced",
            }
        ],
    }


@each_kind
def test_the_conditions(kind: str, default: Rendering) -> None:
    conditions = {found["name"]: found["expression"] for found in entry(default, kind)["matchConditions"]}

    assert conditions == {
        "not-being-deleted": "!has(object.metadata.deletionTimestamp)",
        "spec-changed": "oldObject == null || !has(object.spec) || !has(oldObject.spec)"
        " || object.spec != oldObject.spec",
    }


@each_kind
def test_it_leads_to_the_service(kind: str, everything: Rendering) -> None:
    target = entry(everything, kind)["clientConfig"]["service"]
    service = everything.one("Service", target["name"])

    assert service["metadata"]["namespace"] == target["namespace"]
    assert [port["port"] for port in service["spec"]["ports"]] == [target["port"]]


@each_kind
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("failurePolicy", "Ignore"),
        ("timeoutSeconds", 10),
        ("objectSelector", {"matchExpressions": [{"key": "example.com/unchecked", "operator": "DoesNotExist"}]}),
    ],
)
def test_what_values_set(kind: str, field: str, expected: Any, everything: Rendering) -> None:
    assert entry(everything, kind)[field] == expected
