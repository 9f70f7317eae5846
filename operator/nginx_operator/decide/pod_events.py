"""What the events of a pod say of why it is not ready: pure.

A pod's status does not tell why a probe fails, or why its sandbox cannot be made; its Events do. They are asked for
only of a pod that has been unready for a while with no other cause, and at growing intervals.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from nginx_operator.api.types import NginxSpec, Pod
from nginx_operator.decide.observation import Observation

#: Seconds without progress after which the events of an unready pod are asked for; a pod that starts as it should is
#: ready before.
PATIENCE: Final = 5.0


class Event(msgspec.Struct, rename="camel", frozen=True):
    """An Event (core/v1), as far as it is read. Those of events.k8s.io leave lastTimestamp out and have eventTime."""

    reason: str = ""
    message: str = ""
    last_timestamp: str | None = None
    event_time: str | None = None


class _Hint(NamedTuple):
    """A question that helps, where an event has this reason and these words in its message."""

    reason: str
    words: str
    question: str


_HINTS: Final = (
    _Hint("Unhealthy", "connection refused", "does the image listen on {port}?"),
    _Hint("Unhealthy", "statuscode", "does the image answer {path} with a status from 200 to 399?"),
    _Hint("Unhealthy", "deadline exceeded", "is spec.probes.readiness.timeoutSeconds long enough for a busy nginx?"),
    _Hint("FailedCreatePodSandBox", "memory", "is spec.resources.limits.memory enough to start a container?"),
    _Hint("FailedCreatePodSandBox", "OOM", "is spec.resources.limits.memory enough to start a container?"),
)


def unexplained(seen: Observation) -> Pod | None:
    """The first unready pod of an Nginx, where neither its status nor anything else says why; else None."""
    if seen.deleting or seen.spec is None or seen.troubles or seen.name_conflicts or seen.failures:
        return None
    return next((pod for pod in seen.pods if not pod.ready and _is_scheduled(pod)), None)


def explain(pod: Pod, events: Sequence[Event], spec: NginxSpec) -> str:
    """What the last of a pod's warnings says, and a question where one helps; empty if there is none."""
    if not events:
        return ""
    last = max(events, key=lambda event: event.last_timestamp or event.event_time or "")
    text = f"pod {pod.metadata.name}: {last.reason}: {last.message.strip()}"
    question = next(_questions(last, spec), "")
    return f"{text}; {question}" if question else text


def _is_scheduled(pod: Pod) -> bool:
    """A pod that is not says why in its status."""
    condition = pod.condition("PodScheduled")
    return condition is None or condition.status == "True"


def _questions(event: Event, spec: NginxSpec) -> Iterator[str]:
    probe = spec.probes.readiness
    handler = probe and (probe.http_get or probe.tcp_socket)
    port = handler.port if handler else None
    field = f"port {port} of spec.probes.readiness" if port else f"spec.containerPort {spec.container_port}"
    path = probe.http_get.path if probe and probe.http_get else "its probe"
    for hint in _HINTS:
        if hint.reason == event.reason and hint.words in event.message:
            yield hint.question.format(port=field, path=path)
