"""The class of a load balancer, which a Service keeps for as long as it is one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.namespaces import Namespace, serving
from tests.support.product import Program

DETOUR = "its external address changes"


def balanced(name: str | None = None, **spec: Any) -> dict[str, Any]:
    service = {"type": "LoadBalancer"} | ({"loadBalancerClass": name} if name else {})
    return {"count": 1, "service": service, **spec}


def of_class(name: str | None) -> Callable[[dict[str, Any]], bool]:
    return lambda found: found["spec"]["type"] == "LoadBalancer" and found["spec"].get("loadBalancerClass") == name


def detours(namespace: Namespace) -> int:
    return sum(event["count"] for event in namespace.list("event") if DETOUR in event["message"])


def give_address(namespace: Namespace) -> None:
    """What the cloud's controller does."""
    patch = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}}})
    namespace.kubectl("patch", "service", "web", "--subresource=status", "--type=merge", "-p", patch)


@pytest.fixture
def web(namespace: Namespace) -> dict[str, Any]:
    """A Service of class a, which has an address; with all that only a load balancer has."""
    spec = balanced("example.com/a")
    spec["service"] |= {"externalTrafficPolicy": "Local", "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    namespace.apply(spec)
    namespace.wait("nginx", serving(1))
    give_address(namespace)
    found = namespace.get("service")
    assert found is not None
    return found


OFF = {"count": 1, "service": {"enabled": False}}
INTERNAL = {"count": 1, "service": {"type": "ClusterIP"}}


@pytest.mark.parametrize("wanted", ["example.com/b", None])
@pytest.mark.parametrize(
    "between",
    [
        pytest.param([], id="at once"),
        pytest.param([OFF | {"paused": True}], id="off and on while paused"),
        pytest.param([INTERNAL | {"paused": True}], id="by way of ClusterIP while paused"),
    ],
)
def test_another_class_keeps_the_cluster_ip(
    namespace: Namespace, web: dict[str, Any], between: list[dict[str, Any]], wanted: str | None
) -> None:
    for spec in between:
        namespace.apply(spec)
    done = namespace.apply(balanced(wanted))
    if not between:
        assert "Warning: spec.service.loadBalancerClass: a Service whose class changes gets another" in done.stderr
    after = namespace.wait("service", of_class(wanted))
    namespace.wait("nginx", serving(1))
    assert (after["metadata"]["uid"], after["spec"]["clusterIP"]) == (web["metadata"]["uid"], web["spec"]["clusterIP"])
    assert after["status"]["loadBalancer"] == {}  # nobody uses an address that is another class's
    assert detours(namespace) == 1


def test_a_service_that_was_switched_off_and_on_while_the_operator_was_away(
    namespace: Namespace, web: dict[str, Any], operator: Program
) -> None:
    assert operator.stop() == 0
    namespace.apply(OFF)
    namespace.apply(balanced("example.com/b"))
    operator.start_again()
    after = namespace.wait("service", of_class("example.com/b"))
    assert after["metadata"]["uid"] == web["metadata"]["uid"]
    namespace.wait("nginx", serving(1))


def test_a_class_that_somebody_else_set_is_carried_over_and_can_be_named(namespace: Namespace) -> None:
    """A cloud's webhook sets one on the new Service; here somebody does, while the Nginx is paused."""
    namespace.apply(balanced())
    namespace.wait("nginx", serving(1))
    namespace.apply(balanced(paused=True))
    namespace.wait_reason("Paused")
    for spec in ({"type": "ClusterIP"}, {"type": "LoadBalancer", "loadBalancerClass": "cloud.example.com/nlb"}):
        namespace.kubectl("patch", "service", "web", "--type=merge", "-p", json.dumps({"spec": spec}))
    give_address(namespace)
    before = namespace.get("service")

    changed = balanced()
    changed["service"]["port"] = 8888
    namespace.apply(changed)
    after = namespace.wait("service", lambda found: found["spec"]["ports"][0]["port"] == 8888)
    assert of_class("cloud.example.com/nlb")(after)
    # Two ports need names: what somebody writes here is invalid together with ours, and makes room for it.
    patch = {"spec": {"ports": [{"port": 81}]}}
    namespace.kubectl("patch", "service", "web", "--type=merge", "-p", json.dumps(patch))
    after = namespace.wait("service", lambda found: [port["port"] for port in found["spec"]["ports"]] == [8888])
    assert of_class("cloud.example.com/nlb")(after)

    namespace.apply(balanced("cloud.example.com/nlb"))
    after = namespace.wait("service", lambda found: found["spec"]["ports"][0]["port"] == 80)
    namespace.wait("nginx", serving(1))
    assert before is not None
    assert after["status"]["loadBalancer"] == before["status"]["loadBalancer"] != {}  # its address never changed
    assert detours(namespace) == 0
