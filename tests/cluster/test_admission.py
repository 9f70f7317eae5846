"""What is let into the cluster, on every path of a write."""

import json
from typing import Any

import pytest

from tests.support.namespaces import Namespace
from tests.support.policies import WITH_POLICY
from tests.support.product import IMAGE


def count(namespace: Namespace, name: str = "web") -> int | None:
    found = namespace.get("nginx", name)
    value: int | None = found["spec"].get("count") if found else None
    return value


@pytest.mark.parametrize("spec", [..., {}, {"count": None}, {"paused": False}], ids=str)
def test_what_is_missing_is_written(namespace: Namespace, spec: Any) -> None:
    namespace.apply(spec)
    found = namespace.get("nginx")
    assert found is not None
    assert (found["spec"]["count"], found["spec"]["image"]) == (1, IMAGE)


def test_what_the_user_wrote_is_kept(namespace: Namespace) -> None:
    namespace.apply({"count": 0, "image": "example.com/a:1"})
    found = namespace.get("nginx")
    assert found is not None
    assert (found["spec"]["count"], found["spec"]["image"]) == (0, "example.com/a:1")


@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["apply", "server-side"])
def test_a_quantity_may_be_what_it_may_be_in_a_pod(namespace: Namespace, options: tuple[str, ...]) -> None:
    amounts = {"cpu": 0.1, "memory": "320000000m"}
    for _ in range(2):
        done = namespace.apply({"count": 1, "resources": {"limits": amounts}}, "web", *options)
        assert 'spec.resources.limits.memory: "320000000m" is a fraction' not in done.stderr  # 320,000 bytes
    found = namespace.wait("deployment", bool)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["cpu"] == "100m"
    done = namespace.apply({"count": 1, "resources": {"limits": {"memory": "32m"}}}, "small", *options)
    assert "is a fraction of a byte; did you mean 32Mi?" in done.stderr


TOO_MANY = (
    "spec.count: 101 is more than this cluster allows (maxCount is 100). Use 0 to 100, "
    "or ask the cluster's administrator to raise webhooks.policy.maxCount"
)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"count": 101}, TOO_MANY),
        ({"count": -1}, "spec.count in body should be greater than or equal to 0"),
        ({"count": 2.5}, "spec.count"),
        ([], "spec"),
        ({"service": {"nodePort": 30080}}, "nodePort needs type NodePort or LoadBalancer; remove nodePort"),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            'spec.resources.requests.cpu: "2" is more than the limit "1"',
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["apply", "server-side"])
def test_an_invalid_create_is_refused_with_a_sentence(
    namespace: Namespace, spec: Any, words: str, options: tuple[str, ...]
) -> None:
    done = namespace.apply(spec, "web", *options, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert namespace.get("nginx") is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "spec.count in body must be of type integer"),
        (("--server-side",), ".spec.count: expected numeric (int or float), got string"),
    ],
    ids=["apply", "server-side"],
)
def test_a_count_of_another_type_is_refused_by_the_api_server(
    namespace: Namespace, options: tuple[str, ...], words: str
) -> None:
    done = namespace.apply({"count": "three"}, "web", *options, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert namespace.get("nginx") is None


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("merge patch", ("patch", "nginx", "web", "--type=merge", "-p", '{"spec":{"count":101}}')),
        (
            "json patch",
            ("patch", "nginx", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/count","value":101}]'),
        ),
        ("scale", ("scale", "nginx", "web", "--replicas=101")),
    ],
)
def test_an_invalid_change_is_refused_on_every_path(
    namespace: Namespace, verb: str, arguments: tuple[str, ...]
) -> None:
    namespace.apply({"count": 2})
    done = namespace.kubectl(*arguments, check=False)
    assert done.returncode == 1, verb
    assert "101 is more than this cluster allows (maxCount is 100)" in done.stderr
    assert count(namespace) == 2


def test_a_namespace_may_have_a_policy_of_its_own(listed: Namespace, namespace: Namespace) -> None:
    listed.apply({"paused": True})
    assert count(listed) == 2
    for refused in (
        listed.apply({"count": 4}, check=False),
        listed.kubectl("scale", "nginx", "web", "--replicas=4", check=False),
    ):
        assert f"4 is more than namespace {WITH_POLICY} allows (maxCount is 3)" in refused.stderr
        assert f"raise webhooks.policy.namespaces.{WITH_POLICY}.maxCount" in refused.stderr
    namespace.apply({"count": 4})


def test_a_valid_change_is_let_through(namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.kubectl("scale", "nginx", "web", "--replicas=4")
    assert count(namespace) == 4
    namespace.kubectl("patch", "nginx", "web", "--type=merge", "-p", '{"spec":{"count":null}}')
    assert count(namespace) == 1


def test_who_leaves_a_field_out_is_told_what_replaces_it(namespace: Namespace) -> None:
    namespace.apply({"count": 2, "image": "example.com/web:1"})
    done = namespace.apply({"image": "example.com/web:1"})
    assert "spec.count is left out, so the default 1 replaces 2" in done.stderr


def test_all_faults_come_at_once(namespace: Namespace) -> None:
    done = namespace.apply({"count": 500, "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}, check=False)
    assert "spec.count: 500" in done.stderr
    assert "spec.resources.requests.cpu" in done.stderr


def test_warnings_are_shown_and_refuse_nothing(namespace: Namespace) -> None:
    done = namespace.apply({"count": 0, "image": "nginx"})
    assert "spec.image has no tag" in done.stderr
    assert "spec.count is 0" in done.stderr


def test_a_name_that_a_service_cannot_have_is_refused(namespace: Namespace) -> None:
    done = namespace.apply({}, name="1.web", check=False)
    assert done.returncode == 1
    assert "because a Service and a Deployment get this name" in done.stderr


def test_labels_of_a_stored_nginx_can_be_changed_with_the_policy_against_its_count(namespace: Namespace) -> None:
    """The webhooks are not asked when the spec does not change, so nothing can stand in the way."""
    namespace.apply({"count": 2})
    namespace.kubectl("label", "nginx", "web", "team=a")
    found = namespace.get("nginx")
    assert found is not None
    assert found["metadata"]["labels"] == {"team": "a"}


def test_a_dry_run_is_admitted_and_stores_nothing(namespace: Namespace) -> None:
    done = namespace.apply({}, "web", "--dry-run=server", "-o", "json")
    assert json.loads(done.stdout)["spec"]["count"] == 1
    assert namespace.get("nginx") is None
