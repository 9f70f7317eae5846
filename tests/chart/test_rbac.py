"""Least privilege: two accounts, each with what its process does, and nobody with more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nginx_operator.api import names
from tests.support import ladder
from tests.support.rendering import CHART, NAMESPACE, VALUES, Object, Render, Rendering, template

OPERATOR, WEBHOOKS = "nginx-operator", "nginx-operator-webhooks"
READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}

#: (namespace or "" for all, group/resource, name or "" for all) -> verbs
Rights = dict[tuple[str, str, str], set[str]]


def bindings(rendered: Rendering) -> Iterator[Object]:
    yield from rendered.of_kind("RoleBinding")
    yield from rendered.of_kind("ClusterRoleBinding")


def rights(rendered: Rendering, account: str) -> Rights:
    """What an account may do, by all roles that are bound to it."""
    found: Rights = {}
    for binding in bindings(rendered):
        (subject,) = binding["subjects"]
        if subject != {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}:
            continue
        namespace = binding["metadata"].get("namespace", "")
        role = rendered.one(binding["roleRef"]["kind"], binding["roleRef"]["name"], namespace)
        for rule in role["rules"]:
            for key in keys(rule):
                found.setdefault((namespace, *key), set()).update(rule["verbs"])
    return found


def keys(rule: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for name in rule.get("resourceNames", [""]):
                yield f"{group}/{resource}", name


def watching(namespace: str) -> Rights:
    """What the operator needs where Nginx are, in one namespace or in all."""
    return {
        (namespace, f"{names.GROUP}/nginxes", ""): READ,
        (namespace, f"{names.GROUP}/nginxes/status", ""): {"patch"},
        (namespace, f"{names.GROUP}/nginxes/finalizers", ""): {"update"},
        (namespace, "apps/deployments", ""): READ | {"create", "patch", "delete"},
        (namespace, "/services", ""): READ | {"create", "patch", "delete"},
        (namespace, "/configmaps", ""): READ | {"create", "patch", "delete"},
        (namespace, "apps/replicasets", ""): {"list"},
        (namespace, "/pods", ""): {"list", "watch"},
        (namespace, "/events", ""): {"get", "list", "create", "patch"},
    }


def test_the_operator_may_do_just_this(default: Rendering) -> None:
    assert rights(default, OPERATOR) == watching("") | {
        ("", "apiextensions.k8s.io/customresourcedefinitions", names.CRD): {"list", "watch"},
        ("", "apiextensions.k8s.io/customresourcedefinitions/status", names.CRD): {"patch"},
        (NAMESPACE, "coordination.k8s.io/leases", ""): {"create"},
        (NAMESPACE, "coordination.k8s.io/leases", "nginx-operator"): {"get", "update"},
        (NAMESPACE, f"{names.GROUP}/nginxes", ""): {"create"},
    }


def test_with_a_list_of_namespaces_the_operator_may_do_nothing_beyond_them(render: Render) -> None:
    rendered = render({"watchNamespaces": ["shop", "blog"], "operator": {"admissionProbe": False}})
    assert rights(rendered, OPERATOR) == watching("shop") | watching("blog") | {
        (NAMESPACE, "coordination.k8s.io/leases", ""): {"create"},
        (NAMESPACE, "coordination.k8s.io/leases", "nginx-operator"): {"get", "update"},
    }
    (container,) = rendered.pod(OPERATOR)["spec"]["containers"]
    assert [arg for arg in container["args"] if arg.startswith("--namespace=")] == [
        "--namespace=shop",
        "--namespace=blog",
    ]


CLASSES = [{"name": "gold", "selector": {"key": "tier", "operator": "Exists"}}]


@pytest.mark.parametrize(("namespaces", "names_"), [([], [""]), (["shop", "blog"], ["shop", "blog"])])
def test_with_classes_of_namespaces_the_operator_reads_their_labels(
    namespaces: list[str], names_: list[str], render: Render
) -> None:
    values = {"watchNamespaces": namespaces, "webhooks": {"policy": {"classes": CLASSES}}}
    with_classes, without = rights(render(values), OPERATOR), rights(render({"watchNamespaces": namespaces}), OPERATOR)
    assert with_classes == without | {("", "/namespaces", name): {"list", "watch"} for name in names_}


@pytest.mark.parametrize(
    ("file", "secret", "of_secret", "of_configurations"),
    [
        ("default", "nginx-operator-ca", READ | {"patch"}, {"list", "watch", "patch"}),
        ("existing-secret", "company-tls", READ, {"list", "watch", "patch"}),
        ("cert-manager", "nginx-operator-webhooks-tls", {"list", "watch"}, {"list", "watch"}),
        ("cert-manager-issuer", "nginx-operator-webhooks-tls", {"list", "watch"}, {"list", "watch"}),
    ],
)
def test_the_webhooks_may_do_just_this(
    file: str, secret: str, of_secret: set[str], of_configurations: set[str], render: Render
) -> None:
    admission = "admissionregistration.k8s.io"

    assert rights(render(VALUES / f"{file}.yaml"), WEBHOOKS) == {
        ("", f"{admission}/mutatingwebhookconfigurations", "nginx-operator"): of_configurations,
        ("", f"{admission}/validatingwebhookconfigurations", "nginx-operator"): of_configurations,
        (NAMESPACE, "/secrets", secret): of_secret,
    }


@pytest.mark.parametrize("values", sorted(VALUES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_rule_has_a_wildcard(values: Path, render: Render) -> None:
    rendered = render(values)
    for role in rendered.of_kind("Role") + rendered.of_kind("ClusterRole"):
        for rule in role["rules"]:
            assert set(rule) <= {"apiGroups", "resources", "resourceNames", "verbs"}
            assert not any("*" in word for words in rule.values() for word in words), role["metadata"]["name"]
            assert set(rule["verbs"]) <= READ | WRITE


@pytest.mark.parametrize("values", sorted(VALUES.glob("*.yaml")), ids=lambda path: path.stem)
def test_bindings_join_what_exists(values: Path, render: Render) -> None:
    rendered = render(values)
    bound = set()
    accounts = {account["metadata"]["name"] for account in rendered.of_kind("ServiceAccount")}
    for binding in bindings(rendered):
        (subject,) = binding["subjects"]
        role = rendered.one(
            binding["roleRef"]["kind"], binding["roleRef"]["name"], binding["metadata"].get("namespace", "")
        )
        assert subject["name"] in accounts | {"given"}
        assert subject["namespace"] == NAMESPACE
        assert role["metadata"].get("namespace") == binding["metadata"].get("namespace")
        bound.add((role["kind"], role["metadata"]["name"]))

    aggregated = {("ClusterRole", f"{name}-{suffix}") for name in (OPERATOR, "edge") for suffix in ("view", "edit")}
    roles = rendered.of_kind("Role") + rendered.of_kind("ClusterRole")
    assert {(role["kind"], role["metadata"]["name"]) for role in roles} - aggregated == bound


def test_names_in_rules_are_those_of_the_objects(everything: Rendering) -> None:
    assert (NAMESPACE, "/secrets", "edge-ca") in rights(everything, "admission")
    assert everything.one("Secret", "edge-ca")
    assert (NAMESPACE, "coordination.k8s.io/leases", "edge") in rights(everything, "reconciler")
    (container,) = everything.pod("edge")["spec"]["containers"]
    assert "--lease-name=edge" in container["args"]


@pytest.mark.parametrize("values", [{"webhooks": {"enabled": False}}, {"operator": {"admissionProbe": False}}])
def test_without_the_probe_the_operator_creates_no_nginx(values: dict[str, Any], render: Render) -> None:
    assert (NAMESPACE, f"{names.GROUP}/nginxes", "") not in rights(render(values), OPERATOR)


def test_without_webhooks_there_is_no_account_for_them(render: Render) -> None:
    rendered = render({"webhooks": {"enabled": False}})

    assert [account["metadata"]["name"] for account in rendered.of_kind("ServiceAccount")] == [OPERATOR]
    assert not rights(rendered, WEBHOOKS)
    assert not rendered.of_kind("Secret")


def aggregated(rendered: Rendering, to: str) -> dict[str, set[str]]:
    """What a built-in role gains."""
    found: dict[str, set[str]] = {}
    for role in rendered.of_kind("ClusterRole"):
        if role["metadata"]["labels"].get(f"rbac.authorization.k8s.io/aggregate-to-{to}") == "true":
            for rule in role["rules"]:
                for resource in rule["resources"]:
                    found.setdefault(resource, set()).update(rule["verbs"])
    return found


def test_viewers_look_and_change_nothing(default: Rendering) -> None:
    assert aggregated(default, "view") == {"nginxes": READ, "nginxes/status": {"get"}, "nginxes/scale": {"get"}}


@pytest.mark.parametrize("role", ["edit", "admin"])
def test_editors_change_what_is_wanted_and_not_what_was_observed(role: str, default: Rendering) -> None:
    assert aggregated(default, role) == {
        "nginxes": READ | WRITE,
        "nginxes/status": {"get"},
        "nginxes/scale": {"get", "update", "patch"},
    }


@pytest.mark.parametrize("rbac", [{"aggregate": False}, {"create": False}])
def test_aggregation_can_be_left_out(rbac: dict[str, bool], render: Render) -> None:
    assert not aggregated(render({"rbac": rbac}), "view")
    assert not aggregated(render({"rbac": rbac}), "admin")


def test_roles_can_be_left_out(render: Render) -> None:
    rendered = render({"rbac": {"create": False}})

    assert not list(bindings(rendered))
    assert not rendered.of_kind("Role") + rendered.of_kind("ClusterRole")


@pytest.mark.parametrize("component", ["operator", "webhooks"])
def test_accounts_of_other_names_have_the_same_rights_and_confinement(
    component: str, default: Rendering, render: Render
) -> None:
    rendered = render({component: {"serviceAccount": {"name": "given", "create": False}}})
    usual = OPERATOR if component == "operator" else WEBHOOKS
    assert rights(rendered, "given") == rights(default, usual)
    assert not rights(rendered, usual)
    (condition,) = rendered.one("ValidatingAdmissionPolicy", usual)["spec"]["matchConditions"]
    assert condition["expression"].endswith(":given'")


@pytest.mark.parametrize("account", [OPERATOR, WEBHOOKS])
def test_an_account_is_confined_by_a_policy_in_force(account: str, default: Rendering) -> None:
    assert default.one("ServiceAccount", account)
    policy = default.one("ValidatingAdmissionPolicy", account)["spec"]
    (condition,) = policy["matchConditions"]
    assert condition["expression"] == f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{account}'"
    assert policy["failurePolicy"] == "Fail"
    binding = default.one("ValidatingAdmissionPolicyBinding", account)["spec"]
    assert binding == {"policyName": account, "validationActions": ["Deny"]}


def test_a_policy_covers_all_that_an_account_may_write_beyond_its_own(default: Rendering) -> None:
    """What a role names, and status and events, needs no policy."""
    exempt = {"nginxes", "nginxes/status", "nginxes/finalizers", "events", "leases", "secrets"}
    for account in (OPERATOR, WEBHOOKS):
        rules = default.one("ValidatingAdmissionPolicy", account)["spec"]["matchConstraints"]["resourceRules"]
        covered = {resource for rule in rules for resource in rule["resources"]}
        written = {key[1].split("/", 1)[1] for key, verbs in rights(default, account).items() if verbs & WRITE}
        assert written - exempt == covered


def test_a_version_that_is_served_no_more_lets_the_operator_write_managed_fields(helm: str, tmp_path: Path) -> None:
    charts = ladder.write(CHART, tmp_path)
    for step in ("store", "un-serve"):
        rendered = template(helm, {}, chart=charts[step])
        patches = step == "un-serve"
        verbs = rights(rendered, OPERATOR)["", f"{names.GROUP}/nginxes", ""]
        assert verbs == (READ | {"patch"} if patches else READ)
        policy = rendered.one("ValidatingAdmissionPolicy", OPERATOR)["spec"]
        rules = policy["matchConstraints"]["resourceRules"]
        assert (["nginxes"] in [rule["resources"] for rule in rules]) is patches


def test_confinement_can_be_left_out(render: Render) -> None:
    for rbac in ({"confine": False}, {"create": False}):
        assert render({"rbac": rbac}).of_kind("ValidatingAdmissionPolicy") == []
