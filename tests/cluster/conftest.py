"""The product on a real control plane: both programs run, kwok's fake nodes make pods Ready."""

from collections.abc import Iterator

import pytest

from tests.beds import bed_of_a_level
from tests.cluster.product import WITH_POLICY, Product
from tests.namespaces import Namespace, fresh
from tests.testbed import Bed


@pytest.fixture(scope="package")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real control plane with two of kwok's fake nodes: pods become Ready without running."""
    with bed_of_a_level(request, "test-cp", "control-plane", kwok_nodes=2) as bed:
        yield bed


@pytest.fixture(scope="package")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The chart installed; no process of it runs yet."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    product.install(
        *("--set", f"webhooks.policy.namespaces.{WITH_POLICY}.maxCount=3"),
        *("--set", f"webhooks.policy.namespaces.{WITH_POLICY}.defaultCount=2"),
    )
    yield product
    product.uninstall()


@pytest.fixture(scope="package")
def running(product: Product) -> Iterator[Product]:
    """Both processes run, and admission works."""
    webhooks = product.webhooks()
    # Without a Lease, which a busy machine may take away: test_processes is about that.
    operator = product.operator("--admission-probe", "--no-leader-election", "--log-level", "debug")
    try:
        webhooks.wait_ready()
        operator.wait_ready()
        yield product
    finally:
        codes = [operator.stop(), webhooks.stop()]
    assert codes == [0, 0], f"exit codes {codes}\n{operator.text()}\n{webhooks.text()}"


@pytest.fixture
def namespace(running: Product) -> Iterator[Namespace]:
    """A fresh namespace that enforces PodSecurity `restricted`."""
    with fresh(running.bed) as namespace:
        yield namespace
