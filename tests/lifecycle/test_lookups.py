"""What the chart sees in the cluster before it applies anything, with each Helm."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest

from nginx_operator.kube.resources import SECRETS, VALIDATING_CONFIGURATIONS
from testbed import Bed
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
def test_nginx_that_nobody_looks_after_any_more_are_named(helm: Helm, product: Product) -> None:
    without = ("--set", "webhooks.enabled=false")  # no process of them runs here, and nothing would be admitted
    with fresh(product.bed) as kept, fresh(product.bed) as left:
        assert "WARNING: watchNamespaces" not in attempt(product, helm, *without)
        left.apply({"count": 1, "image": "nginx:1"})
        kept.apply({"count": 1, "image": "nginx:1"})
        said = attempt(product, helm, *without, *watching(kept.name))
        assert "watchNamespaces no longer covers these Nginx. Their pods serve on" in said
        assert f"but nobody looks after them: {left.name}/web." in said


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


@contextmanager
def orphan(bed: Bed) -> Iterator[str]:
    """What is left of a release's webhooks whose namespace was deleted; the name of that namespace."""
    gone = "an-earlier-release"
    hook: dict[str, Any] = {
        **{"name": "validate.nginxes.proxy.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None"},
        "clientConfig": {"service": {"namespace": gone, "name": "webhooks"}},
        "rules": [],
    }
    labels = {"app.kubernetes.io/part-of": "nginx-operator"}
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
        assert f"Namespace {gone} is gone, and with it the webhooks of the release that was there" in said
        (command,) = [line.partition("Delete it: kubectl ")[2] for line in said.splitlines() if "Delete it" in line]
        product.bed.kubectl(*command.split())
        assert "STATUS: deployed" in attempt(product, helm)


@each_helm
def test_a_hand_edit_is_in_the_way_and_force_conflicts_takes_it_back(helm: Helm, product: Product) -> None:
    """docs/upgrade.md, "When it fails". Helm 3 does not apply on the server, and overwrites it without a word."""
    product.install(helm=helm)
    product.bed.kubectl("scale", f"deployment/{RELEASE}-webhooks", "-n", NAMESPACE, "--replicas=1")
    more = ("--set", "webhooks.replicas=3")
    said = attempt(product, helm, *more)
    if helm == 4:
        assert "conflict with" in said
        said = attempt(product, helm, *more, "--force-conflicts")
    assert "STATUS: deployed" in said
    found = product.bed.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}-webhooks")
    assert found is not None
    assert found["spec"]["replicas"] == 3
