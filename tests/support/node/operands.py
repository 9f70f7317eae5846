"""Nginx that serve while something happens to the release, and what became of their pods and children."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.audit import WRITES, Audit
from tests.support.load.pages import Pages, asked
from tests.support.namespaces import Namespace, serving

#: Resources that an upgrade of the operator leaves unwritten.
_CHILDREN = {"deployments", "replicasets", "services"}


@dataclass
class Served:
    """The outcome.

    Attributes:
        pages: what an HTTP client of theirs got.
        replaced: pods that are gone, or whose container was started again.
        written: writes of a Deployment, ReplicaSet or Service of theirs, status aside, one sentence each.
    """

    pages: Pages = field(default_factory=Pages)
    replaced: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Operands:
    """Nginx of one pod each, in a namespace of their own."""

    namespace: Namespace
    names: tuple[str, ...]

    @classmethod
    def make(cls, namespace: Namespace, number: int) -> "Operands":
        """Creates them, and waits until all serve."""
        operands = cls(namespace, tuple(f"web-{n}" for n in range(number)))
        for name in operands.names:
            namespace.apply({"count": 1}, name)
        for name in operands.names:
            namespace.wait("nginx", serving(1), name)
        return operands

    @contextmanager
    def watched(self) -> Iterator[Served]:
        """Requests their pages within the block; the result is complete after it."""
        served = Served()
        pods, versions, audit = self._pods(), self._versions(), Audit(self.namespace.bed.audit_log)
        with asked(self.namespace.bed, self.addresses()) as served.pages:
            yield served
        now = self._pods()
        served.replaced = [name for name, state in pods.items() if now.get(name) != state]
        served.written = list(self._writes(audit))
        after = self._versions()
        served.written += [f"{name} differs" for name, state in versions.items() if after.get(name) != state]

    def addresses(self) -> list[str]:
        """Where they serve: the ClusterIP of each Service."""
        return [str(service["spec"]["clusterIP"]) for service in self.namespace.list("service")]

    def _pods(self) -> dict[str, tuple[str, int]]:
        """uid and number of restarts of each pod, by its name."""
        return {
            pod["metadata"]["name"]: (
                pod["metadata"]["uid"],
                sum(status["restartCount"] for status in pod["status"].get("containerStatuses", ())),
            )
            for pod in self.namespace.list("pod")
        }

    def _versions(self) -> dict[str, Any]:
        """Of each Deployment what a write changes, but for its status."""
        return {found["metadata"]["name"]: _version(found["metadata"]) for found in self.namespace.list("deployment")}

    def _writes(self, audit: Audit) -> Iterator[str]:
        for request in audit.requests():
            target = request.get("objectRef", {})
            children = target.get("resource") in _CHILDREN and "subresource" not in target
            if request["verb"] in WRITES and children and target.get("namespace") == self.namespace.name:
                yield f"{request['user']['username']}: {request['verb']} {target['resource']}/{target.get('name')}"


def _version(meta: dict[str, Any]) -> Any:
    managed = [entry for entry in meta["managedFields"] if entry.get("subresource") != "status"]
    return meta["uid"], meta["generation"], meta.get("labels"), meta.get("annotations"), managed
