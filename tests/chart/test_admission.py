"""The webhook configurations: who is asked, about what, and when not."""

from typing import Any

import pytest

from nginx_operator.api import names
from tests.support.rendering import NAMESPACE, Object, Render, Rendering

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
        "not-being-deleted": "oldObject == null || !has(oldObject.metadata.deletionTimestamp)",
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
    ],
)
def test_what_values_set(kind: str, field: str, expected: Any, everything: Rendering) -> None:
    assert entry(everything, kind)[field] == expected


def test_an_object_selector_holds_for_nginx_and_lets_no_scale_pass_by(render: Render) -> None:
    """A Scale has no labels: the API server would match it with no selector, so the validating entries ask in CEL."""
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["d", "e"]},
            {"key": "f", "operator": "NotIn", "values": ["g"]},
            {"key": "h", "operator": "Exists"},
            {"key": "i", "operator": "DoesNotExist"},
        ],
    }
    rendered = render({"webhooks": {"objectSelector": selector}})
    for mutating in rendered.one("MutatingWebhookConfiguration", "nginx-operator")["webhooks"]:
        assert mutating["objectSelector"] == selector
        assert [found["name"] for found in mutating["matchConditions"]] == ["not-being-deleted", "spec-changed"]
    for validating in rendered.one("ValidatingWebhookConfiguration", "nginx-operator")["webhooks"]:
        assert "objectSelector" not in validating
        assert validating["matchConditions"][0] == {
            "name": "selected",
            "expression": "request.?subResource.orValue('') == 'scale'"
            " || [object, oldObject].exists(found, found != null"
            ' && ["b"].exists(value, found.metadata.?labels[?"a"] == optional.of(value))'
            ' && ["d","e"].exists(value, found.metadata.?labels[?"c"] == optional.of(value))'
            ' && !["g"].exists(value, found.metadata.?labels[?"f"] == optional.of(value))'
            ' && found.metadata.?labels[?"h"].hasValue() && !found.metadata.?labels[?"i"].hasValue())',
        }
