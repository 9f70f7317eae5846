"""Two processes of the webhooks on a real control plane, once for each mode of certificates."""

from collections.abc import Iterator

import pytest

from testbed import Bed
from tests.support.product import Product
from tests.support.traffic import Traffic
from tests.support.webhooks.pair import PORTS


@pytest.fixture(scope="module")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Not installed yet: each mode has values of its own."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    yield product
    product.unroute()
    product.uninstall()


@pytest.fixture
def traffic(product: Product) -> Traffic:
    """Admissions and handshakes, to be run beside what a test does."""
    return Traffic(product.bed, PORTS)
