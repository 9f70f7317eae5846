"""The operator behind a proxy that makes faults, on a real control plane where kwok makes pods Ready."""

import signal
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
import yaml

from testbed import Bed
from tests.support.faults.process import Operator, Start
from tests.support.faults.proxy import Proxy
from tests.support.namespaces import Namespace, fresh
from tests.support.product import RELEASE, Product


@pytest.fixture(scope="package")
def account(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The chart is installed, without webhooks; a kubeconfig of the operator's ServiceAccount."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    product.install("--set", "webhooks.enabled=false")
    yield product.kubeconfig(RELEASE)
    product.uninstall()


@pytest.fixture
def proxy(control_plane: Bed) -> Iterator[Proxy]:
    """A proxy without faults."""
    proxy = Proxy()
    with proxy.running(control_plane):
        yield proxy


@pytest.fixture
def namespace(control_plane: Bed, account: Path) -> Iterator[Namespace]:
    """A fresh namespace."""
    with fresh(control_plane) as namespace:
        yield namespace


@pytest.fixture
def start(proxy: Proxy, account: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts operators, and ends them with the test."""
    running: list[Operator] = []
    numbers = count()

    def begin(namespace: Namespace | None, *arguments: str, by: Proxy = proxy, account: Path = account) -> Operator:
        number = next(numbers)
        config = yaml.safe_load(account.read_text())
        config["clusters"][0]["cluster"] = {"server": by.url}
        kubeconfig = tmp_path / f"kubeconfig-{number}"
        kubeconfig.write_text(yaml.safe_dump(config))
        scope = () if namespace is None else ("--namespace", namespace.name)
        options: Sequence[str] = (*scope, "--log-level", "debug", *arguments)
        if "--lease-name" not in arguments:
            options = ("--no-leader-election", *options)
        environ = {"KUBECONFIG": str(kubeconfig), "POD_NAME": f"operator-{number}"}
        operator = Operator.start(options, environ, tmp_path / f"operator-{number}.log")
        running.append(operator)
        return operator

    yield begin
    for operator in running:
        operator.end(signal.SIGKILL)
