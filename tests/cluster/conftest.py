"""The chart installed on a real control plane, and both of its programs running."""

from collections.abc import Iterator

import pytest

from testbed import Bed
from tests.support.namespaces import Namespace, fresh
from tests.support.policies import WITH_POLICY
from tests.support.product import Product, Program


@pytest.fixture(scope="package")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The chart installed; no process of it runs yet."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    product.install()
    yield product
    product.unroute()
    product.uninstall()


@pytest.fixture(scope="package")
def webhooks(product: Product) -> Iterator[Program]:
    """The process of the webhooks. A test that ends it starts it again."""
    program = product.webhooks()
    try:
        yield program
    finally:
        code = program.stop()
    assert code == 0, f"exit code {code}\n{program.text()}"


@pytest.fixture(scope="package")
def operator(product: Product, webhooks: Program) -> Iterator[Program]:
    """The process of the operator."""
    # Without a Lease, which a busy machine may take away: test_processes is about that.
    program = product.operator("--admission-probe", "--no-leader-election", "--log-level", "debug")
    try:
        webhooks.wait_ready()
        program.wait_ready()
        yield program
    finally:
        code = program.stop()
    assert code == 0, f"exit code {code}\n{program.text()}"


@pytest.fixture(scope="package")
def running(product: Product, operator: Program, webhooks: Program) -> Product:
    """Both processes run, and admission works."""
    return product


@pytest.fixture
def namespace(running: Product) -> Iterator[Namespace]:
    """A fresh namespace that enforces PodSecurity `restricted`."""
    with fresh(running.bed) as namespace:
        yield namespace


@pytest.fixture(scope="package")
def with_policy(running: Product) -> Iterator[Namespace]:
    """The namespace with a policy of its own. Its end takes long, so tests share it, and nothing waits for that."""
    running.bed.kubectl("create", "namespace", WITH_POLICY)
    yield Namespace(running.bed, WITH_POLICY)
    running.bed.kubectl("delete", "namespace", WITH_POLICY, "--wait=false")


@pytest.fixture
def listed(with_policy: Namespace) -> Iterator[Namespace]:
    """The same, without an Nginx."""
    yield with_policy
    with_policy.kubectl("delete", "nginx", "--all")
