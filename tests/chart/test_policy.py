"""The policy in the ConfigMap is what the values say, in the words that both processes read."""

from typing import Any

import pytest
import yaml

from nginx_operator.api.policy import NamespaceClass, Policies, Policy
from nginx_operator.api.selectors import Requirement
from tests.support.rendering import Render

GOLD = {"key": "example.com/tier", "operator": "In", "values": ["gold", "1"]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Policies()),
        (
            {
                "webhooks": {"policy": {"defaultCount": 2, "minCount": 1, "maxCount": 100000}},
                "nginx": {"image": "mirror.example.net/nginx:1"},
            },
            Policies(
                Policy(default_count=2, min_count=1, max_count=100000, default_image="mirror.example.net/nginx:1")
            ),
        ),
        ({"webhooks": {"enabled": False, "policy": {"maxCount": 7}}}, Policies(Policy(max_count=7))),
        (
            {"webhooks": {"policy": {"minCount": 1, "namespaces": {"lab": {"minCount": 0, "maxCount": 3}, "on": {}}}}},
            Policies(
                Policy(min_count=1),
                {"lab": Policy(max_count=3, namespace="lab"), "on": Policy(min_count=1, namespace="on")},
            ),
        ),
        (
            {"webhooks": {"policy": {"classes": [{"name": "gold", "selector": GOLD, "maxCount": 100000}]}}},
            Policies(
                classes=(
                    NamespaceClass(
                        Requirement("example.com/tier", "In", frozenset({"gold", "1"})),
                        Policy(max_count=100000, class_name="gold"),
                    ),
                )
            ),
        ),
    ],
)
def test_it_says_what_the_values_say(values: dict[str, Any], expected: Policies, render: Render) -> None:
    data = render(values).one("ConfigMap", "nginx-operator-policy")["data"]

    assert list(data) == ["policy.yaml"]
    assert Policies.parse(yaml.safe_load(data["policy.yaml"])) == expected
