"""The policy in the ConfigMap is what the values say, in the words that both processes read."""

from typing import Any

import pytest
import yaml

from nginx_operator.api.policy import Policy
from tests.chart.rendering import Render


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Policy()),
        (
            {
                "webhooks": {"policy": {"defaultCount": 2, "minCount": 1, "maxCount": 100000}},
                "nginx": {"image": "mirror.example.net/nginx:1"},
            },
            Policy(default_count=2, min_count=1, max_count=100000, default_image="mirror.example.net/nginx:1"),
        ),
        ({"webhooks": {"enabled": False, "policy": {"maxCount": 7}}}, Policy(max_count=7)),
    ],
)
def test_it_says_what_the_values_say(values: dict[str, Any], expected: Policy, render: Render) -> None:
    data = render(values).one("ConfigMap", "nginx-operator-policy")["data"]

    assert list(data) == ["policy.yaml"]
    assert Policy.parse(yaml.safe_load(data["policy.yaml"])) == expected
