"""The NetworkPolicies: closed unless named, and about the pods and ports that there are."""

from typing import Any

import pytest
import yaml

from tests.support.docs.blocks import ROOT, fences
from tests.support.rendering import NAMESPACE, HelmError, Object, Render, Rendering

ON = {"networkPolicy": {"enabled": True}}
#: The component's name -> the port that API servers call, and the one of metrics and health.
PORTS = {"nginx-operator": (None, "metrics"), "nginx-operator-webhooks": ("webhooks", "health")}
each_component = pytest.mark.parametrize("name", PORTS)


def policy(rendered: Rendering, name: str) -> Object:
    spec: Object = rendered.one("NetworkPolicy", name)["spec"]
    return spec


def openings(spec: Object) -> dict[str, Any]:
    """Who may reach which port; each rule has just one."""
    return {rule["ports"][0]["port"]: rule["from"] for rule in spec["ingress"]}


def test_there_is_none_unless_asked_for(default: Rendering) -> None:
    assert default.of_kind("NetworkPolicy") == []


def test_there_is_one_for_each_component(render: Render) -> None:
    assert {found["metadata"]["name"] for found in render(ON).of_kind("NetworkPolicy")} == set(PORTS)
    without = render(ON | {"webhooks": {"enabled": False}})
    assert [found["metadata"]["name"] for found in without.of_kind("NetworkPolicy")] == ["nginx-operator"]


@each_component
def test_it_is_about_the_pods_of_its_component_and_no_others(name: str, render: Render) -> None:
    rendered = render(ON)
    spec = policy(rendered, name)
    assert set(spec["podSelector"]) == {"matchLabels"}
    wanted = spec["podSelector"]["matchLabels"].items()
    found = [d["metadata"]["name"] for d in rendered.of_kind("Deployment") if wanted <= _labels(d).items()]
    assert found == [name]
    assert spec["policyTypes"] == ["Ingress", "Egress"]  # what is left out would be open


@each_component
def test_it_opens_the_ports_that_the_pods_have_and_no_others(name: str, render: Render) -> None:
    rendered = render(ON)
    (container,) = rendered.pod(name)["spec"]["containers"]
    assert set(openings(policy(rendered, name))) == {port["name"] for port in container["ports"]}


@each_component
def test_no_rule_is_open_to_all_by_being_empty(name: str, render: Render) -> None:
    rendered = render({"networkPolicy": {"enabled": True, "webhooksFrom": [], "metricsFrom": None}})
    spec = policy(rendered, name)
    assert spec["ingress"] == []
    (rule,) = spec["egress"]
    assert rule["to"]
    assert rule["ports"]


def test_by_default_anybody_may_ask_and_the_cluster_may_measure(render: Render) -> None:
    everybody = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
    spec = policy(render(ON), "nginx-operator-webhooks")
    assert openings(spec) == {"webhooks": everybody, "health": [{"namespaceSelector": {}}]}
    assert spec["egress"] == [{"to": everybody, "ports": [{"port": 443}, {"port": 6443}]}]


def test_what_values_set(everything: Rendering) -> None:
    spec = policy(everything, "edge-webhooks")
    assert openings(spec)["webhooks"] == [{"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.64/26"]}}]
    assert openings(spec)["health"][0]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    api, proxy = spec["egress"]
    assert api == {"to": [{"ipBlock": {"cidr": "203.0.113.7/32"}}], "ports": [{"port": 6444}]}
    assert proxy["ports"] == [{"port": 3128}]


@pytest.mark.parametrize(
    "values",
    [
        {"apiServer": []},
        {"apiServerPorts": []},
        {"apiServerPorts": [0]},
        {"webhooksFrom": [{}]},
        {"webhooksFrom": [{"cidr": "192.0.2.0/24"}]},
        {"webhooksFrom": [{"ipBlock": {"cidr": "192.0.2.1"}}]},
    ],
    ids=str,
)
def test_what_would_lock_out_or_let_in_by_mistake_is_refused(values: dict[str, Any], render: Render) -> None:
    with pytest.raises(HelmError, match="networkPolicy"):
        render({"networkPolicy": {"enabled": True, **values}})


# --- Cilium's own policies, as docs/platforms.md has them ---

#: Entities that Cilium's schema allows and that a policy of ours may name.
ENTITIES = {"host", "remote-node", "kube-apiserver"}


@pytest.fixture(params=["nginx-operator", "edge"])
def cilium(request: pytest.FixtureRequest, render: Render) -> tuple[str, Rendering]:
    """The name of the operator's Deployment, and the chart with the values of the page."""
    page = (ROOT / "docs/platforms.md").read_text(encoding="utf-8")
    (block,) = (lines for _, _, lines in fences(page) if "kind: CiliumNetworkPolicy" in "\n".join(lines))
    values = yaml.safe_load("\n".join(block))
    return request.param, render(values | {"fullnameOverride": request.param})


def test_ciliums_policies_are_about_the_same_pods_and_ports(cilium: tuple[str, Rendering]) -> None:
    name, rendered = cilium
    assert rendered.of_kind("NetworkPolicy") == []
    names = {name, f"{name}-webhooks"}
    assert {found["metadata"]["name"] for found in rendered.of_kind("CiliumNetworkPolicy")} == names
    for found in rendered.of_kind("CiliumNetworkPolicy"):
        assert found["metadata"]["namespace"] == NAMESPACE
        wanted = found["spec"]["endpointSelector"]["matchLabels"].items()
        (pods,) = (d for d in rendered.of_kind("Deployment") if wanted <= _labels(d).items())
        assert pods["metadata"]["name"] == found["metadata"]["name"]
        (container,) = pods["spec"]["template"]["spec"]["containers"]
        opened = {port["port"] for rule in found["spec"]["ingress"] for p in rule["toPorts"] for port in p["ports"]}
        assert opened == {port["name"] for port in container["ports"]}


def test_ciliums_policies_are_closed_unless_they_say_so(cilium: tuple[str, Rendering]) -> None:
    """A rule has one kind of peer, or Cilium refuses it; one without peers would admit everybody."""
    for found in cilium[1].of_kind("CiliumNetworkPolicy"):
        assert set(found["spec"]) == {"endpointSelector", "ingress", "egress"}
        (way_out,) = found["spec"]["egress"]
        assert way_out["toEntities"] == ["kube-apiserver"]
        ports = [port for rule in way_out["toPorts"] for port in rule["ports"]]
        assert ports == [{"port": port, "protocol": "TCP"} for port in ("443", "6443")]  # Cilium's schema has strings
        for rule in found["spec"]["ingress"]:
            assert rule["toPorts"]
            (peers,) = rule.keys() - {"toPorts"}
            assert rule[peers]
            assert peers == "fromEndpoints" or set(rule[peers]) <= ENTITIES


def _labels(deployment: Object) -> dict[str, str]:
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found
