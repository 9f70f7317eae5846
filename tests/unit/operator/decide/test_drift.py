"""What a user is told of a repair: the field, who changed it, and what to do instead."""

from typing import Any

import pytest

from nginx_operator.decide import field_managers
from nginx_operator.decide.compare import HASH, IMAGE, Difference
from nginx_operator.decide.drift import repaired

SCALED = Difference("spec.replicas", 5, 7)
ENV = Difference("spec.template.spec.containers[nginx].env[A]", {"name": "A"}, None)


def test_the_field_the_writer_and_the_remedy_are_named() -> None:
    told = repaired("Deployment", "web", (SCALED,), {"spec.replicas": "kubectl (scale)"})
    remedy = "scale the Nginx, or point the autoscaler at it"
    assert told == f"Deployment web: spec.replicas 7 -> 5, changed by kubectl (scale): {remedy}"


@pytest.mark.parametrize(
    ("kind", "path", "remedy"),
    [
        ("Deployment", IMAGE, "set spec.image of the Nginx"),
        ("Deployment", f"{IMAGE.removesuffix('image')}resources.limits.cpu", "set spec.resources of the Nginx"),
        (
            "Deployment",
            f"{IMAGE.removesuffix('image')}ports[http].containerPort",
            "set spec.containerPort of the Nginx",
        ),
        ("Deployment", "spec.strategy.type", "the operator sets this field, and the Nginx has none for it"),
        ("Service", "spec.ports[http].port", "set spec.service of the Nginx"),
        ("Service", "spec.selector", "the operator sets this field, and the Nginx has none for it"),
        ("Service", "metadata.labels[app]", "the operator sets this field, and the Nginx has none for it"),
    ],
)
def test_what_to_do_instead(kind: str, path: str, remedy: str) -> None:
    assert repaired(kind, "web", (Difference(path, "a", "b"),), {}).endswith(
        f"{path} b -> a, changed by somebody: {remedy}"
    )


def test_of_many_fields_some_are_named_and_all_writers() -> None:
    drift = tuple(Difference(f"spec.f{number}", number, None) for number in range(5))
    told = repaired("Deployment", "web", drift, {"spec.f0": "a", "spec.f4": "b", "spec.f3": "a"})
    assert "spec.f0 none -> 0, spec.f1 none -> 1, spec.f2 none -> 2 and 2 more, changed by a and b: " in told


def test_the_hash_is_no_news_beside_others() -> None:
    hashed = Difference(HASH, "abc", None)
    assert HASH not in repaired("Deployment", "web", (hashed, SCALED), {})
    assert HASH in repaired("Deployment", "web", (hashed,), {})


def entry(manager: str, fields: dict[str, Any], subresource: str = "", time: str = "2026-01-01T00:00:00Z") -> Any:
    found = {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields}
    return {**found, "subresource": subresource} if subresource else found


PORTS = {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}}
POD = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"nginx"}': {".": {}, "f:image": {}, "f:ports": {}}}}}}
MANAGED = [
    entry("nginx-operator", {"f:spec": {"f:replicas": {}, "f:selector": {}}}),
    entry("kubectl", {"f:spec": {"f:replicas": {}}}, "scale"),
    entry("kubectl-set", {"f:spec": POD}),
    entry("argocd", {"f:spec": POD}, time="2026-01-02T00:00:00Z"),
    entry("kubectl-label", {"f:metadata": {"f:labels": {"f:example.com/team": {}}}}),
    entry("kubectl-patch", {"f:spec": PORTS}),
    {"manager": "old", "operation": "Update", "fieldsV1": None},
]


@pytest.mark.parametrize(
    ("path", "writer"),
    [
        ("spec.replicas", "kubectl (scale)"),
        (IMAGE, "argocd"),  # the last one
        (f"{IMAGE.removesuffix('image')}ports[http].containerPort", "argocd"),  # as a whole
        ("spec.ports[http].port", "kubectl-patch"),  # whose items are told apart by other fields
        ("metadata.labels[example.com/team]", "kubectl-label"),
        ("metadata.labels[example.com/other]", ""),
        ("spec.selector", ""),  # ours alone
        ("spec.strategy", ""),
    ],
)
def test_who_owns_a_field(path: str, writer: str) -> None:
    assert field_managers.writer(MANAGED, path) == writer
