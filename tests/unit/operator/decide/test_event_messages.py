"""What a user is told."""

from typing import Any

from nginx_operator.children import CHILDREN
from nginx_operator.decide import event_messages as changes
from nginx_operator.decide.compare import Difference
from nginx_operator.decide.plan import Adopt, Apply, Delete, UpdateOwnerReference

DEPLOYMENT, SERVICE = CHILDREN
BODY: dict[str, Any] = {"spec": {"replicas": 5}}


def ready(status: str, reason: str, message: str = "why") -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message}]}


def test_nothing_done_is_no_news() -> None:
    assert changes.of_actions([]) is None
    assert changes.of_actions([UpdateOwnerReference(SERVICE, "web", "1")]) is None


def test_one_event_for_all_that_one_reconcile_did() -> None:
    told = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, creates=True), Apply(SERVICE, "web", {}, creates=True)])
    assert told == ("Normal", "Created", "Deployment web is created; Service web is created")


def test_scaling_names_both_numbers() -> None:
    told = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, scaled_from=3)])
    assert told == ("Normal", "Scaled", "Deployment web is scaled from 3 to 5")


def test_scaling_from_zero_is_scaling() -> None:
    told = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, scaled_from=0)])
    assert told == ("Normal", "Scaled", "Deployment web is scaled from 0 to 5")


def test_what_is_adopted_is_told() -> None:
    told = changes.of_actions([Adopt(SERVICE, "web", BODY, "5")])
    assert told == ("Normal", "Adopted", "Service web had no owner, as after a restore, and is adopted")


def test_repair_update_and_delete() -> None:
    drift = (Difference("spec.replicas", 5, 3),)
    repaired = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, repairs=True, drift=drift, scaled_from=3)])
    remedy = "scale the Nginx, or point the autoscaler at it"
    assert repaired == ("Normal", "Repaired", f"Deployment web: spec.replicas 3 -> 5, changed by somebody: {remedy}")
    assert changes.of_actions([Apply(SERVICE, "web", {})]) == ("Normal", "Updated", "Service web is updated")
    assert changes.of_actions([Delete(SERVICE, "web", "u", "1")]) == ("Normal", "Deleted", "Service web is deleted")


def test_a_service_that_gets_another_class_tells_what_that_costs() -> None:
    told = changes.of_actions([Apply(SERVICE, "web", {}, via={}, repairs=True)])
    assert told is not None
    assert told.message == (
        "Service web gets another load balancer class by way of type ClusterIP: its cluster IP stays, "
        "its external address changes"
    )


def test_what_the_cluster_rewrote_is_one_event() -> None:
    image, replicas = Difference("spec.image", "a:1", "b:1"), Difference("spec.replicas", 5, 3)
    actions = [Apply(DEPLOYMENT, "web", BODY), Apply(SERVICE, "web", {})]
    told = changes.of_rewrites([(actions[0], [image, replicas]), (actions[1], [])])
    assert told == (
        "Normal",
        "Rewritten",
        "Deployment web: spec.image: sent a:1, the cluster stored b:1; "
        "Deployment web: spec.replicas: sent 5, the cluster stored 3",
    )
    assert changes.of_rewrites([(actions[1], [])]) is None


def test_a_status_is_told_when_status_or_reason_changes() -> None:
    assert changes.of_status(ready("False", "CrashLooping"), ready("True", "Ready")) == ("Normal", "Ready", "why")
    assert changes.of_status(ready("True", "Ready"), ready("False", "ImagePullFailed")) == (
        "Warning",
        "ImagePullFailed",
        "why",
    )
    assert changes.of_status(ready("True", "Ready"), ready("True", "Stopped")) == ("Normal", "Stopped", "why")
    assert changes.of_status(ready("False", "Progressing"), ready("True", "Stopped")) == ("Normal", "Stopped", "why")


def test_the_same_again_and_mere_progress_are_no_news() -> None:
    assert changes.of_status(ready("True", "Ready", "1"), ready("True", "Ready", "2")) is None
    assert changes.of_status({}, ready("False", "Progressing")) is None
    assert changes.of_status(ready("True", "Ready"), ready("False", "Contested")) is None  # it has an Event of its own
    assert changes.of_status({}, ready("True", "Ready")) is None
    assert changes.of_status(ready("False", "Progressing"), ready("True", "Ready")) is None


def test_a_rollout_that_scales_too_is_told_as_both() -> None:
    drift = (Difference("spec.replicas", 5, 3), Difference("spec.template.spec.containers[nginx].image", "b", "a"))
    told = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, scaled_from=3, drift=drift)])
    assert told == ("Normal", "Updated", "Deployment web is updated, and scaled from 3 to 5")
    (count, _) = drift
    told = changes.of_actions([Apply(DEPLOYMENT, "web", BODY, scaled_from=3, drift=(count,))])
    assert told == ("Normal", "Scaled", "Deployment web is scaled from 3 to 5")


def test_a_cause_is_told_when_it_is_first_known() -> None:
    cause = "pod web-1: Unhealthy: connection refused"
    on_its_way = ready("False", "Progressing", "0 of 1 pods are ready")
    assert changes.of_cause(on_its_way, cause) == ("Warning", "PodsNotReady", cause)
    assert changes.of_cause(ready("False", "Progressing", f"0 of 1 pods are ready; {cause}"), cause) is None
    assert changes.of_cause(on_its_way, "") is None
