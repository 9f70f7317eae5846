"""On clusters with IPv6 alone, and with both families: the product works, and the Service has what is asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed import Bed
from tests.support.beds import bed_of_a_level
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.product import Product


def product_on(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The chart installed, and both of its programs running."""
    product = Product(bed, tmp_path_factory.mktemp("families"))
    product.install()
    webhooks = product.webhooks()
    operator = product.operator("--admission-probe", "--no-leader-election")
    try:
        webhooks.wait_ready()
        operator.wait_ready()
        yield product
    finally:
        codes = [program.stop() for program in (operator, webhooks)]
    assert codes == [0, 0], f"{operator.text()}\n{webhooks.text()}"


@pytest.fixture(scope="module")
def ipv6(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product on a cluster without IPv4."""
    with bed_of_a_level(request, "test-ipv6", "control-plane", kwok_nodes=1, families="IPv6") as bed:
        yield from product_on(bed, tmp_path_factory)


@pytest.fixture(scope="module")
def dual(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product on a cluster of both families, where IPv4 comes first."""
    with bed_of_a_level(request, "test-dual", "control-plane", kwok_nodes=1, families="dual") as bed:
        yield from product_on(bed, tmp_path_factory)


def test_the_product_works_without_ipv4(ipv6: Product) -> None:
    """Both programs reach the API server by IPv6, and listen on [::]: kubelet, Prometheus and API server come there."""
    service = ipv6.bed.get(f"/api/v1/namespaces/{ipv6.namespace}/services/{ipv6.release}-webhooks")
    assert service is not None
    assert service["spec"]["ipFamilies"] == ["IPv6"]
    with fresh(ipv6.bed) as namespace:
        assert "101 is more than this cluster allows" in namespace.apply({"count": 101}, check=False).stderr
        namespace.apply({})
        found = namespace.wait("nginx", serving(1))
        assert found["spec"]["image"]  # by the other webhook
        assert families(namespace) == ("SingleStack", ["IPv6"])
        namespace.apply({"service": {"ipFamilyPolicy": "PreferDualStack"}})
        namespace.wait("service", lambda _: families(namespace) == ("PreferDualStack", ["IPv6"]))
        namespace.wait("nginx", serving(1))
        namespace.apply({"service": {"ipFamilyPolicy": "RequireDualStack"}})
        assert "dual-stack" in namespace.wait_reason("ApplyFailed")["message"]
        namespace.apply({"service": {"ipFamilyPolicy": "SingleStack"}})
        namespace.wait("nginx", serving(1))


@pytest.mark.parametrize("port", [18080, 19444])
def test_health_and_metrics_answer_by_ipv6(ipv6: Product, port: int) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ipv6.bed.status_of((ipv6.bed.node_ip, port), path) == 200
        assert ipv6.bed.status_of(("127.0.0.1", port), path) == 200  # and by IPv4, where there is that


def families(namespace: Namespace) -> tuple[str, list[str]]:
    """Policy and families of the Service."""
    found = namespace.get("service")
    assert found is not None
    return found["spec"]["ipFamilyPolicy"], found["spec"]["ipFamilies"]


def service(policy: str | None, *listed: str, **more: Any) -> dict[str, Any]:
    """A spec with that policy and these families."""
    fields = {"ipFamilyPolicy": policy, "ipFamilies": list(listed) or None, **more}
    return {"count": 1, "service": {name: value for name, value in fields.items() if value is not None}}


BOTH, SIX = ["IPv4", "IPv6"], ["IPv6", "IPv4"]
SINGLE, PREFER, REQUIRE = "SingleStack", "PreferDualStack", "RequireDualStack"
#: Specs one after the other, and the policy and families of the Service after each.
STEPS = [
    [
        (service(None), (SINGLE, ["IPv4"])),
        (service(PREFER), (PREFER, BOTH)),
        (service(SINGLE), (SINGLE, ["IPv4"])),
        (service(REQUIRE), (REQUIRE, BOTH)),
        (service(None, port=81), (REQUIRE, BOTH)),  # what is left out stays as it is
    ],
    [
        (service(PREFER, "IPv6"), (PREFER, SIX)),
        (service(PREFER, "IPv6", port=81), (PREFER, SIX)),
        (service(REQUIRE, "IPv6", "IPv4"), (REQUIRE, SIX)),
        (service(SINGLE, "IPv6"), (SINGLE, ["IPv6"])),
        (service(PREFER, "IPv6", "IPv4"), (PREFER, SIX)),
        (service(SINGLE), (SINGLE, ["IPv6"])),
        (service(None, "IPv6"), (SINGLE, ["IPv6"])),
        (service(PREFER, "IPv6"), (PREFER, SIX)),
        (service(None, "IPv6", port=82), (PREFER, SIX)),
        (service(None, port=83), (PREFER, SIX)),
    ],
]


@pytest.mark.parametrize("steps", STEPS, ids=["by the policy alone", "with families"])
def test_the_families_follow_the_spec(dual: Product, steps: list[Any]) -> None:
    with fresh(dual.bed) as namespace:
        for spec, expected in steps:
            namespace.apply(spec)
            namespace.wait("service", lambda _, expected=expected: families(namespace) == expected)
            namespace.wait("nginx", serving(1))


def test_families_that_others_have_set_stay(dual: Product) -> None:
    with fresh(dual.bed) as namespace:
        namespace.apply(service(None))
        namespace.wait("nginx", serving(1))
        namespace.kubectl(
            "patch", "service", "web", "--type=merge", "-p", '{"spec": {"ipFamilyPolicy": "PreferDualStack"}}'
        )
        namespace.apply(service(None, port=81))
        namespace.wait("service", lambda found: found["spec"]["ports"][0]["port"] == 81)
        assert families(namespace) == (PREFER, BOTH)


def test_the_first_family_is_refused_to_change_and_told_where_it_cannot_be_known(dual: Product) -> None:
    with fresh(dual.bed) as namespace:
        namespace.apply(service(PREFER, "IPv4"))
        namespace.wait("nginx", serving(1))
        done = namespace.apply(service(PREFER, "IPv6"), check=False)
        assert "a Service keeps its first family, IPv4, for life" in done.stderr
        namespace.apply(service(PREFER))
        namespace.apply(service(PREFER, "IPv6"))  # the webhook does not know of the Service
        message = namespace.wait_reason("ApplyFailed")["message"]
        assert "this one has IPv4; delete the Service, and it is created again with IPv6" in message
        namespace.kubectl("delete", "service", "web")
        namespace.wait("nginx", serving(1))
        assert families(namespace) == (PREFER, SIX)
