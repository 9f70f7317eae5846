"""The CustomResourceDefinition is deleted while the operator runs, and comes back."""

import json
import signal
from contextlib import ExitStack
from pathlib import Path

from nginx_operator.kube.resources import DEFINITIONS
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE, Product

PATH = DEFINITIONS.path(None, "nginxes.proxy.example.com")
MISSING = "CustomResourceDefinition nginxes.proxy.example.com is not installed"
SPEC = {"count": 1, "image": IMAGE}


def established(bed: Bed) -> bool:
    conditions = (bed.get(PATH) or {}).get("status", {}).get("conditions") or []
    return ("Established", "True") in {(each["type"], each["status"]) for each in conditions}


def test_it_is_named_while_it_is_away_and_waited_for(
    control_plane: Bed, account: Path, namespace: Namespace, tmp_path: Path
) -> None:
    kept = control_plane.get(PATH)
    assert kept is not None
    product = Product(control_plane, tmp_path)
    with ExitStack() as stack:
        operator = product.operator("--no-leader-election", port=18099, KUBECONFIG=str(account))
        stack.callback(operator.stop, signal.SIGKILL)
        operator.wait_ready()
        namespace.apply(SPEC)
        namespace.wait("nginx", serving(1))
        control_plane.kubectl("delete", "crd", "nginxes.proxy.example.com", f"--timeout={PATIENCE:.0f}s")
        try:
            operator.wait_log(f"cannot watch nginxes: {MISSING}")
            until(lambda: operator.get("/readyz") == 503, seconds=PATIENCE, what="an operator that is not ready")
            assert operator.bed.read(operator.health, "/readyz") == f"{MISSING}\n"
            assert 'nginx_operator_watch_failing{resource="nginxes"} 1.0' in operator.metrics()
            assert operator.get("/healthz") == 200  # a restart would not help
        finally:
            again = {
                **{key: kept[key] for key in ("apiVersion", "kind", "spec")},
                "metadata": {key: kept["metadata"][key] for key in ("name", "labels", "annotations")},
            }
            as_helm = (
                "apply",
                "--server-side",
                "--field-manager=helm",
                "-f",
                "-",
            )  # the chart's own
            control_plane.kubectl(*as_helm, input=json.dumps(again))
            until(lambda: established(control_plane), seconds=PATIENCE, what="the definition")
        until(lambda: operator.get("/readyz") == 200, seconds=PATIENCE, what="an operator that is ready")
        namespace.apply(SPEC, "again")
        namespace.wait("nginx", serving(1), "again")
        assert operator.stop() == 0
