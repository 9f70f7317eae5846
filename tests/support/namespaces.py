"""A namespace for one test on a real cluster, and short ways to look at its objects."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

import yaml

from nginx_operator.api import names
from nginx_operator.kube import resources
from nginx_operator.kube.resources import Resource
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.answers import ready_condition

#: Resources by kubectl's singular name.
RESOURCES = {
    "nginx": resources.NGINXES,
    "autoscaler": Resource("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    "configmap": resources.CONFIG_MAPS,
    "deployment": resources.DEPLOYMENTS,
    "replicaset": resources.REPLICA_SETS,
    "endpointslice": Resource("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    "event": resources.EVENTS,
    "pod": resources.PODS,
    "resourcequota": Resource("v1", "resourcequotas", "ResourceQuota"),
    "service": resources.SERVICES,
}


@dataclass
class Namespace:
    """One namespace. An object's name is `web` unless given."""

    bed: Bed
    name: str

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> CompletedProcess[str]:  # noqa: A002
        """kubectl in this namespace."""
        return self.bed.kubectl("-n", self.name, *arguments, input=input, check=check)

    def apply(self, spec: object, name: str = "web", *options: str, check: bool = True) -> CompletedProcess[str]:
        """kubectl apply of an Nginx. A spec of `...` is left out."""
        body = nginx(spec, name=name)
        if spec is ...:
            del body["spec"]
        return self.kubectl("apply", *options, "-f", "-", input=yaml.safe_dump(body), check=check)

    def get(self, kind: str, name: str = "web") -> dict[str, Any] | None:
        """An object, or None."""
        return self.bed.get(RESOURCES[kind].path(self.name, name))

    def list(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind."""
        found = self.bed.get(RESOURCES[kind].path(self.name))
        assert found is not None, f"the cluster has no {kind}"
        items: list[dict[str, Any]] = found["items"]
        return items

    def wait(
        self, kind: str, condition: Callable[[dict[str, Any]], Any], name: str = "web", seconds: float = PATIENCE
    ) -> dict[str, Any]:
        """Waits until an object fulfils a condition; returns the object."""

        def look() -> dict[str, Any] | None:
            found = self.get(kind, name)
            return found if found is not None and condition(found) else None

        try:
            return until(look, seconds=seconds, what=f"the awaited state of {kind} {name}")
        except TimeoutError as error:
            raise AssertionError(f"{error}; it is {json.dumps(self.get(kind, name), indent=1)}") from None

    def wait_reason(self, reason: str, name: str = "web") -> Mapping[str, str]:
        """Waits until Ready has this reason; returns the condition."""
        found = self.wait("nginx", lambda nginx: ready_condition(nginx).get("reason") == reason, name)
        return ready_condition(found)

    def wait_gone(self, kind: str, name: str = "web") -> None:
        """Waits until an object is gone."""
        until(lambda: self.get(kind, name) is None, seconds=PATIENCE, what=f"{kind} {name} gone")


def nginx(spec: object, **metadata: Any) -> dict[str, Any]:
    """An Nginx with this spec and metadata."""
    return {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata, "spec": spec}


@contextmanager
def fresh(bed: Bed) -> Iterator[Namespace]:
    """A namespace that enforces PodSecurity `restricted`; deleted at the end, without waiting for it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    status, answer = bed.request("POST", "/api/v1/namespaces", manifest)
    assert status == 201, answer
    yield Namespace(bed, name)
    bed.request("DELETE", f"/api/v1/namespaces/{name}")


def serving(count: int) -> Callable[[dict[str, Any]], bool]:
    """A condition: the Nginx has exactly `count` ready pods, and its status says so."""

    def look(nginx: dict[str, Any]) -> bool:
        status = nginx.get("status", {})
        return (
            status.get("readyCount") == status.get("count") == count == len(status.get("nodes", ()))
            and ready_condition(nginx).get("status") == "True"
            and status.get("observedGeneration") == nginx["metadata"]["generation"]
        )

    return look
