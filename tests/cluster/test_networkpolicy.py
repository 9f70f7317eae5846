"""The API server accepts the chart's NetworkPolicies, and they are about the chart's pods.

That they close anything is the network's doing, and the bed's bridge does not: it is not tested.
"""

import json

import pytest
import yaml

from testbed.waiting import PATIENCE, until
from tests.support.product import CHART, NAMESPACE, RELEASE, Product


@pytest.fixture
def policies(product: Product) -> str:
    """Both, as Helm renders them."""
    return product.bed.helm(
        *("template", RELEASE, str(CHART), "-n", NAMESPACE, "--set", "networkPolicy.enabled=true"),
        *("--show-only", "templates/networkpolicies/operator.yaml"),
        *("--show-only", "templates/networkpolicies/webhooks.yaml"),
    ).stdout


def test_the_api_server_accepts_them(product: Product, policies: str) -> None:
    done = product.bed.kubectl("apply", "--dry-run=server", "-f", "-", input=policies)
    assert sorted(done.stdout.splitlines()) == [
        f"networkpolicy.networking.k8s.io/{name} created (server dry run)" for name in (RELEASE, f"{RELEASE}-webhooks")
    ]


def test_they_select_the_pods_that_there_are_and_open_ports_that_these_have(product: Product, policies: str) -> None:
    for policy in yaml.safe_load_all(policies):
        wanted = ",".join(f"{key}={value}" for key, value in policy["spec"]["podSelector"]["matchLabels"].items())
        command = ("get", "pods", "-n", NAMESPACE, "-l", wanted, "-o", "json")
        pods = until(
            lambda command=command: json.loads(product.bed.kubectl(*command).stdout)["items"],  # type: ignore[misc]
            seconds=PATIENCE,
            what="pods of the chart",
        )
        opened = {rule["ports"][0]["port"] for rule in policy["spec"]["ingress"]}
        for pod in pods:
            (container,) = pod["spec"]["containers"]
            assert pod["spec"]["serviceAccountName"] == policy["metadata"]["name"]
            assert {port["name"] for port in container["ports"]} == opened
