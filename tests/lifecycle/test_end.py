"""How it ends: with all that it made, or with the namespaces deleted; never hanging, and nothing is left.

That by default nginx goes on serving is shown where it runs, in tests/node/test_release.py.
"""

import re
import subprocess
from typing import Literal

import pytest

from nginx_operator.api import names
from testbed.waiting import PATIENCE, until
from tests.support import inventory
from tests.support.lifecycle import Running
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.product import NAMESPACE, RELEASE, ROOT, Product


def runs(namespace: Namespace) -> None:
    """Two pods, on a fake node."""
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))


def wait_nothing_left(product: Product, before: set[str]) -> None:
    """Waits until there is no object of any kind that was not there before, in whatever namespace."""

    def left() -> set[str]:
        return inventory.objects(product.bed) - before

    try:
        until(lambda: not left(), seconds=PATIENCE, what="nothing left")
    except TimeoutError as error:
        raise AssertionError(f"{error}: {sorted(left())}") from None


def wait_known(product: Product, begin: int) -> None:
    """Waits until the garbage collector watches Nginx: it looks for new kinds every 30 s, and what it never saw, it
    cannot see vanish. The audit log tells, from this position on.
    """
    # Its informers are those of all controllers, and their account is the process's.
    words = ('"user":{"username":"system:kube-controller-manager"', f'"resource":"{names.PLURAL}"', '"verb":"watch"')

    def watches() -> bool:
        with product.bed.audit_log.open() as log:
            log.seek(begin)
            return any(all(word in line for word in words) and '"code":200' in line for line in log)

    until(watches, seconds=PATIENCE, what="the garbage collector's watch of Nginx")


def delete_what_is_left(product: Product) -> None:
    """Runs what docs/lifecycle.md gives to whoever has deleted the release's namespace."""
    page = (ROOT / "docs" / "lifecycle.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh[^\n]*\n(kubectl delete rolebindings.*?)^```", page, re.MULTILINE | re.DOTALL)
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=product.bed.environment, check=True)


def delete_namespace(product: Product, name: str) -> None:
    """Waits for its end."""
    product.bed.kubectl("delete", "namespace", name, f"--timeout={PATIENCE:g}s")


@pytest.mark.parametrize("helm", [3, 4])
def test_without_keep_an_uninstall_takes_all_along(helm: Literal[3, 4], product: Product, running: Running) -> None:
    with fresh(product.bed) as namespace:
        before, begin = inventory.objects(product.bed), product.bed.audit_log.stat().st_size
        product.install("--set", "crds.keep=false", helm=helm)
        with running():
            runs(namespace)
            wait_known(product, begin)
            product.bed.helm("uninstall", RELEASE, "-n", NAMESPACE, "--wait", version=helm)
        product.unroute()
        wait_nothing_left(product, before)


def test_the_namespace_of_the_release_may_go_first(product: Product, running: Running) -> None:
    before = inventory.objects(product.bed)
    product.install()
    with fresh(product.bed) as namespace:
        with running():
            runs(namespace)
            delete_namespace(product, NAMESPACE)
        # What its webhooks would judge is refused; what is deleted they are never asked about.
        assert "failed calling webhook" in namespace.apply({"count": 3}, check=False).stderr
        delete_namespace(product, namespace.name)
    delete_what_is_left(product)
    product.bed.kubectl("delete", "customresourcedefinition", names.CRD)
    wait_nothing_left(product, before)


def test_in_the_namespaces_of_teams_nothing_is_left_either(product: Product) -> None:
    with fresh(product.bed) as team:
        before = inventory.objects(product.bed)
        product.install("--set", f"watchNamespaces={{{team.name}}}")
        assert any(team.name in found and "rolebindings" in found for found in inventory.objects(product.bed) - before)
        delete_namespace(product, NAMESPACE)
        delete_what_is_left(product)
        product.bed.kubectl("delete", "customresourcedefinition", names.CRD)
        wait_nothing_left(product, before)


def test_the_namespace_of_a_user_may_go_first(product: Product, running: Running) -> None:
    before = inventory.objects(product.bed)
    product.install()
    with fresh(product.bed) as namespace, running():
        runs(namespace)
        delete_namespace(product, namespace.name)
        delete_namespace(product, NAMESPACE)
    # Or so: to install again adopts what is left of the release, and to uninstall that takes it along.
    product.install()
    product.bed.helm("uninstall", RELEASE, "-n", NAMESPACE)
    product.bed.kubectl("delete", "customresourcedefinition", names.CRD)
    delete_namespace(product, NAMESPACE)
    wait_nothing_left(product, before)
