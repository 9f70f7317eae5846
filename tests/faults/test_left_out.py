"""Namespaces of watchNamespaces that go and come back, with the chart's own Roles."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.product import IMAGE, Product, Program, corner

SPEC = {"count": 1, "image": IMAGE}


@contextmanager
def release(bed: Bed, *namespaces: Namespace) -> Iterator[str]:
    """A release that watches these, with a Role in each; the name of its operator's account."""
    names = ",".join(namespace.name for namespace in namespaces)
    with corner(bed, namespaces[0].name, "--set", f"watchNamespaces={{{names}}}") as name:
        yield name


def wait_left_out(operator: Program, *names: str) -> None:
    """Waits until /metrics tells their number, and /readyz their names beside its 200."""
    line = f"nginx_operator_namespaces_left_out {len(names)}.0"
    until(lambda: line in operator.metrics(), seconds=PATIENCE, what=line)
    assert operator.get("/readyz") == 200
    told = operator.bed.read(operator.health, "/readyz")
    left_out = f"ok; left out, because their objects may not be read: namespaces {', '.join(names)}. Where one was "
    assert told.startswith(left_out) if names else told == "ok\n"


def test_a_deleted_namespace_stops_the_operator_for_no_other(control_plane: Bed, account: Path, tmp_path: Path) -> None:
    assert account.exists()  # the CRD is installed
    product = Product(control_plane, tmp_path)
    with ExitStack() as stack:
        goes, stays = (stack.enter_context(fresh(control_plane)) for _ in range(2))
        kubeconfig = product.kubeconfig(stack.enter_context(release(control_plane, goes, stays)))
        operator = product.operator(
            *("--namespace", goes.name, "--namespace", stays.name, "--no-leader-election"),
            port=18097,
            KUBECONFIG=str(kubeconfig),
        )
        stack.callback(operator.stop, signal.SIGKILL)
        operator.wait_ready()
        wait_left_out(operator)
        goes.apply(SPEC)
        goes.wait("nginx", serving(1))

        control_plane.kubectl("delete", "namespace", goes.name, f"--timeout={PATIENCE:.0f}s")
        assert operator.stop() == 0
        operator.start_again()
        line = operator.wait_log(f"namespace {goes.name} is left out until it can be read")
        assert 'cannot list resource "nginxes"' in line
        wait_left_out(operator, goes.name)
        stays.apply(SPEC)
        stays.wait("nginx", serving(1))

        control_plane.kubectl("create", "namespace", goes.name)
        goes.apply(SPEC, "again")
        wait_left_out(operator, goes.name)
        stack.enter_context(release(control_plane, goes, stays))  # as helm upgrade does
        goes.wait("nginx", serving(1), "again")
        wait_left_out(operator)
        assert operator.stop() == 0
