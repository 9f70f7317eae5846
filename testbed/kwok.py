"""Fake nodes for scale: kwok plays their kubelets, so that pods become Ready without containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed import access
from testbed.layout import Layout

KWOK = "kwok"
STAGES = ("node/fast", "node/heartbeat", "pod/fast")
"""What happens to nodes and pods: the folders of kwok's own stages that make them ready at once."""
ANNOTATION = "kwok.x-k8s.io/node"
FAKE = "fake"
PORT = 10247
POD_NETWORK = "10.128.0.0/16"


def arguments(layout: Layout) -> list[str]:
    """Kwok's arguments."""
    return [
        f"--kubeconfig={layout.inside_kubeconfig(access.KWOK)}",
        f"--config={layout.file('kwok.yaml')}",
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={ANNOTATION}={FAKE}",
        f"--cidr={POD_NETWORK}",
        f"--server-address=127.0.0.1:{PORT}",
    ]


def config(data: Path) -> str:
    """Return kwok's configuration: its stages, joined; `data` is the folder that holds them."""
    files = [
        file for stage in STAGES for file in sorted((data / stage).glob("*.yaml")) if file.name != "kustomization.yaml"
    ]
    return "---\n".join(file.read_text(encoding="utf-8") for file in files)


def node(index: int, *, tainted: bool) -> dict[str, Any]:
    """Return the manifest of a fake node.

    Where there is a real node too, the fake ones are tainted, so that only pods that tolerate it land
    there: nothing answers at the address of a fake pod.
    """
    name = f"kwok-{index}"
    taint = {"key": ANNOTATION, "value": FAKE, "effect": "NoSchedule"}
    size = {"cpu": "64", "memory": "256Gi", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {ANNOTATION: FAKE},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": KWOK,
            },
        },
        "spec": {"taints": [taint]} if tainted else {},
        "status": {"allocatable": size, "capacity": size},
    }
