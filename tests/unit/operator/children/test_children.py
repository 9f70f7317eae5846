"""The children that an Nginx gets, field by field where it matters, and as a whole."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from nginx_operator.api import names
from nginx_operator.api.types import DeploymentMetadata, NginxSpec, ObjectMeta, ServiceSpec
from nginx_operator.children import CHILDREN
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.service import build_service
from nginx_operator.decide.plan import with_hash

GOLDEN = Path(__file__).parent / "golden.yaml"


def container(body: dict[str, Any]) -> dict[str, Any]:
    (found,) = body["spec"]["template"]["spec"]["containers"]
    return found  # type: ignore[no-any-return]


def test_every_child_has_the_name_the_labels_and_the_owner(owner: ObjectMeta, spec: NginxSpec) -> None:
    for kind in CHILDREN:
        body = kind.build(owner, spec)
        assert body is not None
        assert body["kind"] == kind.kind
        assert (body["metadata"]["name"], body["metadata"]["namespace"]) == ("web", "shop")
        assert body["metadata"]["labels"] == names.labels("web")
        (reference,) = body["metadata"]["ownerReferences"]
        assert (reference["uid"], reference["controller"]) == ("uid-1", True)


def test_two_nginx_never_select_each_others_pods() -> None:
    assert names.labels("a") != names.labels("b")
    assert names.selector("web") == ",".join(f"{k}={v}" for k, v in sorted(names.labels("web").items()))


def test_the_spec_reaches_the_pods(owner: ObjectMeta) -> None:
    wanted = NginxSpec(
        count=4,
        image="a:1",
        image_pull_policy="Always",
        image_pull_secrets=({"name": "login"},),
        resources={"requests": {"cpu": "1"}, "limits": {}},
        container_port=9000,
    )
    body = build_deployment(owner, wanted)
    assert body["spec"]["replicas"] == 4
    assert container(body)["image"] == "a:1"
    assert container(body)["imagePullPolicy"] == "Always"
    assert container(body)["ports"][0]["containerPort"] == 9000
    assert container(body)["resources"] == {"requests": {"cpu": "1"}}
    assert body["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "login"}]


def test_metadata_of_the_deployment_reaches_it_and_not_its_pods(owner: ObjectMeta) -> None:
    plain, wanted = NginxSpec(1, "a:1"), DeploymentMetadata({"team": "shop"}, {"example.com/owner": "anna"})
    body = build_deployment(owner, msgspec.structs.replace(plain, deployment=wanted))
    assert body["metadata"]["labels"] == {"team": "shop", **names.labels("web")}
    assert body["metadata"]["annotations"] == {"example.com/owner": "anna"}
    assert body["spec"] == build_deployment(owner, plain)["spec"]


def test_no_service_where_it_is_switched_off(owner: ObjectMeta) -> None:
    assert build_service(owner, NginxSpec(1, "a:1", service=ServiceSpec(enabled=False))) is None


def test_the_spec_reaches_the_service(owner: ObjectMeta) -> None:
    wanted = ServiceSpec(
        type="LoadBalancer",
        port=8080,
        node_port=30080,
        labels={"team": "shop", names.LABEL_INSTANCE: "another"},
        annotations={"a": "b"},
        external_traffic_policy="Local",
        load_balancer_class="example.com/x",
        load_balancer_source_ranges=("192.0.2.0/24",),
    )
    body = build_service(owner, NginxSpec(1, "a:1", service=wanted))
    assert body is not None
    assert body["metadata"]["annotations"] == {"a": "b"}
    assert body["metadata"]["labels"] == {"team": "shop", **names.labels("web")}  # ours win
    assert body["spec"] == {
        "type": "LoadBalancer",
        "selector": names.labels("web"),
        "ports": [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP", "nodePort": 30080}],
        "externalTrafficPolicy": "Local",
        "loadBalancerClass": "example.com/x",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
    }


def test_the_service_has_the_ip_families_that_are_asked_for(owner: ObjectMeta) -> None:
    wanted = ServiceSpec(ip_family_policy="PreferDualStack", ip_families=("IPv6", "IPv4"))
    body = build_service(owner, NginxSpec(1, "a:1", service=wanted))
    assert body is not None
    assert (body["spec"]["ipFamilyPolicy"], body["spec"]["ipFamilies"]) == ("PreferDualStack", ["IPv6", "IPv4"])


TCP = {"tcpSocket": {"port": "http"}, "periodSeconds": 5, "failureThreshold": 2}


@pytest.mark.parametrize(
    ("readiness", "expected"),
    [
        (None, TCP),
        ({}, TCP),
        ({"tcpSocket": {}}, TCP),
        ({"tcpSocket": {"port": 9000}, "timeoutSeconds": 3}, TCP | {"tcpSocket": {"port": 9000}, "timeoutSeconds": 3}),
        (
            {"httpGet": {"path": "/healthz"}},
            {
                "httpGet": {"path": "/healthz", "port": "http"},
                "periodSeconds": 5,
                "failureThreshold": 2,
                "timeoutSeconds": 5,
            },
        ),
        (
            {"httpGet": {"path": "/", "port": 81}, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 3},
            {
                "httpGet": {"path": "/", "port": 81},
                "periodSeconds": 1,
                "failureThreshold": 3,
                "timeoutSeconds": 2,
            },
        ),
    ],
)
def test_the_readiness_probe_is_the_one_that_is_asked_for(
    owner: ObjectMeta, readiness: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    spec = NginxSpec.from_dict({"count": 1, "image": "a:1", "probes": {"readiness": readiness}})
    assert container(build_deployment(owner, spec))["readinessProbe"] == expected


def test_the_ids_are_left_out_where_the_platform_assigns_them(owner: ObjectMeta) -> None:
    fixed, assigned = (
        build_deployment(owner, NginxSpec.from_dict({"count": 1, "image": "a:1"}, fixed_ids=fixed))
        for fixed in (True, False)
    )
    pod = assigned["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert fixed["spec"]["template"]["spec"]["securityContext"].keys() - pod["securityContext"].keys() == {
        *("runAsUser", "runAsGroup", "fsGroup")
    }


def test_an_upgrade_writes_no_child_and_restarts_no_nginx(owner: ObjectMeta) -> None:
    """A release with another hash here writes each child of each Nginx once; with another template it restarts them.

    The former belongs into CHANGELOG.md, the latter into no release (docs/versions.md). UPDATE_GOLDEN=1 rewrites it.
    """
    full = NginxSpec(
        count=3,
        image="example.com/nginx:1.30",
        image_pull_policy="IfNotPresent",
        image_pull_secrets=({"name": "login"},),
        resources={"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}},
        container_port=9000,
        service=ServiceSpec(type="NodePort", port=8080, node_port=30080, annotations={"example.com/tier": "a"}),
    )
    specs = NginxSpec(count=1, image="example.com/nginx:1.30"), full
    children = [with_hash(body) for spec in specs for kind in CHILDREN if (body := kind.build(owner, spec))]
    found = yaml.safe_dump_all(msgspec.to_builtins(children), sort_keys=False)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
