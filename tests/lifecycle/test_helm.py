"""What each Helm makes of a release besides installing it: dry runs, another Helm's release, what another name left."""

import json
from typing import Any, Literal

import pytest

from nginx_operator.api import names
from nginx_operator.kube.resources import DEPLOYMENTS
from tests.support import inventory
from tests.support.lifecycle import OURS, Running
from tests.support.namespaces import fresh
from tests.support.product import CHART, NAMESPACE, NO_PODS, RELEASE, Product
from tests.support.traffic import bundles

each_helm = pytest.mark.parametrize("helm", [3, 4])
Helm = Literal[3, 4]
MORE = ("--set", "webhooks.replicas=3")


def replicas(product: Product) -> int:
    found = product.bed.get(DEPLOYMENTS.path(NAMESPACE, f"{RELEASE}-webhooks"))
    assert found is not None
    return int(found["spec"]["replicas"])


def release_name(product: Product) -> str:
    """Whose the CRD is, by Helm's own annotation."""
    crd: dict[str, Any] = json.loads(product.bed.kubectl("get", "crd", names.CRD, "-o", "json").stdout)
    return str(crd["metadata"]["annotations"]["meta.helm.sh/release-name"])


@each_helm
def test_a_dry_run_on_the_server_changes_nothing(helm: Helm, product: Product) -> None:
    command = (RELEASE, str(CHART), "-n", NAMESPACE, "--dry-run=server", *NO_PODS)
    before = inventory.objects(product.bed)
    product.bed.helm("install", *command, version=helm)
    assert inventory.objects(product.bed) - before == set()

    product.install(helm=helm)
    states = inventory.states(product.bed, OURS)
    done = product.bed.helm("upgrade", *command, *MORE, version=helm)
    assert "replicas: 3" in done.stdout
    assert inventory.states(product.bed, OURS).keys() == states.keys()
    assert replicas(product) == 2


def test_helm_4_goes_on_with_what_helm_3_installed_and_back(product: Product, running: Running) -> None:
    product.install(helm=3)
    with running():
        published = bundles(product.bed)
        assert all(published)
        product.install(*MORE, helm=4)
        assert (replicas(product), bundles(product.bed)) == (3, published)
        product.bed.helm("rollback", RELEASE, "1", "-n", NAMESPACE)
        assert (replicas(product), bundles(product.bed)) == (2, published)
        product.install(*MORE, helm=3)
        assert (replicas(product), bundles(product.bed)) == (3, published)


@each_helm
def test_another_name_takes_over_what_an_uninstall_kept(helm: Helm, product: Product) -> None:
    bed = product.bed
    product.install(helm=helm)
    bed.helm("uninstall", RELEASE, "-n", NAMESPACE, version=helm)
    with fresh(bed) as namespace:
        namespace.apply({"count": 1, "image": "nginx"})
        before = namespace.get("nginx")
        command = ("install", "edge", str(CHART), "-n", NAMESPACE, *NO_PODS)
        refused = bed.helm(*command, version=helm, check=False)
        assert "invalid ownership metadata" in refused.stderr
        assert release_name(product) == RELEASE

        bed.helm(*command, "--take-ownership", version=helm)
        assert release_name(product) == "edge"
        assert namespace.get("nginx") == before
        bed.helm("uninstall", "edge", "-n", NAMESPACE, version=helm)
        assert namespace.get("nginx") == before
