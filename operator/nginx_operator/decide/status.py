"""The status of an Nginx: pure, and computed from what was observed, never from what was intended."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nginx_operator.api import images, names
from nginx_operator.api.types import ObjectMeta, Pod
from nginx_operator.decide import conditions as deciding
from nginx_operator.decide.observation import Observation

Status = dict[str, Any]

#: status.nodes holds this many names at the most (maxItems in the schema).
MAX_NODES: Final = 1000
_MESSAGE_LENGTH: Final = 1000


def stored_condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A condition of a stored status; empty where there is none."""
    found: dict[str, Any]
    for found in status.get("conditions") or ():  # no generator: a scrape of /metrics asks for each Nginx
        if found.get("type") == kind:
            return found
    return {}


def was_ready(meta: ObjectMeta, status: Status) -> bool:
    """Whether a stored status says Ready of the generation that `meta` has."""
    ready = stored_condition(status, "Ready")
    return ready.get("status") == "True" and ready.get("observedGeneration") == meta.generation


#: Reasons of Ready while a generation has not been applied as a whole.
_NOT_APPLIED: Final = frozenset({"InvalidSpec", "NameConflict", "ApplyFailed", "Paused"})


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


def compute(meta: ObjectMeta, old: Status, observation: Observation, now: str) -> Status:
    """The whole status; equal to `old` when nothing changed.

    Args:
        meta: metadata of the Nginx.
        old: the status that is stored.
        observation: what was observed.
        now: RFC 3339 time, used where a condition changes its status.
    """
    ready = deciding.ready(observation)
    conditions = {"Ready": ready, "Progressing": deciding.progressing(ready)}
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
                "message": condition.message[:_MESSAGE_LENGTH],
            }
            for kind, condition in conditions.items()
        ],
    }
    image = _image(observation)
    if 0 < len(image) <= images.MAX_LENGTH:  # that of a pod may be longer, and the whole status would be refused
        status["image"] = image
    return status


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
    if s.spec is not None and s.spec.image in running:
        return s.spec.image
    return running.most_common(1)[0][0] if running else ""


def _replicaset(pod: Pod) -> str | None:
    owner = pod.metadata.controller
    return owner.name if owner is not None and owner.kind == "ReplicaSet" else None
