"""What the chart sees in the cluster before it applies anything, with each Helm."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from nginx_operator.kube.resources import DEPLOYMENTS, PODS, SECRETS, VALIDATING_CONFIGURATIONS, Resource
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import fresh
from tests.support.product import CHART, NAMESPACE, NO_PODS, RELEASE, Product

Helm = Literal[3, 4]
each_helm = pytest.mark.parametrize("helm", [3, 4])
ROLE = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/nginx-operator-watch"


def attempt(product: Product, helm: Helm, *options: str) -> str:
    """What `helm upgrade --install` of the chart says; it may fail."""
    command = ("upgrade", "--install", RELEASE, str(CHART), "-n", NAMESPACE, *NO_PODS, *options)
    done = product.bed.helm(*command, version=helm, check=False)
    return str(done.stdout + done.stderr)


def watching(*names: str) -> tuple[str, ...]:
    return ("--set", f"watchNamespaces={{{','.join(names)}}}")


@each_helm
def test_a_namespace_that_does_not_exist_is_survived_and_named(helm: Helm, product: Product) -> None:
    with fresh(product.bed) as there:
        gone = f"{there.name}-gone"
        said = attempt(product, helm, *watching(there.name, gone))
        assert f"WARNING: watchNamespaces has namespaces that do not exist: {gone}." in said
        assert product.bed.get(ROLE.format(there.name)) is not None
        product.bed.kubectl("create", "namespace", gone)
        try:
            said = attempt(product, helm, *watching(there.name, gone))
            assert "do not exist" not in said
            assert product.bed.get(ROLE.format(gone)) is not None
            product.bed.kubectl("delete", "namespace", gone)
            assert f"do not exist: {gone}." in attempt(product, helm, *watching(there.name, gone))
            assert "STATUS: deployed" in product.bed.helm("status", RELEASE, "-n", NAMESPACE, version=helm).stdout
        finally:
            product.bed.kubectl("delete", "namespace", gone, "--ignore-not-found")


@each_helm
def test_none_of_the_namespaces_exists(helm: Helm, product: Product) -> None:
    """A typing error at the installation; an upgrade goes on, whatever has been deleted meanwhile."""
    there = "there-at-first"
    said = attempt(product, helm, *watching("shpo", "blgo"))
    assert "watchNamespaces names no namespace that exists: shpo, blgo. Create at least one first" in said
    product.bed.kubectl("create", "namespace", there)
    try:
        attempt(product, helm, *watching(there))
    finally:
        product.bed.kubectl("delete", "namespace", there)
    assert f"do not exist: {there}." in attempt(product, helm, *watching(there))


@each_helm
def test_nginx_that_nobody_looks_after_any_more_are_named(helm: Helm, product: Product) -> None:
    without = ("--set", "webhooks.enabled=false")  # no process of them runs here, and nothing would be admitted
    with fresh(product.bed) as kept, fresh(product.bed) as left:
        assert "WARNING: watchNamespaces" not in attempt(product, helm, *without)
        left.apply({"count": 1, "image": "nginx:1"})
        kept.apply({"count": 1, "image": "nginx:1"})
        said = attempt(product, helm, *without, *watching(kept.name))
        assert "watchNamespaces no longer covers these Nginx. Their pods keep serving" in said
        assert f"but no operator manages them: {left.name}/web." in said


@each_helm
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "there is no Secret given in namespace nginx-operator-system. Create it first"),
        ({"tls.crt": "x", "tls.key": "x"}, "Secret nginx-operator-system/given has no ca.crt"),
    ],
    ids=["no Secret", "no ca.crt"],
)
def test_a_secret_that_is_not_there_is_named_before_anything_changes(
    helm: Helm, data: dict[str, str] | None, words: str, product: Product
) -> None:
    product.install(helm=helm)
    path = SECRETS.path(NAMESPACE, f"{RELEASE}-ca")
    before = product.bed.get(path)
    if data is not None:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "given"}, "data": encoded}
        product.bed.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(body))
    try:
        mode = ("--set", "webhooks.certs.mode=existingSecret", "--set", "webhooks.certs.existingSecret=given")
        for dry in ((), ("--dry-run=server",)):
            assert words in attempt(product, helm, *mode, *dry)
        assert product.bed.get(path) == before
    finally:
        product.bed.kubectl("delete", "secret", "given", "-n", NAMESPACE, "--ignore-not-found")


@each_helm
@pytest.mark.parametrize("component", ["operator", "webhooks"])
def test_an_account_that_is_not_there_is_named_before_anything_changes(
    helm: Helm, component: str, product: Product
) -> None:
    product.install(helm=helm)
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{{}}"
    own = accounts.format(RELEASE if component == "operator" else f"{RELEASE}-webhooks")
    before = product.bed.get(own)
    assert before is not None
    value = f"{component}.serviceAccount"
    given = ("--set", f"{value}.create=false", "--set", f"{value}.name=given")
    words = f"{value}.create is false, and there is no ServiceAccount given in namespace {NAMESPACE}. Create it first"
    for dry in ((), ("--dry-run=server",)):
        assert words in attempt(product, helm, *given, *dry)
    assert product.bed.get(own) == before
    product.bed.kubectl("create", "serviceaccount", "given", "-n", NAMESPACE)
    try:
        attempt(product, helm, *given)
        assert product.bed.get(own) is None
    finally:
        product.bed.kubectl("delete", "serviceaccount", "given", "-n", NAMESPACE)


def complete(bed: Bed, name: str) -> None:
    """Makes the pods of a Deployment ready, as kubelets would, and waits until it is rolled out."""
    path = DEPLOYMENTS.path(NAMESPACE, name)

    def rolled_out() -> bool:
        for pod in (bed.get(PODS.path(NAMESPACE)) or {})["items"]:
            body = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
            bed.kubectl(
                *("patch", "pod", pod["metadata"]["name"], "-n", NAMESPACE, "--subresource=status", "--type=merge"),
                *("-p", json.dumps(body)),
                check=False,
            )
        found = bed.get(path)
        assert found is not None
        status, wanted = found["status"], found["spec"]["replicas"]
        counts = [status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [wanted] * 3

    until(rolled_out, seconds=PATIENCE, what=f"{name} is rolled out")


def may_read(product: Product, secret: str) -> bool:
    """Whether the webhooks' account may read a Secret."""
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-webhooks"
    told = product.bed.kubectl("auth", "can-i", "get", f"secrets/{secret}", "-n", NAMESPACE, "--as", user, check=False)
    return bool(told.stdout.strip() == "yes")


@each_helm
def test_the_authority_stays_until_the_pods_of_the_new_mode_are_available(helm: Helm, product: Product) -> None:
    """Pods of mode auto serve until then, and read it when they start again."""
    product.install(helm=helm)
    secret, path = f"{RELEASE}-ca", SECRETS.path(NAMESPACE, f"{RELEASE}-ca")
    product.bed.kubectl("patch", "secret", secret, "-n", NAMESPACE, "--type=merge", "-p", '{"data":{"ca.crt":"eA=="}}')
    given = {"data": dict.fromkeys(("tls.crt", "tls.key", "ca.crt"), "eA==")}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "given"}, **given}
    product.bed.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(body))
    mode = ("--set", "webhooks.certs.mode=existingSecret", "--set", "webhooks.certs.existingSecret=given")
    try:
        for _ in range(2):  # an upgrade that is tried again takes it no sooner
            said = attempt(product, helm, *mode)
            assert f"Secret {NAMESPACE}/{secret}, the CA of mode auto, stays until the pods of mode existing" in said
            found = product.bed.get(path)
            assert found is not None
            assert found["data"] == {"ca.crt": "eA=="}
            assert may_read(product, secret)
        complete(product.bed, f"{RELEASE}-webhooks")
        assert "the CA of mode auto" not in attempt(product, helm, *mode)
        assert product.bed.get(path) is None
        assert not may_read(product, secret)
    finally:
        product.bed.kubectl("delete", "secret", "given", "-n", NAMESPACE, "--ignore-not-found")


@each_helm
def test_rights_are_deleted_only_if_there_are_others(helm: Helm, product: Product) -> None:
    product.install(helm=helm)
    role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/{RELEASE}"
    without = ("--set", "rbac.create=false")
    for dry in ((), ("--dry-run=server",)):
        said = attempt(product, helm, *without, *dry)
        assert f"would delete Role {NAMESPACE}/{RELEASE}, and ServiceAccount {RELEASE} has no other binding" in said
        assert product.bed.get(role) is not None
    account = f"--serviceaccount={NAMESPACE}:{RELEASE}"
    product.bed.kubectl("create", "rolebinding", "ours", "--clusterrole=admin", account, "-n", NAMESPACE)
    try:
        assert "STATUS: deployed" in attempt(product, helm, *without)
        assert product.bed.get(role) is None
    finally:
        product.bed.kubectl("delete", "rolebinding", "ours", "-n", NAMESPACE)


@contextmanager
def orphan(bed: Bed) -> Iterator[str]:
    """What is left of a release's webhooks whose namespace was deleted; the name of that namespace."""
    gone = "an-earlier-release"
    hook: dict[str, Any] = {
        **{"name": "validate.nginxes.proxy.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None"},
        "clientConfig": {"service": {"namespace": gone, "name": "webhooks"}},
        "rules": [],
    }
    labels = {"app.kubernetes.io/part-of": "nginx-operator", "app.kubernetes.io/instance": "earlier"}
    body = {
        **{"apiVersion": VALIDATING_CONFIGURATIONS.api_version, "kind": VALIDATING_CONFIGURATIONS.kind},
        **{"metadata": {"name": "earlier", "labels": labels}, "webhooks": [hook]},
    }
    bed.kubectl("apply", "-f", "-", input=json.dumps(body))
    try:
        yield gone
    finally:
        bed.kubectl("delete", "validatingwebhookconfiguration", "earlier", "--ignore-not-found")


@each_helm
def test_webhooks_of_a_release_whose_namespace_is_gone_are_named(helm: Helm, product: Product) -> None:
    with orphan(product.bed) as gone:
        said = attempt(product, helm)
        assert f"Namespace {gone} is gone, and with it the webhooks of release earlier. Their configurations" in said
        assert "(validatingwebhookconfiguration/earlier) are left" in said
        (command,) = (line.partition("of that release: kubectl ")[2] for line in said.splitlines() if gone in line)
        product.bed.kubectl(*command.split())
        assert "STATUS: deployed" in attempt(product, helm)


def at(found: Any, path: str) -> Any:
    """The value at a path such as spec/replicas, or spec/containers/0/image."""
    for key in path.split("/"):
        found = found[int(key) if isinstance(found, list) else key]
    return found


WEBHOOKS = f"{RELEASE}-webhooks"
CONFIG_MAPS = Resource("v1", "configmaps", "ConfigMap")
POLICY = '{"data":{"policy.yaml":"maxCount: 7"}}'


@each_helm
@pytest.mark.parametrize(
    ("edit", "value", "kind", "path"),
    [
        (("scale", f"deployment/{WEBHOOKS}", "--replicas=1"), "webhooks.replicas=3", DEPLOYMENTS, "spec/replicas"),
        (
            ("set", "resources", f"deployment/{WEBHOOKS}", "--limits=memory=300Mi"),
            "webhooks.resources.limits.memory=400Mi",
            DEPLOYMENTS,
            "spec/template/spec/containers/0/resources/limits/memory",
        ),
        (
            ("patch", f"configmap/{RELEASE}-policy", "--type=merge", "-p", POLICY),
            "webhooks.policy.maxCount=50",
            CONFIG_MAPS,
            "data/policy.yaml",
        ),
    ],
    ids=["scale", "set resources", "policy"],
)
def test_a_hand_edit_is_in_the_way_and_force_conflicts_takes_it_back(
    helm: Helm, edit: tuple[str, ...], value: str, kind: Resource, path: str, product: Product
) -> None:
    """docs/upgrade.md, "When it fails". Helm 3 does not apply on the server, and overwrites it without a word."""
    name = f"{RELEASE}-policy" if kind is CONFIG_MAPS else WEBHOOKS

    def now() -> Any:
        return at(product.bed.get(kind.path(NAMESPACE, name)), path)

    product.install(helm=helm)
    before = now()
    product.bed.kubectl(*edit, "-n", NAMESPACE)
    assert (edited := now()) != before
    more = ("--set", value)
    said = attempt(product, helm, *more)
    if helm == 4:
        assert "conflict with" in said
        assert now() == edited
        said = attempt(product, helm, *more, "--force-conflicts")
    assert "STATUS: deployed" in said
    assert now() not in (before, edited)

    product.bed.kubectl(*edit, "-n", NAMESPACE)
    back = ("rollback", RELEASE, "1", "-n", NAMESPACE)
    done = product.bed.helm(*back, version=helm, check=False)
    if helm == 4:
        assert "conflict with" in done.stderr
        assert now() == edited
        done = product.bed.helm(*back, "--force-conflicts", version=helm)
    assert done.returncode == 0
    assert now() == before
