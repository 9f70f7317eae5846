"""The status of an Nginx: pure, and computed from what was observed, never from what was intended."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nginx_operator.api import images, names
from nginx_operator.api.truncation import truncated
from nginx_operator.api.types import Condition, ObjectMeta, Pod
from nginx_operator.decide import conditions as deciding
from nginx_operator.decide import pod_troubles, timestamps
from nginx_operator.decide.conditions import ConditionState
from nginx_operator.decide.observation import Observation

Status = dict[str, Any]

#: status.nodes holds this many names at the most (maxItems in the schema).
MAX_NODES: Final = 1000
_MESSAGE_LENGTH: Final = 1000
#: Seconds without progress after which an Nginx that is not ready is stalled; the default of a Deployment's
#: progressDeadlineSeconds, which ends with the first complete rollout.
DEADLINE: Final = 600.0


def stored_condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A condition of a stored status; empty where there is none."""
    found: dict[str, Any]
    for found in status.get("conditions") or ():  # no generator: a scrape of /metrics asks for each Nginx
        if found.get("type") == kind:
            return found
    return {}


def was_ready(meta: ObjectMeta, status: Status) -> bool:
    """Whether a stored status says Ready=True of the generation that `meta` has."""
    ready = stored_condition(status, "Ready")
    return ready.get("status") == "True" and ready.get("observedGeneration") == meta.generation


#: Reasons of Ready while a generation has not been applied as a whole.
_NOT_APPLIED: Final = frozenset({"InvalidSpec", "NameConflict", "ApplyFailed", "Paused"})
#: Reasons of Ready while pods are on their way, be it late.
_ON_THE_WAY: Final = frozenset({"Progressing", "PodsNotReady"})


def was_applied(meta: ObjectMeta, status: Status) -> bool:
    """Whether a stored status tells that the children were made as the generation asks for that `meta` has."""
    ready = stored_condition(status, "Ready")
    return ready.get("observedGeneration") == meta.generation and ready.get("reason") not in _NOT_APPLIED


def own_pods(name: str, pods: Iterable[Pod]) -> tuple[Pod, ...]:
    """The live pods of the Deployment `name`, sorted by name.

    A pod counts when its controller is a ReplicaSet of that Deployment: labels alone anybody can set.
    """
    return tuple(
        sorted(
            (
                pod
                for pod in pods
                if pod.metadata.deletion_timestamp is None
                and pod.status.phase not in ("Succeeded", "Failed")
                and _replicaset(pod) == f"{name}-{pod.metadata.labels.get(names.LABEL_POD_HASH)}"
            ),
            key=lambda pod: pod.metadata.name,
        )
    )


def compute(meta: ObjectMeta, old: Status, observation: Observation) -> Status:
    """The whole status; equal to `old` when nothing changed.

    Args:
        meta: metadata of the Nginx.
        old: the status that is stored.
        observation: what was observed, and when.
    """
    now = timestamps.render(observation.now)
    ready = deciding.ready(observation)
    progress = _last_progress(meta, old, observation, ready)
    overdue = progress is not None and observation.now >= progress + DEADLINE
    if overdue and ready.reason == "Progressing":
        ready = deciding.late(observation, ready.message)
    conditions = {
        "Ready": ready,
        "ConfigValid": deciding.config_valid(observation),
        "Progressing": deciding.progressing(ready),
        "Stalled": deciding.stalled(observation, ready, overdue=overdue or ready.reason == "PodsNotReady"),
    }
    status: Status = {
        "observedGeneration": meta.generation,
        "nodes": [pod.metadata.name for pod in observation.pods[:MAX_NODES]],
        "count": len(observation.pods),
        "readyCount": observation.ready,
        "selector": names.selector(meta.name),
        "conditions": [
            {
                "type": kind,
                "status": condition.status,
                "observedGeneration": meta.generation,
                "lastTransitionTime": _since(old, kind, condition.status) or now,
                "reason": condition.reason,
                "message": truncated(condition.message, _MESSAGE_LENGTH),
            }
            for kind, condition in conditions.items()
            if condition is not None
        ],
    }
    if progress is not None:
        status["lastProgressTime"] = timestamps.render(progress)
    image = _image(observation)
    if 0 < len(image) <= images.MAX_LENGTH:  # that of a pod may be longer, and the whole status would be refused
        status["image"] = image
    return status


def changes_in(status: Status, observation: Observation) -> float:
    """Seconds after which time alone makes a status say something else; 0 if it does not."""
    due = [observation.look_again]
    if observation.troubles:
        due.append(pod_troubles.proven_in(observation.pods, observation.now))
    progress = status.get("lastProgressTime")
    if progress is not None:
        due.append((timestamps.parse(progress) or 0.0) + DEADLINE - observation.now)
    return min((seconds for seconds in due if seconds > 0), default=0.0)


def _last_progress(meta: ObjectMeta, old: Status, seen: Observation, ready: ConditionState) -> float | None:
    """When the pods last came nearer to what the spec asks for; None where nobody waits for that.

    What counts: another spec, the end of a failure, one ready pod more, and what the Deployment controller counts as
    progress of a rollout. In a crash loop nothing does: its pods become ready again and again.
    """
    if ready.status == "True" or ready.reason == "Deleting":
        return None
    before = timestamps.parse(old.get("lastProgressTime"))
    if before is None or old.get("observedGeneration") != meta.generation:
        return seen.now
    before = min(before, seen.now)
    if ready.reason == "CrashLooping":
        return before
    if seen.ready > old.get("readyCount", 0):
        return seen.now
    if ready.reason not in _ON_THE_WAY:
        return before
    failed = stored_condition(old, "Ready").get("reason") not in _ON_THE_WAY
    if failed and seen.applied:
        return seen.now
    return min(max(before, _rollout_progress(seen)), seen.now)


def _rollout_progress(seen: Observation) -> float:
    """When the Deployment controller last saw a rollout proceed, seconds since 1970."""
    conditions = seen.deployment.status.conditions if seen.deployment else ()
    found = (timestamps.parse(each.last_update_time) for each in conditions if _proceeds(each))
    return max((time for time in found if time is not None), default=0.0)


def _proceeds(condition: Condition) -> bool:
    """Whether a rollout is under way: its last update is its last progress then."""
    under_way = condition.status == "True" and condition.reason != "NewReplicaSetAvailable"
    return condition.type == "Progressing" and under_way


def says_the_same(old: Status, new: Status, count: int) -> bool:
    """Whether only names, counts and messages differ, and not so that all wanted pods are ready now."""
    return _verdict(old) == _verdict(new) and (_serves(old, count) or not _serves(new, count))


def _serves(status: Status, count: int) -> bool:
    return status.get("count") == status.get("readyCount") == count


def _verdict(status: Status) -> list[tuple[Any, ...]]:
    kept = ("type", "status", "reason", "observedGeneration")
    return [tuple(condition.get(key) for key in kept) for condition in status.get("conditions") or ()]


def _since(old: Status, kind: str, status: str) -> str | None:
    """When the stored condition took the status that it still has."""
    before = stored_condition(old, kind)
    return before.get("lastTransitionTime") if before.get("status") == status else None


def _image(s: Observation) -> str:
    """The image that the pods run; the wanted one as soon as a pod runs it."""
    running = Counter(
        container.image for pod in s.pods for container in pod.spec.containers if container.name == names.CONTAINER
    )
    if s.image in running:
        return s.image
    return running.most_common(1)[0][0] if running else ""


def _replicaset(pod: Pod) -> str | None:
    owner = pod.metadata.controller
    return owner.name if owner is not None and owner.kind == "ReplicaSet" else None
