"""The Ready condition in each state of the cluster, and that the same state gives the same status."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from nginx_operator.api import names
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
from nginx_operator.cache import transforms
from nginx_operator.decide import conditions
from nginx_operator.decide.compare import IMAGE, Difference
from nginx_operator.decide.observation import Observation
from nginx_operator.decide.outcome import Failure
from nginx_operator.decide.plan import Conflict
from nginx_operator.decide.status import compute, own_pods, was_ready

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def pod(name: str = "web-abc-1", *, ready: bool = True, waiting: str = "", phase: str = "Running", **meta: Any) -> Pod:
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
    conditions = (Condition(**condition),) if condition else ()
    return Child(
        ObjectMeta(name="web", generation=1),
        status=DeploymentStatus(observed, replicas, updated, conditions),
    )


def observation(**changes: Any) -> Observation:
    values = {"spec": NginxSpec(2, "a:1"), "deployment": deployment(), "pods": (pod("web-abc-1"), pod("web-abc-2"))}
    return Observation(**values | changes)


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "True", "Ready", "all 2 pods are ready"),
    ({"spec": None, "invalid": "spec.count: x"}, "False", "InvalidSpec", "spec.count: x"),
    ({"conflicts": (Conflict("Service", "web", "Shop web"),)}, "False", "NameConflict", "belongs to Shop web"),
    ({"conflicts": (Conflict("Service", "web", "", leftover=True),)}, "False", "Progressing", "earlier Nginx"),
    ({"failures": (Failure("Service web", "Invalid", "no"),)}, "False", "ApplyFailed", "Service web: no"),
    (
        {"failures": (Failure("Service web", "Forbidden", "exceeded quota: q"),)},
        "False",
        "QuotaExceeded",
        "exceeded quota",
    ),
    ({"spec": NginxSpec(0, "a:1"), "pods": (), "deployment": deployment(0)}, "False", "Stopped", "count is 0"),
    ({"spec": NginxSpec(0, "a:1")}, "False", "Progressing", "2 of 0"),
    ({"spec": NginxSpec(2, "a:1", paused=True)}, "True", "Paused", "2 of 2"),
    ({"spec": NginxSpec(3, "a:1", paused=True)}, "False", "Paused", "2 of 3"),
    ({"deployment": None, "pods": ()}, "False", "Progressing", "0 of 2"),
    ({"applied": False}, "False", "Progressing", "2 of 2"),
    ({"deployment": deployment(observed=0)}, "False", "Progressing", "2 of 2"),
    ({"deployment": deployment(observed=0), "was_ready": True}, "True", "Ready", "all 2 pods"),
    ({"deployment": deployment(observed=0, updated=1), "was_ready": True}, "False", "Progressing", "2 of 2"),
    (
        {"deployment": deployment(updated=1)},
        "False",
        "Progressing",
        "2 of 2 pods are ready, 1 still of the earlier spec",
    ),
    (
        {"pods": (pod("a"),), "rewritten": (Difference("spec.replicas", 2, 1),)},
        "False",
        "Progressing",
        "1 of 2 pods are ready; admission changed spec.replicas: sent 2, the cluster stored 1",
    ),
    (
        {"pods": (pod("a"),), "rewritten": (Difference("a", 2, 1),) * 5},
        "False",
        "Progressing",
        "a: sent 2, the cluster stored 1 and 2 more",
    ),
    ({"rewritten": (Difference("spec.replicas", 2, 3),)}, "True", "Ready", "all 2 pods are ready"),
    ({"pods": (pod("a"), pod("b"), pod("c"))}, "False", "Progressing", "3 of 2"),
    ({"pods": (pod("a"), pod("b", ready=False))}, "False", "Progressing", "1 of 2"),
    (
        {"pods": (pod("a", ready=False, waiting="ImagePullBackOff"),)},
        "False",
        "ImagePullFailed",
        "pod a: ImagePullBackOff!",
    ),
    ({"pods": (pod("a", ready=False, waiting="CrashLoopBackOff"),)}, "False", "CrashLooping", "pod a"),
    (
        {"pods": (), "deployment": deployment(type="ReplicaFailure", status="True", message="exceeded quota: q")},
        "False",
        "QuotaExceeded",
        "exceeded quota: q",
    ),
    (
        {
            "pods": (),
            "deployment": deployment(type="Progressing", status="False", reason="ProgressDeadlineExceeded"),
        },
        "False",
        "PodsNotReady",
        "no progress",
    ),
    (
        {"pods": (), "deployment": deployment(type="Progressing", status="Unknown", reason="DeploymentPaused")},
        "False",
        "Progressing",
        "kubectl rollout resume deployment web",
    ),
]


@pytest.mark.parametrize(("changes", "status", "reason", "words"), CASES)
def test_ready(changes: dict[str, Any], status: str, reason: str, words: str) -> None:
    found = conditions.ready(observation(**changes))
    assert (found.status, found.reason) == (status, reason)
    assert words in found.message


@pytest.mark.parametrize("changes", [changes for changes, *_ in CASES])
def test_what_the_caches_keep_is_all_that_a_status_needs(owner: ObjectMeta, changes: dict[str, Any]) -> None:
    whole = observation(**changes)
    kept = replace(
        whole,
        pods=tuple(map(transforms.pod, whole.pods)),
        deployment=transforms.child(whole.deployment) if whole.deployment else None,
    )
    assert compute(owner, {}, kept, NOW) == compute(owner, {}, whole, NOW)


def test_a_pod_that_fits_nowhere() -> None:
    stuck = pod("a", ready=False)
    stuck.status.conditions = (Condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available"),)
    found = conditions.ready(observation(pods=(stuck,)))
    assert (found.reason, "0/1 nodes" in found.message) == ("Unschedulable", True)


def test_own_pods_are_live_pods_of_the_deployments_replicasets_sorted() -> None:
    pods = [
        pod("web-abc-2"),
        pod("web-abc-1"),
        pod("deleting", deletion_timestamp=NOW),
        pod("done", phase="Succeeded"),
        pod("evicted", phase="Failed"),
        pod("bare", owner_references=()),
        pod("other", owner_references=(OwnerReference("ReplicaSet", "else-abc", "u", controller=True),)),
    ]
    assert [found.metadata.name for found in own_pods("web", pods)] == ["web-abc-1", "web-abc-2"]


def test_pods_are_found_among_what_the_caches_keep() -> None:
    pods = [pod("web-abc-1"), pod("web-abc-2", deletion_timestamp=NOW), pod("web-abc-3", phase="Failed"), pod("x-1")]
    assert [found.metadata.name for found in own_pods("web", map(transforms.pod, pods))] == [
        found.metadata.name for found in own_pods("web", pods)
    ]


def test_status_as_a_whole(owner: ObjectMeta) -> None:
    assert compute(owner, {}, observation(), NOW) == {
        "observedGeneration": 3,
        "nodes": ["web-abc-1", "web-abc-2"],
        "count": 2,
        "readyCount": 2,
        "selector": names.selector("web"),
        "image": "a:1",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 3,
                "lastTransitionTime": NOW,
                "reason": "Ready",
                "message": "all 2 pods are ready",
            },
            {
                "type": "Progressing",
                "status": "False",
                "observedGeneration": 3,
                "lastTransitionTime": NOW,
                "reason": "Ready",
                "message": "all 2 pods are ready",
            },
        ],
    }


def test_the_image_is_the_one_that_the_cluster_makes_of_the_wanted_one(owner: ObjectMeta) -> None:
    """As soon as a pod runs it, like any other; pods of the earlier image may be more."""
    rewritten = (Difference(IMAGE, "a:1", "mirror/a:1"),)
    images = ("old:1", "old:1", "mirror/a:1")
    pods = tuple(msgspec.structs.replace(pod(), spec=PodSpec((Container("nginx", image),))) for image in images)
    assert compute(owner, {}, observation(pods=pods, rewritten=rewritten), NOW)["image"] == "mirror/a:1"
    assert compute(owner, {}, observation(pods=pods), NOW)["image"] == "old:1"
    other = observation(pods=pods, rewritten=(Difference(IMAGE, "b:1", "mirror/a:1"),))  # of another spec
    assert compute(owner, {}, other, NOW)["image"] == "old:1"


def test_an_image_that_the_schema_cannot_hold_is_left_out(owner: ObjectMeta) -> None:
    for length, held in ((512, True), (513, False)):
        running = Pod(pod().metadata, PodSpec((Container("nginx", "a" * length),)), pod().status)
        assert ("image" in compute(owner, {}, observation(pods=(running,)), NOW)) == held


def test_ready_before_counts_for_the_same_generation_only(owner: ObjectMeta) -> None:
    ready = compute(owner, {}, observation(), NOW)
    assert was_ready(owner, ready)
    assert not was_ready(ObjectMeta("web", generation=owner.generation + 1), ready)
    assert not was_ready(owner, compute(owner, {}, observation(pods=()), NOW))
    assert not was_ready(owner, {})


def test_progressing_says_whether_pods_are_on_their_way(owner: ObjectMeta) -> None:
    def found(**changes: Any) -> tuple[str, str]:
        condition = compute(owner, {}, observation(**changes), NOW)["conditions"][1]
        return condition["status"], condition["reason"]

    assert found(pods=()) == ("True", "Progressing")
    assert found() == ("False", "Ready")
    assert found(spec=None, invalid="spec.count: x") == ("False", "InvalidSpec")
    assert found(pods=(pod("a", ready=False, waiting="ImagePullBackOff"),)) == ("False", "ImagePullFailed")


def test_the_same_state_gives_the_same_status_later(owner: ObjectMeta) -> None:
    first = compute(owner, {}, observation(), NOW)
    assert compute(owner, first, observation(), LATER) == first


def test_the_time_of_transition_follows_the_status_not_the_reason(owner: ObjectMeta) -> None:
    first = compute(owner, {}, observation(pods=()), NOW)
    stopped = compute(owner, first, observation(spec=NginxSpec(0, "a:1"), pods=(), deployment=deployment(0)), LATER)
    ready = compute(owner, first, observation(), LATER)
    assert stopped["conditions"][0]["lastTransitionTime"] == NOW
    assert ready["conditions"][0]["lastTransitionTime"] == LATER
