"""The Ready condition in each state of the cluster, and that the same state gives the same status."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Condition, Container, NginxSpec, ObjectMeta, OwnerReference, Pod, PodSpec
from nginx_operator.cache import transforms
from nginx_operator.decide import conditions
from nginx_operator.decide.compare import IMAGE, Difference
from nginx_operator.decide.observation import Observation
from nginx_operator.decide.outcome import Failure
from nginx_operator.decide.plan import NameConflict
from nginx_operator.decide.status import DEADLINE, Status, changes_in, compute, own_pods, stored_condition, was_ready
from tests.support.observations import deployment, observation, pod

NOW, LATER = 1767225600.0, 1767312000.0  # seconds since 1970, as in AT_NOW and AT_LATER
AT_NOW, AT_LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def computed(owner: ObjectMeta, old: Status, seen: Observation, now: float) -> Status:
    return compute(owner, old, replace(seen, now=now))


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({}, "True", "Ready", "all 2 pods are ready"),
    ({"spec": None, "invalid": "spec.count: x"}, "False", "InvalidSpec", "spec.count: x"),
    ({"name_conflicts": (NameConflict("Service", "web", "Shop web"),)}, "False", "NameConflict", "belongs to Shop web"),
    ({"name_conflicts": (NameConflict("Service", "web", "", leftover=True),)}, "False", "Progressing", "earlier Nginx"),
    ({"failures": (Failure("Service web", "Invalid", "no"),)}, "False", "ApplyFailed", "Service web: no"),
    (
        {"failures": (Failure("Service web", "Invalid", "provided port is already allocated"),)},
        "False",
        "ApplyFailed",
        "Service web: provided port is already allocated; set another spec.service.nodePort, or remove it to "
        "get a free one",
    ),
    (
        {"failures": (Failure("Service web", "Forbidden", "exceeded quota: q"),)},
        "False",
        "QuotaExceeded",
        "exceeded quota",
    ),
    (
        {"name_conflicts": (NameConflict("Deployment", "web", "no Nginx", orphaned=True),)},
        "False",
        "NameConflict",
        "belongs to no Nginx; the operator does not touch it. It was made for another spec. ",
    ),
    (
        {"pods": (), "deployment": deployment(type="ReplicaFailure", status="True", message="failed quota: q: must s")},
        "False",
        "QuotaExceeded",
        "failed quota: q: must s; set spec.resources, or have a LimitRange",
    ),
    ({"spec": NginxSpec(0, "a:1"), "pods": (), "deployment": deployment(0)}, "True", "Stopped", "count is 0"),
    ({"spec": NginxSpec(0, "a:1")}, "False", "Progressing", "0 of 0 pods are ready, 2 more are terminating"),
    ({"spec": NginxSpec(2, "a:1", paused=True)}, "True", "Paused", "2 of 2"),
    ({"spec": NginxSpec(3, "a:1", paused=True)}, "False", "Paused", "2 of 3"),
    ({"spec": NginxSpec(0, "a:1", paused=True), "pods": ()}, "True", "Paused", "no change is applied; 0 of 0"),
    (
        {"spec": NginxSpec(2, "a:1", paused=True), "held": ("Deployment web",)},
        "True",
        "Paused",
        "1 change waits (Deployment web); 2 of 2 pods are ready",
    ),
    ({"contested": True}, "False", "Contested", "somebody else keeps undoing"),
    ({"deployment": None, "pods": ()}, "False", "Progressing", "0 of 2"),
    ({"applied": False}, "False", "Progressing", "2 of 2 pods are ready, the Deployment and the Service have yet"),
    ({"deployment": deployment(observed=0)}, "False", "Progressing", "2 of 2 pods are ready, the rollout of this spec"),
    ({"deployment": deployment(updated=1, replicas=1)}, "False", "Progressing", "has yet to count them"),
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
    ({"pods": (pod("a"), pod("b"), pod("c"))}, "False", "Progressing", "2 of 2 pods are ready, 1 more is terminating"),
    ({"pods": (pod("a"), pod("b", ready=False))}, "False", "Progressing", "1 of 2"),
    (
        {"pods": (pod("a", ready=False, waiting="ImagePullBackOff"),)},
        "False",
        "ImagePullFailed",
        "pod a: container nginx: ImagePullBackOff: ImagePullBackOff!",
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
    assert computed(owner, {}, kept, NOW) == computed(owner, {}, whole, NOW)


def test_a_pod_that_fits_nowhere() -> None:
    stuck = pod("a", ready=False)
    stuck.status.conditions = (Condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available"),)
    found = conditions.ready(observation(pods=(stuck,)))
    assert (found.reason, "0/1 nodes" in found.message) == ("Unschedulable", True)


def test_own_pods_are_live_pods_of_the_deployments_replicasets_sorted() -> None:
    pods = [
        pod("web-abc-2"),
        pod("web-abc-1"),
        pod("deleting", deletion_timestamp=AT_NOW),
        pod("done", phase="Succeeded"),
        pod("evicted", phase="Failed"),
        pod("bare", owner_references=()),
        pod("other", owner_references=(OwnerReference("ReplicaSet", "else-abc", "u", controller=True),)),
    ]
    assert [found.metadata.name for found in own_pods("web", pods)] == ["web-abc-1", "web-abc-2"]


def test_pods_are_found_among_what_the_caches_keep() -> None:
    pods = [pod("web-abc-1"), pod("web-abc-2", deletion_timestamp=AT_NOW), pod("web-abc-3", phase="Failed"), pod("x-1")]
    assert [found.metadata.name for found in own_pods("web", map(transforms.pod, pods))] == [
        found.metadata.name for found in own_pods("web", pods)
    ]


def test_status_as_a_whole(owner: ObjectMeta) -> None:
    assert computed(owner, {}, observation(), NOW) == {
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
                "lastTransitionTime": AT_NOW,
                "reason": "Ready",
                "message": "all 2 pods are ready",
            },
            {
                "type": "Progressing",
                "status": "False",
                "observedGeneration": 3,
                "lastTransitionTime": AT_NOW,
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
    assert compute(owner, {}, observation(pods=pods, rewritten=rewritten))["image"] == "mirror/a:1"
    assert compute(owner, {}, observation(pods=pods))["image"] == "old:1"
    other = observation(pods=pods, rewritten=(Difference(IMAGE, "b:1", "mirror/a:1"),))  # of another spec
    assert compute(owner, {}, other)["image"] == "old:1"


def test_an_image_that_the_schema_cannot_hold_is_left_out(owner: ObjectMeta) -> None:
    for length, held in ((512, True), (513, False)):
        running = Pod(pod().metadata, PodSpec((Container("nginx", "a" * length),)), pod().status)
        assert ("image" in computed(owner, {}, observation(pods=(running,)), NOW)) == held


def test_ready_before_counts_for_the_same_generation_only(owner: ObjectMeta) -> None:
    ready = computed(owner, {}, observation(), NOW)
    assert was_ready(owner, ready)
    assert not was_ready(ObjectMeta("web", generation=owner.generation + 1), ready)
    assert not was_ready(owner, computed(owner, {}, observation(pods=()), NOW))
    assert not was_ready(owner, {})


def test_progressing_says_whether_pods_are_on_their_way(owner: ObjectMeta) -> None:
    def found(**changes: Any) -> tuple[str, str]:
        condition = computed(owner, {}, observation(**changes), NOW)["conditions"][1]
        return condition["status"], condition["reason"]

    assert found(pods=()) == ("True", "Progressing")
    assert found() == ("False", "Ready")
    assert found(spec=None, invalid="spec.count: x") == ("False", "InvalidSpec")
    assert found(pods=(pod("a", ready=False, waiting="ImagePullBackOff"),)) == ("False", "ImagePullFailed")


def test_the_same_state_gives_the_same_status_later(owner: ObjectMeta) -> None:
    first = computed(owner, {}, observation(), NOW)
    assert computed(owner, first, observation(), LATER) == first


def test_the_time_of_transition_follows_the_status_not_the_reason(owner: ObjectMeta) -> None:
    first = computed(owner, {}, observation(pods=()), NOW)
    refused = computed(owner, first, observation(failures=(Failure("Service web", "Invalid", "no"),)), LATER)
    ready = computed(owner, first, observation(), LATER)
    assert refused["conditions"][0]["lastTransitionTime"] == AT_NOW
    assert ready["conditions"][0]["lastTransitionTime"] == AT_LATER


# --- the deadline of progress ---

UNREADY = (pod("a"), pod("b", ready=False))


def reasons(status: Status) -> dict[str, str]:
    """Type -> reason of each condition, and the status where it is True."""
    return {each["type"]: f"{each['reason']} {each['status']}" for each in status["conditions"]}


LATE = {"Ready": "PodsNotReady False", "Progressing": "PodsNotReady False", "Stalled": "PodsNotReady True"}
COMING = {"Ready": "Progressing False", "Progressing": "Progressing True"}


def test_pods_that_lose_readiness_have_a_deadline(owner: ObjectMeta) -> None:
    ready = computed(owner, {}, observation(), NOW)
    assert "lastProgressTime" not in ready
    lost = computed(owner, ready, observation(pods=UNREADY), LATER)
    assert (reasons(lost), lost["lastProgressTime"]) == (COMING, AT_LATER)
    assert changes_in(lost, observation(pods=UNREADY, now=LATER + 60)) == DEADLINE - 60
    assert computed(owner, lost, observation(pods=UNREADY), LATER + DEADLINE - 1) == lost
    late = computed(owner, lost, observation(pods=UNREADY), LATER + DEADLINE)
    assert reasons(late) == LATE
    assert late["conditions"][0]["message"].endswith("no progress for 10 minutes; pod b: not ready")
    assert changes_in(late, observation(pods=UNREADY, now=LATER + DEADLINE)) == 0
    assert computed(owner, late, observation(pods=UNREADY), LATER + 9 * DEADLINE) == late
    healed = computed(owner, late, observation(), LATER + 9 * DEADLINE)
    assert reasons(healed) == {"Ready": "Ready True", "Progressing": "Ready False"}
    assert "lastProgressTime" not in healed


def test_one_ready_pod_more_starts_the_deadline_anew(owner: ObjectMeta) -> None:
    scaled = {"spec": NginxSpec(3, "a:1"), "deployment": deployment(3, replicas=3)}
    status = computed(owner, {}, observation(**scaled, pods=UNREADY), NOW)
    more = observation(**scaled, pods=(*UNREADY, pod("c")))
    status = computed(owner, status, more, NOW + DEADLINE - 1)
    assert reasons(computed(owner, status, more, NOW + DEADLINE)) == COMING
    late = computed(owner, status, more, NOW + 2 * DEADLINE)
    assert reasons(late) == LATE
    fewer = computed(owner, late, observation(**scaled, pods=UNREADY), NOW + 2 * DEADLINE + 1)
    assert reasons(fewer) == LATE


@pytest.mark.parametrize(
    ("waiting", "stalled"), [("ErrImagePull", None), ("CreateContainerError", None), ("CrashLoopBackOff", "True")]
)
def test_one_ready_pod_more_is_progress_beside_a_failure_too_but_not_in_a_crash_loop(
    owner: ObjectMeta, waiting: str, stalled: str | None
) -> None:
    failing = pod("a", ready=False, waiting=waiting)
    status = computed(owner, {}, observation(pods=(failing,)), NOW)
    status = computed(owner, status, observation(pods=(failing, pod("b"))), NOW + DEADLINE - 1)
    status = computed(owner, status, observation(pods=(failing, pod("b"))), NOW + DEADLINE)
    assert stored_condition(status, "Stalled").get("status") == stalled


def test_progress_of_the_deployment_starts_the_deadline_anew(owner: ObjectMeta) -> None:
    def rollout(status: str, at: str, reason: str = "ReplicaSetUpdated") -> Observation:
        found = deployment(1, type="Progressing", status=status, reason=reason, last_update_time=at)
        return observation(deployment=found)

    status = computed(owner, {}, rollout("True", AT_NOW), NOW)
    later = NOW + DEADLINE
    assert reasons(computed(owner, status, rollout("True", "2026-01-01T00:05:00Z"), later)) == COMING
    assert reasons(computed(owner, status, rollout("Unknown", "2026-01-01T00:05:00Z"), later)) == LATE
    done = rollout("True", "2026-01-01T00:05:00Z", "NewReplicaSetAvailable")
    assert reasons(computed(owner, status, done, later)) == LATE
    # A clock ahead of ours puts nothing off beyond what a new deadline would.
    ahead = computed(owner, status, rollout("True", AT_LATER), later)
    assert ahead["lastProgressTime"] == "2026-01-01T00:10:00Z"


def test_another_spec_starts_the_deadline_anew(owner: ObjectMeta) -> None:
    status = computed(owner, {}, observation(pods=UNREADY), NOW)
    late = computed(owner, status, observation(pods=UNREADY), NOW + DEADLINE)
    changed = ObjectMeta("web", generation=owner.generation + 1)
    assert reasons(computed(changed, late, observation(pods=UNREADY), NOW + DEADLINE)) == COMING


def test_the_end_of_a_failure_starts_the_deadline_anew_and_its_change_does_not(owner: ObjectMeta) -> None:
    failing = observation(pods=(pod("a", ready=False, waiting="ImagePullBackOff"),))
    status = computed(owner, {}, failing, NOW)
    assert reasons(status) == {"Ready": "ImagePullFailed False", "Progressing": "ImagePullFailed False"}
    stalled = computed(owner, status, failing, NOW + DEADLINE)
    assert reasons(stalled)["Stalled"] == "ImagePullFailed True"
    crashing = observation(pods=(pod("a", ready=False, waiting="CrashLoopBackOff"),))
    assert reasons(computed(owner, stalled, crashing, NOW + DEADLINE))["Stalled"] == "CrashLooping True"
    coming = computed(owner, stalled, observation(pods=UNREADY), NOW + DEADLINE)
    assert reasons(coming) == COMING
    assert changes_in(coming, observation(pods=UNREADY, now=NOW + DEADLINE)) == DEADLINE


def test_a_deadline_is_kept_over_a_restart_and_begins_where_an_earlier_version_knew_none(owner: ObjectMeta) -> None:
    seen = observation(pods=UNREADY)
    stored = computed(owner, {}, seen, NOW)
    assert reasons(computed(owner, stored, seen, NOW + DEADLINE)) == LATE  # all that is needed is in the status
    del stored["lastProgressTime"]
    earlier = computed(owner, stored, seen, NOW + DEADLINE)
    assert (reasons(earlier), earlier["lastProgressTime"]) == (COMING, "2026-01-01T00:10:00Z")


def test_what_cannot_be_written_for_ten_minutes_is_told_as_such(owner: ObjectMeta) -> None:
    waits = observation(applied=False, name_conflicts=(NameConflict("Service", "web", "this Nginx", deleting=True),))
    status = computed(owner, {}, waits, NOW)
    late = computed(owner, status, waits, NOW + DEADLINE)
    assert reasons(late) == {
        "Ready": "ApplyFailed False",
        "Progressing": "ApplyFailed False",
        "Stalled": "ApplyFailed True",
    }
    assert "Service web, which is being deleted, is gone; there was no progress" in late["conditions"][0]["message"]
    assert computed(owner, late, waits, NOW + 2 * DEADLINE) == late
    assert reasons(computed(owner, late, observation(pods=UNREADY), NOW + 2 * DEADLINE)) == COMING


def test_who_waits_for_nothing_has_no_deadline(owner: ObjectMeta) -> None:
    for seen in (
        observation(spec=NginxSpec(0, "a:1"), pods=(), deployment=deployment(0)),
        observation(deleting=True),
        observation(spec=NginxSpec(2, "a:1", paused=True)),
    ):
        status = computed(owner, {}, seen, NOW)
        assert "lastProgressTime" not in status
        assert computed(owner, status, seen, NOW + DEADLINE) == status
        assert "Stalled" not in reasons(status)


def test_paused_is_stalled_at_once_where_a_change_waits_and_late_where_pods_do_not_serve(owner: ObjectMeta) -> None:
    paused = NginxSpec(2, "a:1", paused=True)
    held = computed(owner, {}, observation(spec=paused, held=("Deployment web",)), NOW)
    assert reasons(held) == {"Ready": "Paused True", "Progressing": "Paused False", "Stalled": "Paused True"}
    unready = observation(spec=paused, pods=UNREADY)
    status = computed(owner, {}, unready, NOW)
    assert reasons(status) == {"Ready": "Paused False", "Progressing": "Paused False"}
    assert reasons(computed(owner, status, unready, NOW + DEADLINE))["Stalled"] == "Paused True"


def test_a_ready_status_of_an_earlier_version_is_right_as_it_is(owner: ObjectMeta) -> None:
    """An upgrade of the operator writes no status of an Nginx that is ready."""
    status = computed(owner, {}, observation(), NOW)
    assert {each["type"] for each in status["conditions"]} == {"Ready", "Progressing"}
    assert status.keys() == {"observedGeneration", "nodes", "count", "readyCount", "selector", "conditions", "image"}
