"""Readiness probes of the parts, sent to where the bed's clients connect."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from testbed import access, api, controlplane, kwok, node
from testbed.layout import Layout
from testbed.parts import FORWARDER, Parts

LOOPBACK = "127.0.0.1"
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"
NODE = f"/api/v1/nodes/{node.NODE_NAME}"


class Readiness:
    """Answers whether the parts of one bed are ready; `port` is the forwarder's."""

    def __init__(self, layout: Layout, parts: Parts, port: int) -> None:
        self._layout = layout
        self._parts = parts
        self._port = port

    def of(self, part: str) -> bool:
        """Return whether the part answers as it should."""
        probes: Mapping[str, Callable[[], bool]] = {
            controlplane.ETCD: lambda: bool(self._plain(2379, "/health")),
            controlplane.APISERVER: lambda: _ok(self.get("/readyz")),
            FORWARDER: self._forwarder,
            controlplane.CONTROLLER_MANAGER: lambda: self._own_tls(controlplane.CONTROLLER_MANAGER_PORT),
            controlplane.SCHEDULER: lambda: self._own_tls(controlplane.SCHEDULER_PORT),
            kwok.KWOK: lambda: bool(self._plain(kwok.PORT, "/healthz")),
            node.MOUNTS: self._mounts,
            node.CONTAINERD: self._containerd,
            node.KUBELET: lambda: bool(self._plain(10248, "/healthz")) and self.node_ready(),
            node.KUBE_PROXY: self._service_network,
        }
        return probes[part]()

    def connect(self, ip: str = LOOPBACK, port: int = controlplane.API_PORT) -> api.Connection:
        """Connect to the API server inside of the bed, as the administrator."""
        return api.Connection(self._layout.netns, (ip, port), self._trust(), self._token())

    def get(self, path: str) -> Any:
        """Return what the API server answers to a GET, or None when that is no success."""
        return api.answers(self.connect, path)

    def default_account(self) -> bool:
        """Return whether the controllers have made the default namespace's service account."""
        return self.get(DEFAULT_ACCOUNT) is not None

    def node_ready(self) -> bool:
        """Return whether the real node's condition Ready is True."""
        found = self.get(NODE) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def _trust(self) -> Any:
        return api.trusting(self._layout.pki / "ca.crt")

    def _token(self) -> str:
        return access.token_of(access.ADMIN, self._layout.tokens.read_text(encoding="utf-8"))

    def _plain(self, port: int, path: str) -> Any:
        return api.answers(lambda: api.Connection(self._layout.netns, (LOOPBACK, port)), path)

    def _own_tls(self, port: int) -> bool:
        def connect() -> api.Connection:
            return api.Connection(self._layout.netns, (LOOPBACK, port), api.unverified())

        return _ok(api.answers(connect, "/healthz"))

    def _forwarder(self) -> bool:
        def connect() -> api.Connection:
            return api.Connection(None, (LOOPBACK, self._port), self._trust(), self._token())

        return _ok(api.answers(connect, "/readyz"))

    def _service_network(self) -> bool:
        return _ok(api.answers(lambda: self.connect(controlplane.API_CLUSTER_IP, 443), "/readyz"))

    def _mounts(self) -> bool:
        holder = self._parts.process(node.MOUNTS)
        with contextlib.suppress(OSError):
            if holder is not None:
                own = Path("/proc/self/ns/mnt").readlink()
                return Path(f"/proc/{holder.pid}/ns/mnt").readlink() != own
        return False

    def _containerd(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(str(self._parts.mount_root() / "run/containerd/containerd.sock"))
            return True
        return False


def _ok(answer: object) -> bool:
    return answer == "ok"
