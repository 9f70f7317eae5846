"""The conditions of an Nginx: pure, from the spec and what was observed.

`Ready` is decided by a list of named predicates, first match wins; the last one always matches. No state is terminal:
each is left when its cause goes.

`Stalled` is for tools that wait, as kstatus has it: it is there, and True, only where waiting longer is of no use until
somebody does something. So a rule that finds a fault says Ready=False at once, and Stalled follows when the deadline of
progress has passed (status.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nginx_operator.decide import config_test, pod_troubles
from nginx_operator.decide.compare import Difference
from nginx_operator.decide.observation import Observation

#: How to have a child recreated that was this Nginx's and differs from what it asks for now, by kind.
_REMADE: Final = {
    "Deployment": "It was made for another spec. `kubectl delete deployment {name} --cascade=orphan` has it recreated "
    "while its pods keep serving; or set the spec that it was made for, and it is adopted",
    "Service": "It was made for another spec. Set the spec that it was made for, and it is adopted; or "
    "`kubectl delete service {name}` has it recreated, with another address",
}
#: What to do where the API server refuses a child in these words; it names the child's field.
_REMEDIES: Final = (
    (
        "provided port is already allocated",
        "set another spec.service.nodePort, or remove it to get a free one",
    ),
    ("provided port is not in the valid range", "set spec.service.nodePort within it, or remove it"),
)
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


def late(seen: Observation, progressing: str) -> ConditionState:
    """The Ready condition where there was no progress for too long; `progressing` says where things stand."""
    reason = "PodsNotReady" if seen.applied else "ApplyFailed"
    unready = next((pod for pod in seen.pods if not pod.ready), None)
    of_a_pod = f"; {pod_troubles.says(unready)}" if unready and not (seen.troubles or seen.pod_event) else ""
    return ConditionState("False", reason, f"{progressing}; there was no progress for 10 minutes{of_a_pod}")


def stalled(seen: Observation, ready: ConditionState, *, overdue: bool) -> ConditionState | None:
    """The Stalled condition, or None where it does not hold.

    Args:
        seen: what was observed.
        ready: the Ready condition.
        overdue: the deadline of progress has passed.
    """
    held = ready.reason == "Paused" and seen.held
    return ConditionState("True", ready.reason, ready.message) if overdue or held else None


def progressing(ready: ConditionState) -> ConditionState:
    """The Progressing condition: whether pods are on their way, and else the reason why not, which is Ready's."""
    return ConditionState("True" if ready.reason == "Progressing" else "False", ready.reason, ready.message)


def config_valid(seen: Observation) -> ConditionState | None:
    """The ConfigValid condition: what nginx says of the configuration that the spec holds. None where it holds none."""
    if not seen.written:
        return None
    if seen.config_refusal:
        return ConditionState("False", "ConfigTestFailed", seen.config_refusal)
    if config_test.passed(seen.pods, seen.written):
        return ConditionState("True", "ConfigTestPassed", "nginx accepted the configuration in a pod of this image")
    return ConditionState("Unknown", "NotTested", "no pod has tested the configuration yet")


# --- the rules, most decisive first -----------------------------------------------------------------------------------


def _is_being_deleted(seen: Observation) -> ConditionState | None:
    if seen.deleting:
        named = f": {', '.join(seen.finalizers)}" if seen.finalizers else ""
        waits = f"the Nginx is being deleted and waits until its metadata.finalizers are removed{named}"
        return ConditionState("False", "Deleting", waits)
    return None


def _spec_is_invalid(seen: Observation) -> ConditionState | None:
    if seen.spec is None:
        return ConditionState(
            "False", "InvalidSpec", f"{seen.invalid}. The pods stay as they are until this is corrected"
        )
    return None


def _name_is_taken(seen: Observation) -> ConditionState | None:
    for conflict in seen.name_conflicts:
        what = f"{conflict.kind} {conflict.name}"
        if conflict.deleting:
            held = f"; its finalizers hold it: {', '.join(conflict.finalizers)}" if conflict.finalizers else ""
            waits = f"waiting until {what}, which is being deleted, is gone{held}"
            return ConditionState("False", "Progressing", waits)
        if conflict.leftover:
            return ConditionState(
                "False", "Progressing", f"waiting until {what} of the earlier Nginx of this name is removed"
            )
        remedy = "Delete it, or create this Nginx under another name"
        if conflict.orphaned:
            remedy = _REMADE.get(conflict.kind, remedy).format(name=conflict.name)
        message = f"{what} exists and belongs to {conflict.owner}; the operator does not touch it. {remedy}"
        return ConditionState("False", "NameConflict", message)
    return None


def _write_was_refused(seen: Observation) -> ConditionState | None:
    for failure in seen.failures:
        remedy = next((f"; {does}" for words, does in _REMEDIES if words in failure.message), "")
        return _refused("ApplyFailed", f"{failure.what}: {failure.message}{remedy}")
    return None


def _is_contested(seen: Observation) -> ConditionState | None:
    if seen.contested:
        text = "somebody else keeps undoing what the operator writes, see the event Contested"
        return ConditionState("False", "Contested", f"{text}; {_progress(seen)}")
    return None


def _is_stopped(seen: Observation) -> ConditionState | None:
    if seen.count == 0 and not seen.pods and seen.applied:
        return ConditionState("True", "Stopped", "spec.count is 0: no nginx runs")
    return None


def _is_paused(seen: Observation) -> ConditionState | None:
    if seen.spec is None or not seen.spec.paused:
        return None
    changes = "no change is applied"
    if seen.held:
        changes = f"{_plural(len(seen.held), 'change waits', 'changes wait')} ({'; '.join(seen.held)})"
    text = f"spec.paused is true: {changes}; {_progress(seen)}"
    return ConditionState("True" if seen.serves else "False", "Paused", text)


def _all_serve(seen: Observation) -> ConditionState | None:
    if seen.rolled_out and seen.serves and seen.count > 0:
        return ConditionState(
            "True", "Ready", "1 pod is ready" if seen.count == 1 else f"all {seen.count} pods are ready"
        )
    return None


def _replicas_are_refused(seen: Observation) -> ConditionState | None:
    for condition in seen.deployment.status.conditions if seen.deployment else ():
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return _refused("PodsRefused", condition.message)
    return None


def _configuration_is_refused(seen: Observation) -> ConditionState | None:
    if not seen.config_refusal:
        return None
    message = f"nginx refuses the configuration: {seen.config_refusal}; {_numbers(seen)}"
    return ConditionState("False", "ConfigTestFailed", message)


def _image_cannot_be_pulled(seen: Observation) -> ConditionState | None:
    return _failing_container(seen, "ImagePullFailed")


def _container_cannot_start(seen: Observation) -> ConditionState | None:
    return _failing_container(seen, "CannotStart")


def _container_crashes(seen: Observation) -> ConditionState | None:
    return _failing_container(seen, "CrashLooping")


def _pods_do_not_fit(seen: Observation) -> ConditionState | None:
    for pod in seen.pods:
        scheduled = pod.condition("PodScheduled")
        if scheduled is not None and scheduled.status == "False" and scheduled.reason == "Unschedulable":
            message = f"{_numbers(seen)}; pod {pod.metadata.name}: {scheduled.message}"
            if "Insufficient" in scheduled.message:
                message += "; lower spec.resources.requests or spec.count, or have nodes added"
            return ConditionState("False", "Unschedulable", message)
    return None


def _rollout_is_late(seen: Observation) -> ConditionState | None:
    for condition in seen.deployment.status.conditions if seen.deployment else ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return late(seen, _progress(seen))
    return None


def _is_on_its_way(seen: Observation) -> ConditionState | None:
    return ConditionState("False", "Progressing", _progress(seen))


_RULES: Final[tuple[Callable[[Observation], ConditionState | None], ...]] = (
    _is_being_deleted,
    _spec_is_invalid,
    _name_is_taken,
    _write_was_refused,
    _is_contested,
    _is_paused,
    _is_stopped,
    _all_serve,
    _replicas_are_refused,
    _configuration_is_refused,
    _image_cannot_be_pulled,
    _container_cannot_start,
    _container_crashes,
    _pods_do_not_fit,
    _rollout_is_late,
    _is_on_its_way,
)


def _refused(reason: str, message: str) -> ConditionState:
    """What the API server refused; by a quota, it is that (plugin/pkg/admission/resourcequota)."""
    if "failed quota: " in message:
        why = f"{message}; set spec.resources, or have a LimitRange of the namespace give defaults"
        return ConditionState("False", "QuotaExceeded", why)
    return ConditionState("False", "QuotaExceeded" if "exceeded quota: " in message else reason, message)


def _plural(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _failing_container(seen: Observation, reason: str) -> ConditionState | None:
    message = next((trouble.message for trouble in seen.troubles if trouble.reason == reason), None)
    if not message:
        return None
    limited = seen.spec is not None and "memory" in seen.spec.resources.get("limits", {})
    question = "; is spec.resources.limits.memory enough?" if limited and "OOM" in message else ""
    return ConditionState("False", reason, f"{_numbers(seen)}; {message}{question}")


def _progress(seen: Observation) -> str:
    """The numbers, and what is known of a cause."""
    cause = seen.troubles[0].message if seen.troubles else seen.pod_event
    return _numbers(seen) + (f"; {cause}" if cause else "")


def _numbers(seen: Observation) -> str:
    text = f"{min(seen.ready, seen.count)} of {seen.count} pods are ready{_yet_to_come(seen)}"
    if seen.deployment is not None:
        status = seen.deployment.status
        if any(condition.reason == "DeploymentPaused" for condition in status.conditions):
            name = seen.deployment.metadata.name
            text += f"; the Deployment is paused, `kubectl rollout resume deployment {name}` resumes it"
    if seen.rewritten:
        text += f"; {_rewritten(seen.rewritten)}"
    return f"{text}; {seen.server_error}" if seen.server_error else text


def _yet_to_come(seen: Observation) -> str:
    """What is missed though there are enough ready pods."""
    if seen.deployment is None:
        return ""
    status = seen.deployment.status
    if status.updated_replicas < status.replicas == len(seen.pods):  # else it has yet to count them
        return f", {status.replicas - status.updated_replicas} still of the earlier spec"
    if len(seen.pods) > seen.count:
        return f", {_plural(len(seen.pods) - seen.count, 'more is', 'more are')} terminating"
    if not seen.serves or seen.rolled_out:
        return ""
    if not seen.applied:
        return ", the Deployment and the Service have yet to be updated"
    if status.observed_generation < seen.deployment.metadata.generation:
        return ", the rollout of this spec has not begun"
    return ", the Deployment controller has yet to count them"


def _rewritten(fields: Sequence[Difference]) -> str:
    """What the cluster made of what was sent: it may be why the pods are not ready."""
    more = f" and {len(fields) - _NAMED} more" if len(fields) > _NAMED else ""
    return f"admission changed {', '.join(map(str, fields[:_NAMED]))}{more}"
