"""What `helm install --wait` of a user's chart does with an Nginx, while no operator works and afterwards."""

from pathlib import Path

import pytest
import yaml

from testbed import Bed
from testbed.errors import BedError
from testbed.waiting import PATIENCE
from tests.support.health import Health
from tests.support.namespaces import Namespace, fresh, nginx, serving
from tests.support.product import Product


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart of a user, with nothing but an Nginx."""
    folder = tmp_path / "shop"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (folder / "templates" / "nginx.yaml").write_text(yaml.safe_dump(nginx({"count": 2}, name="web")))
    return folder


def install(bed: Bed, namespace: Namespace, chart: Path, timeout: str, version: int = 4) -> None:
    command = ("upgrade", "--install", "shop", str(chart), "-n", namespace.name, "--wait", "--timeout", timeout)
    bed.helm(*command, version=3 if version == 3 else 4)


def test_helm_4_waits_for_the_pods_and_an_operator_that_is_away_answers_nothing(
    product: Product,
    chart: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    product.install()
    webhooks = product.webhooks()
    try:
        webhooks.wait_ready()
        with fresh(product.bed) as namespace:
            with pytest.raises(BedError, match="InProgress"):
                install(product.bed, namespace, chart, "3s")
            found = namespace.get("nginx")
            assert found is not None
            assert found["status"] == {"observedGeneration": -1}
            assert Health(request, tmp_path).of([found]) == [("InProgress", "Progressing")]
            install(product.bed, namespace, chart, "3s", version=3)  # it waits for no custom resource

            operator = product.operator("--admission-probe")
            try:
                install(product.bed, namespace, chart, f"{PATIENCE:.0f}s")
                found = namespace.get("nginx")
                assert found is not None
                assert serving(2)(found)
            finally:
                operator.stop()
    finally:
        webhooks.stop()
