"""What the kubelet says is wrong with a pod: pure, from the state of each of its containers.

Containers are those of the pod's spec, and its init containers and sidecars too: a mesh or an agent adds them. The
reasons are those that a kubelet of 1.30 to 1.37 gives to a container that waits (pkg/kubelet/images/types.go,
container/sync_result.go, kuberuntime/kuberuntime_container.go; cri-api, pkg/errors).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from nginx_operator.api.types import ContainerStatus, ContainerWaiting, Pod
from nginx_operator.decide import timestamps

#: Nothing is wrong yet: the kubelet's defaults before it has tried to start the container.
STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_IMAGE: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "ErrImageNeverPull",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_START: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "PreCreateHookError", "PreStartHookError"}
)
#: The container exists and does not get to run, or not for long; the kubelet answers all of these with a back-off.
_CRASH: Final = frozenset({"CrashLoopBackOff", "RunContainerError", "PostStartHookError"})
#: The runtime could not start the container's process, and its message says why.
_NOT_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})

#: A container has left a crash loop when it runs for twice as long as the time before, within these bounds, seconds.
#: One that lived for the longer of them is in no crash loop: the kubelet forgets its back-off then, too.
_SHORTEST_PROOF: Final = 30.0
_LONGEST_PROOF: Final = 600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a pod.

    Attributes:
        reason: of Ready; empty where the kubelet's reason is one that we do not know.
        message: the pod, the container and the kubelet's words.
    """

    reason: str
    message: str


def find(pods: Iterable[Pod], now: float) -> tuple[Trouble, ...]:
    """The troubles of each container of each pod, in this order."""
    # Of a healthy pod the caches keep no container, and most pods are healthy.
    telling = [pod for pod in pods if pod.status.container_statuses or pod.status.init_container_statuses]
    if not telling:
        return ()
    return tuple(
        Trouble(reason, f"pod {pod.metadata.name}: container {status.name}: {words}")
        for pod in telling
        for status in pod.status.every_container
        for reason, words in _trouble(status, now)
    )


def proven_in(pods: Iterable[Pod], now: float) -> float:
    """Seconds after which a container that runs now has left its crash loop; 0 if there is none."""
    return min((seconds for seconds in _proofs(pods, now) if seconds > 0), default=0.0)


def says(pod: Pod) -> str:
    """Why a pod is not ready, by its own conditions."""
    for kind in ("PodScheduled", "Initialized", "Ready"):
        condition = pod.condition(kind)
        if condition is not None and condition.status != "True":
            return f"pod {pod.metadata.name}: {condition.message or condition.reason or 'not ready'}"
    return f"pod {pod.metadata.name}: {pod.status.phase}"


def _trouble(status: ContainerStatus, now: float) -> Iterable[tuple[str, str]]:
    waiting = status.state.waiting
    if waiting is not None and waiting.reason in STARTING:
        return
    if _loops(status, now):
        yield "CrashLooping", _last_words(status)
    elif waiting is not None:
        yield _reason(waiting.reason), _words(waiting)


def _reason(kubelets: str) -> str:
    if kubelets in _IMAGE:
        return "ImagePullFailed"
    return "CannotStart" if kubelets in _START else ""


def _loops(status: ContainerStatus, now: float) -> bool:
    """Whether the container ends again and again: now, or shortly before and it has not proven yet that it lives."""
    state = status.state
    if state.waiting is not None:
        return state.waiting.reason in _CRASH
    if not _ended_soon(status) or (state.terminated is not None and status.ready):  # an init container that is done
        return False
    started = timestamps.parse(state.running.started_at) if state.running else None
    return started is None or now - started < _proof(status)


def _ended_soon(status: ContainerStatus) -> bool:
    """Whether it was restarted more than once, which any container may be, and did not live long before."""
    return status.restart_count > 1 and status.last_state.terminated is not None and _lived(status) < _LONGEST_PROOF


def _lived(status: ContainerStatus) -> float:
    """Seconds from the last start to the last end."""
    last = status.last_state.terminated
    started, ended = (timestamps.parse(last.started_at), timestamps.parse(last.finished_at)) if last else (None, None)
    return ended - started if started is not None and ended is not None else 0.0


def _proof(status: ContainerStatus) -> float:
    """Seconds for which the container has to run until it counts as alive."""
    return min(max(2 * _lived(status), _SHORTEST_PROOF), _LONGEST_PROOF)


def _proofs(pods: Iterable[Pod], now: float) -> Iterable[float]:
    for pod in pods:
        for status in pod.status.every_container:
            running = status.state.running
            started = timestamps.parse(running.started_at) if running and _ended_soon(status) else None
            if started is not None:
                yield started + _proof(status) - now


def _last_words(status: ContainerStatus) -> str:
    """How the container ended, without what differs from one time to the next: it would be a write each time."""
    waiting, last = status.state.waiting, status.state.terminated or status.last_state.terminated
    if last is not None and last.reason in _NOT_STARTED and last.message:
        return f"{last.reason}: {last.message}"
    if waiting is not None and waiting.reason != "CrashLoopBackOff":
        return _words(waiting)
    how = f", with exit code {last.exit_code} ({last.reason})" if last is not None else ""
    return f"CrashLoopBackOff: ends again and again{how}"


def _words(waiting: ContainerWaiting) -> str:
    """The kubelet's reason and message."""
    # Between two tries to pull it is the other reason; one message for both spares two writes each time.
    before, separator, after = waiting.message.partition(": ErrImagePull: ")
    if waiting.reason == "ImagePullBackOff" and before and separator:
        return f"ErrImagePull: {after}"
    return f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason
