"""Two teams, each with a release of its own: side by side where they share no namespace, refused where they do."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nginx_operator.kube.resources import DEPLOYMENTS
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, serving
from tests.support.product import CHART, Product, Program, corner

Helm = Literal[3, 4]
#: Namespaces: of the first team's nginx, of the second's, of nobody's.
SHOP, BLOG, NEWS = "shop", "blog", "news"
FIRST, SECOND = "nginx-operator-first", "nginx-operator-second"
NO_CRD = ("--set", "crds.enabled=false")


def watching(*namespaces: str) -> tuple[str, str]:
    return ("--set", f"watchNamespaces={{{','.join(namespaces)}}}")


def at_most(count: int) -> tuple[str, str]:
    return ("--set", f"webhooks.policy.maxCount={count}")


@contextmanager
def running(product: Product, namespace: str, port: int) -> Iterator[Program]:
    """Both programs of a release, ready; the operator."""
    own = product.namespace
    webhooks = product.webhooks(port=port, name=f"{product.release}-webhooks")
    operator = product.operator(
        *("--namespace", namespace, "--admission-probe", "--admission-probe-namespace", own),
        *("--lease-name", product.release, "--lease-namespace", own),
        port=port + 2,
        name=product.release,
    )
    try:
        webhooks.wait_ready()
        operator.wait_ready()  # so the probe was defaulted and refused by this release's webhooks
        yield operator
    finally:
        codes = operator.stop(), webhooks.stop()
    assert codes == (0, 0), operator.text() + webhooks.text()


@pytest.fixture(scope="module")
def first(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The first team's release, by Helm 3, with the CRD; its operator."""
    for name in (SHOP, BLOG, NEWS):
        control_plane.kubectl("create", "namespace", name)
    product = Product(control_plane, tmp_path_factory.mktemp("first"), FIRST, "first-system")
    product.install(*watching(SHOP), *at_most(3), helm=3)
    try:
        with running(product, SHOP, 19443) as operator:
            yield operator
    finally:
        product.unroute()
        product.uninstall()
        control_plane.kubectl("delete", "namespace", SHOP, BLOG, NEWS)


@pytest.fixture
def second(control_plane: Bed, first: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The second team's release, by Helm 4, running."""
    product = Product(control_plane, tmp_path_factory.mktemp("second"), SECOND, "second-system")
    product.install(*watching(BLOG), *at_most(5), *NO_CRD)
    with ExitStack() as stack:
        stack.callback(product.bed.helm, "uninstall", SECOND, "-n", "second-system")
        stack.callback(product.unroute)
        stack.enter_context(running(product, BLOG, 19463))
        yield product


@pytest.mark.parametrize("helm", [3, 4])
@pytest.mark.parametrize(
    ("release", "namespace", "options", "sentence"),
    [
        pytest.param(
            *(SECOND, "second-system", watching(SHOP, BLOG)),
            f"Release {FIRST} in namespace first-system manages the Nginx of shop already, and no two operators may "
            "manage the same ones: set watchNamespaces of both to namespaces that they do not share.",
            id="a namespace of the other",
        ),
        pytest.param(
            *(SECOND, "second-system", ()),
            f"Release {FIRST} in namespace first-system manages the Nginx of first-system, shop already",
            id="all namespaces",
        ),
        pytest.param(
            *(SECOND, "first-system", watching(BLOG)),
            f"Release {FIRST} in namespace first-system decides about the Nginx of namespace first-system, where the "
            "readiness probe of this release would ask: install it into a namespace of its own, or set "
            "operator.admissionProbe to false.",
            id="the same namespace for both",
        ),
        pytest.param(
            *(FIRST, "second-system", watching(BLOG)),
            f"Release {FIRST} in namespace first-system has objects named {FIRST}, too, and some of them belong to no "
            "namespace: use another release name, or set fullnameOverride.",
            id="the same name",
        ),
    ],
)
def test_a_release_that_would_meet_another_is_refused(
    helm: Helm, release: str, namespace: str, options: tuple[str, ...], sentence: str, first: Program
) -> None:
    command = ("install", release, str(CHART), "-n", namespace, "--create-namespace", *NO_CRD, *options)
    done = first.bed.helm(*command, version=helm, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert release not in first.bed.helm("list", "-n", "second-system", "--all", "-q", check=False).stdout


@pytest.mark.parametrize("helm", [3, 4])
def test_the_definition_belongs_to_one_release(helm: Helm, first: Program) -> None:
    command = ("install", SECOND, str(CHART), "-n", "second-system", "--create-namespace", *watching(BLOG))
    done = first.bed.helm(*command, version=helm, check=False)
    assert done.returncode != 0
    assert f"Release {FIRST} in namespace first-system owns the CustomResourceDefinition" in done.stderr
    assert "set crds.enabled to false for this release." in done.stderr


def test_whoever_may_look_nowhere_else_is_not_held_up(first: Program) -> None:
    """A release that touches its namespaces alone may be installed by somebody who sees no others."""
    user = "system:serviceaccount:news:installer"
    first.bed.kubectl("create", "serviceaccount", "installer", "-n", NEWS)
    first.bed.kubectl("create", "rolebinding", "installer", "--clusterrole=admin", f"--user={user}", "-n", NEWS)
    options = ("--set", "webhooks.enabled=false", "--set", "rbac.aggregate=false", "--set", "rbac.confine=false")
    done = first.bed.helm(
        *("install", "own", str(CHART), "-n", NEWS, *NO_CRD, *watching(NEWS), *options),
        *("--dry-run=server", "--kube-as-user", user),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_two_releases_side_by_side_each_hold_by_their_own_policy(first: Program, second: Product) -> None:
    bed = first.bed
    shop, blog, news = (Namespace(bed, name) for name in (SHOP, BLOG, NEWS))
    for namespace, most, release in ((shop, 3, f"first-system/{FIRST}"), (blog, 5, f"second-system/{SECOND}")):
        refused = namespace.apply({"count": most + 1}, check=False).stderr
        assert f"{most + 1} is more than release {release} allows (maxCount is {most})" in refused
        assert f"ask the administrator of release {release} to raise webhooks.policy.maxCount" in refused
        namespace.apply({"count": most})
        namespace.wait("nginx", serving(most))
    news.apply({"count": 101})  # nobody's: the schema alone holds
    assert news.get("deployment") is None
    news.kubectl("delete", "nginx", "web")

    # Upgrades pass the same guard.
    with pytest.raises(Exception, match=f"Release {FIRST} in namespace first-system manages the Nginx of shop"):
        second.install(*watching(BLOG, SHOP), *at_most(5), *NO_CRD)
    second.install(*watching(BLOG), *at_most(4), *NO_CRD)


def contested(operator: Program) -> float:
    families = text_string_to_metric_families(operator.metrics())
    return next(sample.value for f in families for sample in f.samples if sample.name == "nginx_operator_contested")


def test_two_operators_of_one_namespace_settle(first: Program) -> None:
    """What no Helm installed no guard has seen. Another default image is no quarrel: what runs is kept."""
    bed, news = first.bed, Namespace(first.bed, NEWS)
    news.apply({"count": 1})
    with ExitStack() as stack:
        for number in (1, 2):
            image = ("--set", f"nginx.image=registry.example.com/nginx:{number}")
            name = stack.enter_context(corner(bed, NEWS, *image, namespace="first-system", suffix=f"-{number}"))
            product = Product(bed, first.log.parent / name, name, "first-system")
            product.folder.mkdir()
            options = ("--namespace", NEWS, "--lease-name", name, "--lease-namespace", "first-system")
            operator = product.operator(*options, port=19480 + number, name=name)
            stack.callback(operator.stop)
            operator.wait_log("leading")
            news.wait("nginx", serving(1))
            until(lambda operator=operator: reconciled(operator), seconds=PATIENCE, what="a reconcile that settles")
        found = news.get("deployment")
        assert found is not None
        assert found["metadata"]["generation"] == 1
        assert found["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1")


def reconciled(operator: Program) -> bool:
    return 'nginx_operator_reconcile_total{result="success"}' in operator.metrics()


def test_whoever_keeps_undoing_is_told_of_and_answered_slowly(first: Program) -> None:
    """As a second operator of another version does, or another controller."""
    bed, shop = first.bed, Namespace(first.bed, SHOP)
    shop.apply({"count": 1}, "fought-over")
    shop.wait("nginx", serving(1), "fought-over")
    path = DEPLOYMENTS.path(SHOP, "fought-over")
    undo = json.dumps({"spec": {"replicas": 2}}).encode()

    def undone() -> bool:
        if bed.request("GET", path)[1]["spec"]["replicas"] == 1:
            bed.request("PATCH", path, undo, {"Content-Type": "application/merge-patch+json"})
        return "more than 10 times" in first.text()

    until(undone, seconds=PATIENCE, what="a contest")
    line = first.wait_log("more than 10 times")
    assert f"[{SHOP}/fought-over]" in line
    assert "by a second nginx-operator that manages this namespace too" in line
    assert contested(first) == 1
    events = [event for event in shop.list("event") if event["reason"] == "Contested"]
    assert [event["type"] for event in events] == ["Warning"]
    until(lambda: contested(first) == 0, seconds=PATIENCE, what="the end of the contest")
    shop.wait("deployment", lambda found: found["spec"]["replicas"] == 1, "fought-over")
