"""A control plane on which each test installs the chart for itself, and leaves nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from testbed import Bed
from tests.support.lifecycle import INSIDE, OURS, OUTSIDE, Running
from tests.support.product import NAMESPACE, Product


@pytest.fixture
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Not installed yet, into a namespace that is there."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(manifest))
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    yield product
    product.uninstall()
    # What was applied without Helm, or what a test that failed left; the namespace stays, because its end takes long.
    product.unroute()
    control_plane.kubectl("delete", INSIDE, "-n", NAMESPACE, "-l", OURS)
    control_plane.kubectl("delete", OUTSIDE, "-l", OURS)


@pytest.fixture
def running(product: Product) -> Running:
    """Runs both processes, once the chart is installed."""

    @contextmanager
    def run() -> Iterator[None]:
        webhooks = product.webhooks()
        operator = product.operator("--admission-probe")
        try:
            webhooks.wait_ready()
            operator.wait_ready()
            yield
        finally:
            # How they end is not looked at: the account, the Lease or the kind may be gone by now.
            operator.stop()
            webhooks.stop()

    return run
