"""The product on a real control plane: both programs run, kwok's fake nodes make pods Ready."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.cluster.product import Product
from tests.testbed import Bed
from tests.testbed.waiting import until


@pytest.fixture(scope="session")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The chart installed; no process of it runs yet."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    product.install()
    yield product
    product.uninstall()


@pytest.fixture(scope="session")
def running(product: Product) -> Iterator[Product]:
    """Both processes run, and admission works."""
    webhooks = product.webhooks()
    operator = product.operator("--admission-probe", "--log-level", "debug")
    try:
        webhooks.wait_ready()
        operator.wait_ready()
        yield product
    finally:
        codes = [operator.stop(), webhooks.stop()]
    assert codes == [0, 0], f"exit codes {codes}\n{operator.text()}\n{webhooks.text()}"


@dataclass
class Namespace:
    """A namespace of a test's own, and short ways to look at it."""

    bed: Bed
    name: str

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> Any:  # noqa: A002
        """kubectl in this namespace."""
        return self.bed.kubectl("-n", self.name, *arguments, input=input, check=check)

    def apply(self, spec: object, name: str = "web", *options: str, check: bool = True) -> Any:
        """kubectl apply of an Nginx. A spec of `...` is left out."""
        body: dict[str, Any] = {
            "apiVersion": "proxy.example.com/v1alpha1",
            "kind": "Nginx",
            "metadata": {"name": name},
        }
        if spec is not ...:
            body["spec"] = spec
        return self.kubectl("apply", *options, "-f", "-", input=yaml.safe_dump(body), check=check)

    def get(self, kind: str, name: str = "web") -> dict[str, Any] | None:
        """An object, or None."""
        done = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        found: dict[str, Any] | None = json.loads(done.stdout) if done.stdout else None
        return found

    def wait(
        self, kind: str, condition: Callable[[dict[str, Any]], Any], name: str = "web", seconds: float = 60
    ) -> Any:
        """Waits until an object fulfils a condition; returns the object."""

        def look() -> dict[str, Any] | None:
            found = self.get(kind, name)
            return found if found is not None and condition(found) else None

        try:
            return until(look, seconds=seconds, what=f"the awaited state of {kind} {name}", every=0.2)
        except TimeoutError as error:
            raise AssertionError(f"{error}; it is {json.dumps(self.get(kind, name), indent=1)}") from None

    def wait_reason(self, reason: str, name: str = "web") -> dict[str, Any]:
        """Waits until Ready has this reason; returns the condition."""
        found = self.wait("nginx", lambda nginx: ready(nginx).get("reason") == reason, name)
        return ready(found)

    def wait_gone(self, kind: str, name: str = "web") -> None:
        """Waits until an object is gone."""
        until(lambda: self.get(kind, name) is None, seconds=60, what=f"{kind} {name} gone", every=0.2)


def ready(nginx: dict[str, Any]) -> dict[str, Any]:
    """The Ready condition, or an empty one."""
    conditions = nginx.get("status", {}).get("conditions", [])
    found: dict[str, Any] = next((c for c in conditions if c["type"] == "Ready"), {})
    return found


@pytest.fixture
def namespace(running: Product) -> Iterator[Namespace]:
    """A fresh namespace that enforces PodSecurity `restricted`."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    bed = running.bed
    bed.kubectl("create", "namespace", name)
    bed.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield Namespace(bed, name)
    bed.kubectl("delete", "namespace", name, "--wait=false")
