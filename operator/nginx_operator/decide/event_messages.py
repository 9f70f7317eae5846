"""The Events of a reconcile: pure, from actions and statuses to the words that a user reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nginx_operator.children import CONFIG_MAP
from nginx_operator.decide import drift
from nginx_operator.decide.compare import HASH, REPLICAS, Difference
from nginx_operator.decide.plan import Action, Adopt, Apply, Delete, UpdateOwnerReference
from nginx_operator.decide.status import stored_condition


class EventMessage(NamedTuple):
    """What an Event says: its type ("Normal", "Warning"), its reason in CamelCase, and a sentence."""

    type: str
    reason: str
    message: str


def of_actions(done: Sequence[Action]) -> EventMessage | None:
    """One Event for all that one reconcile did to the children; its reason is that of the first action."""
    told = [action for action in done if not isinstance(action, UpdateOwnerReference)]  # of no interest to a user
    if not told:
        return None
    done = [action for action in told if action.kind is not CONFIG_MAP] or told  # the Deployment's update says it
    return EventMessage("Normal", _reason(done[0]), "; ".join(map(_sentence, done)))


def of_repairs(done: Iterable[Action]) -> str:
    """What was put back, in words; empty if nothing was."""
    return "; ".join(_sentence(action) for action in done if isinstance(action, Apply) and action.repairs)


def of_rewrites(found: Iterable[tuple[Action, Iterable[Difference]]]) -> EventMessage | None:
    """One Event for all fields that the cluster stored otherwise than they were sent."""
    sentences = [f"{action.kind.kind} {action.name}: {each}" for action, rewritten in found for each in rewritten]
    return EventMessage("Normal", "Rewritten", "; ".join(sentences)) if sentences else None


def of_cause(old: Mapping[str, Any], cause: str) -> EventMessage | None:
    """An Event when it is first known why pods are not ready that are on their way.

    Args:
        old: the status before.
        cause: what the events of a pod say, "pod web-1: Unhealthy: ..."; empty where they say nothing.
    """
    told = stored_condition(old, "Ready").get("message", "")
    if not cause or "; pod " in told:
        return None
    return EventMessage("Warning", "PodsNotReady", cause)


def of_status(old: Mapping[str, Any], new: Mapping[str, Any]) -> EventMessage | None:
    """An Event when Ready changed its status or its reason; none for a rollout that goes on, or went well."""
    before, after = stored_condition(old, "Ready"), stored_condition(new, "Ready")
    if (before.get("status"), before.get("reason")) == (after["status"], after["reason"]):
        return None
    went_well = after["status"] == "True" and before.get("reason") in (None, "Progressing")
    if after["reason"] in ("Progressing", "Deleting", "Contested") or (went_well and after["reason"] != "Stopped"):
        return None  # who is contested is told by an Event of its own
    calm = after["status"] == "True" or after["reason"] == "Paused"
    return EventMessage("Normal" if calm else "Warning", after["reason"], after["message"])


def _reason(action: Action) -> str:
    match action:
        case Delete():
            return "Deleted"
        case Adopt():
            return "Adopted"
        case Apply(creates=True):
            return "Created"
        case Apply(repairs=True):
            return "Repaired"
        case Apply(scaled_from=int()) if not _rolls_out(action):
            return "Scaled"
        case _:
            return "Updated"


def _sentence(action: Action) -> str:
    what = f"{action.kind.kind} {action.name}"
    match action:
        case Adopt():
            return f"{what} had no owner, as after a restore, and is adopted"
        case Apply(via=dict()):
            return (
                f"{what} gets another load balancer class by way of type ClusterIP: its cluster IP stays, "
                "its external address changes"
            )
        case Apply(repairs=True):
            return drift.repaired(action.kind.kind, action.name, action.drift, action.changed_by)
        case Apply(creates=False, scaled_from=int() as before, body=body):
            also = "updated, and " if _rolls_out(action) else ""
            return f"{what} is {also}scaled from {before} to {body['spec']['replicas']}"
        case _:
            return f"{what} is {_reason(action).lower()}"


def _rolls_out(action: Action) -> bool:
    """Whether an apply changes more than the number of pods."""
    return isinstance(action, Apply) and any(each.path not in (HASH, REPLICAS) for each in action.drift)
