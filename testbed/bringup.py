"""Brings a bed up: files, namespaces, then the parts in order, waiting for each to be ready."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testbed import access, cgroups, controlplane, kwok, network, node, pki
from testbed.errors import BedError
from testbed.gobuild import ETCD, KUBERNETES, KWOK, PAUSE
from testbed.layout import Layout
from testbed.network import Families
from testbed.parts import FORWARDER, Parts
from testbed.progress import Progress
from testbed.ready import Readiness
from testbed.tools import Programs

PART_SECONDS = 300.0
"""How long a part may take to become ready: seconds are usual, but a machine may be very busy. A part that
ended is noticed at once, so only one that hangs takes all of it."""


def write_files(layout: Layout, port: int, families: Families) -> None:
    """Write certificates, tokens and configuration files; `port` is the forwarder's."""
    pki.write(layout.pki, node.NODE_NAME)
    tokens = access.new_tokens()
    ca = (layout.pki / "ca.crt").read_bytes()
    context = f"testbed-{layout.name}"
    _write(layout.tokens, access.tokens_csv(tokens))
    for user, token in tokens.items():
        inside = access.kubeconfig(context, access.INSIDE[families], ca, {"token": token})
        _write(layout.inside_kubeconfig(access.short(user)), inside)
    certificate = {
        "client-certificate": f"{layout.pki}/kubelet.crt",
        "client-key": f"{layout.pki}/kubelet.key",
    }
    _write(layout.inside_kubeconfig(node.KUBELET), access.kubeconfig(context, access.INSIDE[families], ca, certificate))
    outside = access.kubeconfig(context, f"https://127.0.0.1:{port}", ca, {"token": tokens[access.ADMIN]})
    _write(layout.kubeconfig, outside)
    _write(layout.file("audit-policy.yaml"), controlplane.AUDIT_POLICY)
    _write(layout.file("containerd.toml"), node.containerd_config(layout))
    _write(layout.file("kubelet.yaml"), node.kubelet_config(layout))
    _write(layout.cni / "10-pods.conflist", node.cni_config())


def _write(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


class BringUp:
    """Starts the parts of one bed."""

    def __init__(self, layout: Layout, programs: Programs, port: int, progress: Progress) -> None:
        self._layout = layout
        self._programs = programs
        self._progress = progress
        self._parts = Parts(layout)
        self._ready = Readiness(layout, self._parts, port)

    def control_plane(self, listener: int, families: Families) -> None:
        """Start the control plane; `listener` is the descriptor of the socket to forward from."""
        layout, parts = self._layout, self._parts
        with self._progress.step("etcd and kube-apiserver"):
            network.create(layout.netns, families)
            parts.start(controlplane.ETCD, [self._programs.path(ETCD, "etcd"), *controlplane.etcd(layout)])
            server = controlplane.apiserver(layout, families)
            parts.start(controlplane.APISERVER, [self._kubernetes("kube-apiserver"), *server])
            forwarder = str(Path(__file__).with_name("forwarder.py"))
            target = ("127.0.0.1", str(controlplane.API_PORT))
            parts.start(FORWARDER, [sys.executable, "-I", forwarder, *target], listener=listener)
            for part in (controlplane.ETCD, controlplane.APISERVER, FORWARDER):
                self.wait(part)
        with self._progress.step("kube-controller-manager and kube-scheduler"):
            # 1.30 resolves a webhook's Service by its Endpoints, which the controller would overwrite; 1.37 by
            # EndpointSlices, where the controller leaves others' slices alone.
            slices = self._programs.kubernetes is KUBERNETES
            manager = controlplane.controller_manager(layout, endpoints=slices)
            parts.start(controlplane.CONTROLLER_MANAGER, [self._kubernetes("kube-controller-manager"), *manager])
            scheduler = controlplane.scheduler(layout)
            parts.start(controlplane.SCHEDULER, [self._kubernetes("kube-scheduler"), *scheduler])
            self.wait(controlplane.CONTROLLER_MANAGER)
            self.wait(controlplane.SCHEDULER)
            parts.wait(
                controlplane.CONTROLLER_MANAGER,
                self._ready.default_account,
                seconds=PART_SECONDS,
                what="the default namespace's service account",
            )

    def fake_nodes(self, count: int, *, tainted: bool) -> None:
        """Start kwok and make `count` fake nodes."""
        with self._progress.step(f"kwok with {count} fake nodes") as step:
            data = self._programs.folders[KWOK.name] / "data"
            _write(self._layout.file("kwok.yaml"), kwok.config(data))
            self._parts.start(kwok.KWOK, [self._programs.path(KWOK, "kwok"), *kwok.arguments(self._layout)])
            self.wait(kwok.KWOK)
            with self._ready.connect() as connection:
                for index in range(count):
                    step.tell(f"{index} of {count}")
                    manifest = kwok.node(index, tainted=tainted)
                    status, body = connection.request("POST", "/api/v1/nodes", manifest)
                    if status != 201:
                        raise BedError(f"fake node {index}: {status}, {body.decode(errors='replace')}")
            self._parts.wait(
                kwok.KWOK,
                lambda: self._fake_ready() >= count,
                seconds=PART_SECONDS + count / 20,
                what=f"readiness of {count} fake nodes",
            )

    def _fake_ready(self) -> int:
        answer = self._ready.get(f"/api/v1/nodes?labelSelector=type%3D{kwok.KWOK}") or {"items": []}
        conditions = [item["status"].get("conditions", []) for item in answer["items"]]
        return sum(any(c["type"] == "Ready" and c["status"] == "True" for c in of_one) for of_one in conditions)

    def containers(self) -> None:
        """Create the node's cgroups and mounts, and start containerd."""
        layout, parts = self._layout, self._parts
        with self._progress.step("containerd"):
            cgroups.create(layout.id)
            for folder in (*node.PRIVATE_FOLDERS, node.KUBELET_FOLDER):
                Path(folder).mkdir(parents=True, exist_ok=True)
            holder = ["unshare", "--mount", "--propagation=slave", "--", "sleep", "infinity"]
            parts.start(node.MOUNTS, holder)
            self.wait(node.MOUNTS)
            script = [*parts.enter(node.CONTAINERD), "sh", "-ec", node.mount_script(layout)]
            done = subprocess.run(script, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise BedError(f"{node.MOUNTS}: {done.stderr.strip()}")
            parts.start(node.CONTAINERD, ["containerd", *node.containerd(layout)])
            self.wait(node.CONTAINERD)

    def real_node(self) -> None:
        """Start the kubelet and kube-proxy, and wait until the node is Ready and Services answer."""
        layout, parts = self._layout, self._parts
        with self._progress.step("kubelet and kube-proxy"):
            parts.start(node.KUBELET, [self._kubernetes("kubelet"), *node.kubelet(layout)])
            parts.start(node.KUBE_PROXY, [self._kubernetes("kube-proxy"), *node.kube_proxy(layout)])
            self.wait(node.KUBELET)
            self.wait(node.KUBE_PROXY)

    def wait(self, part: str) -> None:
        """Wait until a part is ready."""
        self._parts.wait(part, lambda: self._ready.of(part), seconds=PART_SECONDS, what="readiness")

    def pause(self) -> Path:
        """Return the pause program."""
        return Path(self._programs.path(PAUSE, "pause"))

    def _kubernetes(self, program: str) -> str:
        return self._programs.path(self._programs.kubernetes, program)
