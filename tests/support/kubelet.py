"""What a kubelet tells of a pod, told by a test: through the API, of pods on nodes that only seem to be there."""

import time
from dataclasses import dataclass
from typing import Any

from nginx_operator.api import names
from nginx_operator.decide.timestamps import render
from tests.support.namespaces import RESOURCES, Namespace

MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass
class Kubelet:
    """Of the pods of one namespace."""

    namespace: Namespace

    def pods(self) -> list[str]:
        """Names of the pods that are not being deleted, sorted."""
        found = (pod["metadata"] for pod in self.namespace.list("pod"))
        return sorted(metadata["name"] for metadata in found if "deletionTimestamp" not in metadata)

    def tell(self, pod: str, *, ready: bool, message: str = "", **status: Any) -> None:
        """Says whether a pod is ready, and more of its status; lists replace those that are there."""
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": ago(0)} for kind in ("PodScheduled", "Initialized")
        ]
        told = {"type": "Ready", "status": str(ready), "lastTransitionTime": ago(0)}
        conditions.append(told if ready else {**told, "reason": "ContainersNotReady", "message": message})
        path = RESOURCES["pod"].path(self.namespace.name, pod, "status")
        code, answer = self.namespace.bed.request(
            "PATCH", path, {"status": {"conditions": conditions, **status}}, MERGE
        )
        assert code == 200, answer

    def warn(self, pod: str, reason: str, message: str) -> None:
        """Tells of a pod by an Event of type Warning."""
        found = self.namespace.get("pod", pod)
        assert found is not None
        target = {"apiVersion": "v1", "kind": "Pod", "namespace": self.namespace.name, "name": pod}
        event = {
            **{"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": f"{pod}."}},
            **{"type": "Warning", "reason": reason, "message": message, "count": 1},
            **{"firstTimestamp": ago(0), "lastTimestamp": ago(0), "source": {"component": "kubelet"}},
            "involvedObject": {**target, "uid": found["metadata"]["uid"]},
        }
        code, answer = self.namespace.bed.request("POST", f"/api/v1/namespaces/{self.namespace.name}/events", event)
        assert code == 201, answer


def ago(seconds: float) -> str:
    """The time so many seconds ago."""
    return render(time.time() - seconds)


def container(state: dict[str, Any], name: str = names.CONTAINER, *, restarts: int = 0, **last: Any) -> dict[str, Any]:
    """The status of a container; `last` is how it ended the last time."""
    more = {"lastState": {"terminated": last}} if last else {}
    return {
        **{"name": name, "state": state, "restartCount": restarts, "ready": "running" in state},
        **{"image": "example.com/image:1", "imageID": "", **more},
    }


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """The state of a container that waits."""
    return {"waiting": {"reason": reason, "message": message}}


def running(seconds: float = 0) -> dict[str, Any]:
    """The state of a container that runs since so many seconds."""
    return {"running": {"startedAt": ago(seconds)}}
