"""Namespaces of watchNamespaces that go and come back, with the chart's own Roles."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, fresh, nginx
from tests.support.product import IMAGE, Product, Program, corner


def exists(_: object) -> bool:
    return True


def wait_watched(bed: Bed, operator: Program, left_out: int) -> None:
    """Waits until /metrics tells this number, with which /readyz agrees."""
    line = f"nginx_operator_namespaces_left_out {left_out}.0"
    until(lambda: line in operator.metrics(), seconds=PATIENCE, what=line)
    assert operator.get("/readyz") == 200
    assert ("left out" in bed.read(operator.health, "/readyz")) == bool(left_out)


def create(namespace: Namespace, name: str) -> None:
    body = nginx({"count": 1, "image": IMAGE}, name=name)
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(body))


@contextmanager
def roles(bed: Bed, *namespaces: Namespace) -> Iterator[str]:
    """A release that watches these; the name of its operator's account."""
    names = ",".join(namespace.name for namespace in namespaces)
    with corner(bed, namespaces[0].name, "--set", f"watchNamespaces={{{names}}}") as name:
        yield name


def test_a_deleted_namespace_stops_the_operator_for_no_other(running: Product, tmp_path: Path) -> None:
    bed = running.bed
    with ExitStack() as stack:
        goes, stays = (stack.enter_context(fresh(bed)) for _ in range(2))
        name = stack.enter_context(roles(bed, goes, stays))
        kubeconfig = Product(bed, tmp_path).kubeconfig(name)
        operator = running.operator(
            *("--namespace", goes.name, "--namespace", stays.name, "--no-leader-election"),
            port=18097,
            name="left-out",
            KUBECONFIG=str(kubeconfig),
        )
        stack.callback(operator.stop, signal.SIGKILL)
        operator.wait_ready()
        wait_watched(bed, operator, 0)
        create(goes, "web")
        goes.wait("deployment", exists)

        bed.kubectl("delete", "namespace", goes.name, f"--timeout={PATIENCE:.0f}s")
        assert operator.stop() == 0
        operator.start_again()
        line = operator.wait_log("is left out until it can be read")
        assert f"namespace {goes.name} is left out" in line
        wait_watched(bed, operator, 1)
        assert goes.name in bed.read(operator.health, "/readyz")
        create(stays, "web")
        stays.wait("deployment", exists)

        bed.kubectl("create", "namespace", goes.name)
        create(goes, "again")
        stack.enter_context(roles(bed, goes, stays))  # as helm upgrade does
        goes.wait("deployment", exists, "again")
        wait_watched(bed, operator, 0)
        assert operator.stop() == 0
