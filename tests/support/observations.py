"""What one reconcile may have seen: two pods of an Nginx that serves, unless told otherwise."""

from typing import Any

from nginx_operator.api.types import (
    Child,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    ContainerWaiting,
    DeploymentStatus,
    NginxSpec,
    ObjectMeta,
    OwnerReference,
    Pod,
    PodSpec,
    PodStatus,
)
from nginx_operator.decide.observation import Observation


def pod(name: str = "web-abc-1", *, ready: bool = True, waiting: str = "", phase: str = "Running", **meta: Any) -> Pod:
    """A pod of the Deployment; `waiting` is the reason that the kubelet gives."""
    status = ContainerStatus(
        "nginx", state=ContainerState(ContainerWaiting(waiting, f"{waiting}!")) if waiting else ContainerState()
    )
    owner = OwnerReference("ReplicaSet", "web-abc", "rs", controller=True)
    return Pod(
        ObjectMeta(**{"name": name, "labels": {"pod-template-hash": "abc"}, "owner_references": (owner,)} | meta),
        PodSpec((Container("nginx", "a:1"),)),
        PodStatus(phase, (Condition("Ready", str(ready)),), (status,)),
    )


def deployment(updated: int = 2, observed: int = 1, replicas: int = 2, **condition: Any) -> Child:
    """The Deployment of generation 1, with at most one condition."""
    conditions = (Condition(**condition),) if condition else ()
    return Child(
        ObjectMeta(name="web", generation=1),
        status=DeploymentStatus(observed, replicas, updated, conditions),
    )


def observation(**changes: Any) -> Observation:
    """An observation, with other values than those of an Nginx that serves."""
    values = {"spec": NginxSpec(2, "a:1"), "deployment": deployment(), "pods": (pod("web-abc-1"), pod("web-abc-2"))}
    return Observation(**values | changes)
