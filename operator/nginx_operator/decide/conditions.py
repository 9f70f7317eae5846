"""The conditions of an Nginx: pure, from the spec and what was observed.

`Ready` is decided by a list of named predicates, first match wins; the last one always matches. No state is terminal:
each is left when its cause goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nginx_operator.decide.observation import Observation


@dataclass(frozen=True, slots=True)
class Condition:
    """Status, reason and message of a condition."""

    status: str
    reason: str
    message: str


def ready(observation: Observation) -> Condition:
    """The Ready condition."""
    return next(found for rule in _RULES if (found := rule(observation)) is not None)


def progressing(ready: Condition) -> Condition:
    """The Progressing condition: whether pods are on their way, and else the reason why not, which is Ready's."""
    return Condition("True" if ready.reason == "Progressing" else "False", ready.reason, ready.message)


# --- the rules, most decisive first -----------------------------------------------------------------------------------


def _is_being_deleted(s: Observation) -> Condition | None:
    if s.deleting:
        return Condition("False", "Deleting", "the Nginx is being deleted and waits for its finalizers")
    return None


def _spec_is_invalid(s: Observation) -> Condition | None:
    if s.spec is None:
        return Condition("False", "InvalidSpec", f"{s.invalid}. The pods are left as they are until this is corrected")
    return None


def _name_is_taken(s: Observation) -> Condition | None:
    for conflict in s.conflicts:
        what = f"{conflict.kind} {conflict.name}"
        if conflict.deleting:
            return Condition("False", "Progressing", f"waiting until {what}, which is being deleted, is gone")
        if conflict.leftover:
            return Condition(
                "False", "Progressing", f"waiting until {what} of the earlier Nginx of this name is removed"
            )
        return Condition(
            "False",
            "NameConflict",
            f"{what} exists and belongs to {conflict.owner}; it is left alone. "
            "Delete or rename it, or rename this Nginx",
        )
    return None


def _write_was_refused(s: Observation) -> Condition | None:
    for failure in s.failures:
        reason = "QuotaExceeded" if "exceeded quota" in failure.message else "ApplyFailed"
        return Condition("False", reason, f"{failure.what}: {failure.message}")
    return None


def _is_stopped(s: Observation) -> Condition | None:
    if s.count == 0 and not s.pods and s.settled:
        return Condition("False", "Stopped", "spec.count is 0: no nginx runs")
    return None


def _is_paused(s: Observation) -> Condition | None:
    if s.spec is None or not s.spec.paused:
        return None
    serves = s.count > 0 and s.ready == len(s.pods) == s.count
    return Condition(
        "True" if serves else "False",
        "Paused",
        f"spec.paused is true: changes are not made; {s.ready} of {s.count} pods are ready",
    )


def _all_serve(s: Observation) -> Condition | None:
    if s.rolled_out and s.ready == len(s.pods) == s.count and s.count > 0:
        return Condition("True", "Ready", "1 pod is ready" if s.count == 1 else f"all {s.count} pods are ready")
    return None


def _quota_is_exceeded(s: Observation) -> Condition | None:
    for condition in s.deployment.status.conditions if s.deployment else ():
        if condition.type == "ReplicaFailure" and condition.status == "True":
            reason = "QuotaExceeded" if "exceeded quota" in condition.message else "PodsRefused"
            return Condition("False", reason, condition.message)
    return None


def _image_cannot_be_pulled(s: Observation) -> Condition | None:
    return _waiting(s, "ImagePullFailed", {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


def _nginx_crashes(s: Observation) -> Condition | None:
    return _waiting(s, "CrashLooping", {"CrashLoopBackOff", "CreateContainerConfigError", "RunContainerError"})


def _pods_do_not_fit(s: Observation) -> Condition | None:
    for pod in s.pods:
        scheduled = pod.condition("PodScheduled")
        if scheduled is not None and scheduled.status == "False" and scheduled.reason == "Unschedulable":
            return Condition("False", "Unschedulable", f"{_progress(s)}; pod {pod.metadata.name}: {scheduled.message}")
    return None


def _rollout_is_late(s: Observation) -> Condition | None:
    for condition in s.deployment.status.conditions if s.deployment else ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return Condition("False", "PodsNotReady", f"{_progress(s)}, and there was no progress for 10 minutes")
    return None


def _is_on_its_way(s: Observation) -> Condition | None:
    return Condition("False", "Progressing", _progress(s))


_RULES: Final[tuple[Callable[[Observation], Condition | None], ...]] = (
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


def _waiting(s: Observation, reason: str, kubelet_reasons: set[str]) -> Condition | None:
    for pod in s.pods:
        for container in pod.status.container_statuses:
            waiting = container.state.waiting
            if waiting is not None and waiting.reason in kubelet_reasons:
                detail = waiting.message or waiting.reason
                return Condition("False", reason, f"{_progress(s)}; pod {pod.metadata.name}: {detail}")
    return None


def _progress(s: Observation) -> str:
    text = f"{s.ready} of {s.count} pods are ready"
    if s.deployment is not None:
        status = s.deployment.status
        if status.updated_replicas < status.replicas == len(s.pods):  # else it has yet to count them
            text += f", {status.replicas - status.updated_replicas} still of the earlier spec"
        if any(condition.reason == "DeploymentPaused" for condition in status.conditions):
            name = s.deployment.metadata.name
            text += f"; somebody paused the Deployment, which `kubectl rollout resume deployment {name}` ends"
    return f"{text}; {s.trouble}" if s.trouble else text
