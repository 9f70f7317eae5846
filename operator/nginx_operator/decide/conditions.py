"""The conditions of an Nginx: pure, from the spec and what was observed.

`Ready` is decided by a list of named predicates, first match wins; the last one always matches. No state is terminal:
each is left when its cause goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nginx_operator.decide.compare import Difference
from nginx_operator.decide.observation import Observation

#: How many rewritten fields a message names.
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class ConditionState:
    """Status, reason and message of a condition."""

    status: str
    reason: str
    message: str


def ready(seen: Observation) -> ConditionState:
    """The Ready condition."""
    return next(found for rule in _RULES if (found := rule(seen)) is not None)


def progressing(ready: ConditionState) -> ConditionState:
    """The Progressing condition: whether pods are on their way, and else the reason why not, which is Ready's."""
    return ConditionState("True" if ready.reason == "Progressing" else "False", ready.reason, ready.message)


# --- the rules, most decisive first -----------------------------------------------------------------------------------


def _is_being_deleted(seen: Observation) -> ConditionState | None:
    if seen.deleting:
        return ConditionState("False", "Deleting", "the Nginx is being deleted and waits for its finalizers")
    return None


def _spec_is_invalid(seen: Observation) -> ConditionState | None:
    if seen.spec is None:
        return ConditionState(
            "False", "InvalidSpec", f"{seen.invalid}. The pods are left as they are until this is corrected"
        )
    return None


def _name_is_taken(seen: Observation) -> ConditionState | None:
    for conflict in seen.conflicts:
        what = f"{conflict.kind} {conflict.name}"
        if conflict.deleting:
            return ConditionState("False", "Progressing", f"waiting until {what}, which is being deleted, is gone")
        if conflict.leftover:
            return ConditionState(
                "False", "Progressing", f"waiting until {what} of the earlier Nginx of this name is removed"
            )
        return ConditionState(
            "False",
            "NameConflict",
            f"{what} exists and belongs to {conflict.owner}; it is left alone. "
            "Delete or rename it, or rename this Nginx",
        )
    return None


def _write_was_refused(seen: Observation) -> ConditionState | None:
    for failure in seen.failures:
        reason = "QuotaExceeded" if "exceeded quota" in failure.message else "ApplyFailed"
        return ConditionState("False", reason, f"{failure.what}: {failure.message}")
    return None


def _is_stopped(seen: Observation) -> ConditionState | None:
    if seen.count == 0 and not seen.pods and seen.applied:
        return ConditionState("False", "Stopped", "spec.count is 0: no nginx runs")
    return None


def _is_paused(seen: Observation) -> ConditionState | None:
    if seen.spec is None or not seen.spec.paused:
        return None
    serves = seen.count > 0 and seen.ready == len(seen.pods) == seen.count
    return ConditionState(
        "True" if serves else "False",
        "Paused",
        f"spec.paused is true: changes are not made; {seen.ready} of {seen.count} pods are ready",
    )


def _all_serve(seen: Observation) -> ConditionState | None:
    if seen.rolled_out and seen.ready == len(seen.pods) == seen.count and seen.count > 0:
        return ConditionState(
            "True", "Ready", "1 pod is ready" if seen.count == 1 else f"all {seen.count} pods are ready"
        )
    return None


def _quota_is_exceeded(seen: Observation) -> ConditionState | None:
    for condition in seen.deployment.status.conditions if seen.deployment else ():
        if condition.type == "ReplicaFailure" and condition.status == "True":
            reason = "QuotaExceeded" if "exceeded quota" in condition.message else "PodsRefused"
            return ConditionState("False", reason, condition.message)
    return None


def _image_cannot_be_pulled(seen: Observation) -> ConditionState | None:
    return _waiting(
        seen, "ImagePullFailed", {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
    )


def _nginx_crashes(seen: Observation) -> ConditionState | None:
    return _waiting(seen, "CrashLooping", {"CrashLoopBackOff", "CreateContainerConfigError", "RunContainerError"})


def _pods_do_not_fit(seen: Observation) -> ConditionState | None:
    for pod in seen.pods:
        scheduled = pod.condition("PodScheduled")
        if scheduled is not None and scheduled.status == "False" and scheduled.reason == "Unschedulable":
            return ConditionState(
                "False", "Unschedulable", f"{_progress(seen)}; pod {pod.metadata.name}: {scheduled.message}"
            )
    return None


def _rollout_is_late(seen: Observation) -> ConditionState | None:
    for condition in seen.deployment.status.conditions if seen.deployment else ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return ConditionState(
                "False", "PodsNotReady", f"{_progress(seen)}, and there was no progress for 10 minutes"
            )
    return None


def _is_on_its_way(seen: Observation) -> ConditionState | None:
    return ConditionState("False", "Progressing", _progress(seen))


_RULES: Final[tuple[Callable[[Observation], ConditionState | None], ...]] = (
    _is_being_deleted,
    _spec_is_invalid,
    _name_is_taken,
    _write_was_refused,
    _is_paused,
    _is_stopped,
    _all_serve,
    _quota_is_exceeded,
    _image_cannot_be_pulled,
    _nginx_crashes,
    _pods_do_not_fit,
    _rollout_is_late,
    _is_on_its_way,
)


def _waiting(seen: Observation, reason: str, kubelet_reasons: set[str]) -> ConditionState | None:
    for pod in seen.pods:
        for container in pod.status.container_statuses:
            waiting = container.state.waiting
            if waiting is not None and waiting.reason in kubelet_reasons:
                detail = waiting.message or waiting.reason
                return ConditionState("False", reason, f"{_progress(seen)}; pod {pod.metadata.name}: {detail}")
    return None


def _progress(seen: Observation) -> str:
    text = f"{seen.ready} of {seen.count} pods are ready"
    if seen.deployment is not None:
        status = seen.deployment.status
        if status.updated_replicas < status.replicas == len(seen.pods):  # else it has yet to count them
            text += f", {status.replicas - status.updated_replicas} still of the earlier spec"
        if any(condition.reason == "DeploymentPaused" for condition in status.conditions):
            name = seen.deployment.metadata.name
            text += f"; somebody paused the Deployment, which `kubectl rollout resume deployment {name}` ends"
    if seen.rewritten:
        text += f"; {_rewritten(seen.rewritten)}"
    return f"{text}; {seen.trouble}" if seen.trouble else text


def _rewritten(fields: Sequence[Difference]) -> str:
    """What the cluster made of what was sent: it may be why the pods are not ready."""
    more = f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else ""
    return f"admission changed {', '.join(map(str, fields[:_NAMED]))}{more}"
