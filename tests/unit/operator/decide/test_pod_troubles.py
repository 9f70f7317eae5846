"""What the kubelet says of each container, and when a container counts as one that crashes again and again."""

from typing import Any

import pytest

from nginx_operator.api.types import (
    Condition,
    ContainerRunning,
    ContainerState,
    ContainerStatus,
    ContainerTerminated,
    ContainerWaiting,
    NginxSpec,
    ObjectMeta,
    Pod,
    PodStatus,
)
from nginx_operator.cache import transforms
from nginx_operator.decide import conditions, pod_troubles
from nginx_operator.decide.observation import Observation
from nginx_operator.decide.timestamps import render

NOW = 1767225600.0


def pod(*containers: ContainerStatus, init: tuple[ContainerStatus, ...] = (), **status: Any) -> Pod:
    return Pod(
        ObjectMeta("web-1"), status=PodStatus(init_container_statuses=init, container_statuses=containers, **status)
    )


def waits(
    reason: str, message: str = "", *, name: str = "nginx", last: ContainerTerminated | None = None
) -> ContainerStatus:
    state = ContainerState(waiting=ContainerWaiting(reason, message))
    return ContainerStatus(name, state, ContainerState(terminated=last), restart_count=3 if last else 0)


def ended(
    lived: float, *, ago: float = 0.0, exit_code: int = 1, reason: str = "Error", message: str = ""
) -> ContainerTerminated:
    """A container that lived so long, and ended so long ago."""
    return ContainerTerminated(exit_code, reason, message, render(NOW - ago - lived), render(NOW - ago))


def runs(since: float, last: ContainerTerminated, restarts: int = 3) -> ContainerStatus:
    """A container that runs since so many seconds, again."""
    running = ContainerState(running=ContainerRunning(render(NOW - since)))
    return ContainerStatus("nginx", running, ContainerState(terminated=last), restarts, ready=True)


def found(*pods: Pod) -> list[tuple[str, str]]:
    """The troubles, and that the caches keep all that they are seen by."""
    troubles = pod_troubles.find(pods, NOW)
    assert pod_troubles.find(map(transforms.pod, pods), NOW) == troubles
    assert pod_troubles.proven_in(map(transforms.pod, pods), NOW) == pod_troubles.proven_in(pods, NOW)
    return [(trouble.reason, trouble.message) for trouble in troubles]


REASONS = {
    "ImagePullFailed": (
        "ErrImagePull ImagePullBackOff ImageInspectError ErrImageNeverPull InvalidImageName RegistryUnavailable "
        "SignatureValidationFailed"
    ),
    "CannotStart": "CreateContainerConfigError CreateContainerError PreCreateHookError PreStartHookError",
    "CrashLooping": "RunContainerError PostStartHookError",
    "": "ReasonOfAKubeletToCome",
}


@pytest.mark.parametrize(
    ("reason", "kubelets"), [(reason, each) for reason, known in REASONS.items() for each in known.split()]
)
@pytest.mark.parametrize("init", [False, True])
def test_every_reason_of_the_kubelet_is_told_with_the_container(reason: str, kubelets: str, init: bool) -> None:
    status = waits(kubelets, "why it waits", name="mesh")
    broken = pod(waits("PodInitializing"), init=(status,)) if init else pod(runs(9, ended(1), 0), status)
    assert found(broken) == [(reason, f"pod web-1: container mesh: {kubelets}: why it waits")]
    decided = conditions.ready(Observation(NginxSpec(1, "a:1"), pods=(broken,)))
    assert decided.reason == (reason or "Progressing")
    assert "container mesh" in decided.message


@pytest.mark.parametrize("kubelets", ["", "ContainerCreating", "PodInitializing"])
def test_a_container_that_is_being_started_is_no_trouble(kubelets: str) -> None:
    assert found(pod(waits(kubelets))) == []


def test_two_reasons_of_one_failing_pull_are_one_message() -> None:
    tried = found(pod(waits("ErrImagePull", "no such host")))
    assert found(pod(waits("ImagePullBackOff", 'Back-off pulling image "a:1": ErrImagePull: no such host'))) == tried
    alone = 'Back-off pulling image "a:1"'  # before Kubernetes 1.32
    assert found(pod(waits("ImagePullBackOff", alone))) == [
        ("ImagePullFailed", f"pod web-1: container nginx: ImagePullBackOff: {alone}")
    ]


def test_a_crash_loop_is_one_message_all_the_way() -> None:
    looping = [
        ("CrashLooping", "pod web-1: container nginx: CrashLoopBackOff: ends again and again, with exit code 1 (Error)")
    ]
    assert found(pod(waits("CrashLoopBackOff", "back-off 40s restarting", last=ended(60, ago=5)))) == looping
    assert found(pod(runs(5, ended(60, ago=45)))) == looping
    assert found(pod(runs(115, ended(60, ago=155)))) == looping
    just_now = ContainerStatus(
        "nginx", ContainerState(terminated=ended(60)), ContainerState(terminated=ended(58, ago=90)), 3
    )
    assert found(pod(just_now)) == looping


def test_a_process_that_cannot_be_started_is_told_in_the_runtimes_words() -> None:
    last = ended(0, reason="StartError", exit_code=128, message='exec: "nope": not found')
    for reason in ("RunContainerError", "CrashLoopBackOff"):
        assert found(pod(waits(reason, "x", last=last))) == [
            ("CrashLooping", 'pod web-1: container nginx: StartError: exec: "nope": not found')
        ]


@pytest.mark.parametrize(
    ("container", "left"),
    [
        (runs(20, ended(1)), 10.0),  # half a minute at the least
        (runs(31, ended(1)), 0.0),
        (runs(100, ended(60)), 20.0),  # twice the last time
        (runs(121, ended(60)), 0.0),
        (runs(500, ended(420)), 100.0),  # ten minutes at the most
        (runs(601, ended(420)), 0.0),
        (runs(5, ended(700)), 0.0),  # it lived
        (runs(5, ended(1), restarts=1), 0.0),  # once is no loop
        (runs(5, ContainerTerminated(137, "RestartingAllContainers")), 25.0),  # its times are unknown
    ],
)
def test_a_container_has_left_the_loop_when_it_lives_longer(container: ContainerStatus, left: float) -> None:
    assert pod_troubles.proven_in([pod(container)], NOW) == left
    assert bool(found(pod(container))) == bool(left)


def test_an_init_container_that_is_done_is_no_trouble() -> None:
    done = ContainerStatus(
        "wait", ContainerState(terminated=ended(1, exit_code=0)), ContainerState(terminated=ended(1)), 4, ready=True
    )
    assert found(pod(runs(5, ended(1), 0), init=(done,))) == []


def test_a_pod_that_is_ready_for_a_moment_of_a_loop_is_not_ready() -> None:
    ready = pod(runs(5, ended(60)), phase="Running", conditions=(Condition("Ready", "True"),))
    seen = Observation(NginxSpec(1, "a:1"), pods=(ready,), was_ready=True, now=NOW)
    assert conditions.ready(seen).reason == "CrashLooping"
    assert not seen.serves
    paused = Observation(NginxSpec(1, "a:1", paused=True), pods=(ready,), now=NOW)
    assert (conditions.ready(paused).status, "CrashLoopBackOff" in conditions.ready(paused).message) == ("False", True)


@pytest.mark.parametrize(
    ("conditions_", "words"),
    [
        ((Condition("PodScheduled", "False", "SchedulingGated", "gated"),), "gated"),
        (
            (Condition("Initialized", "False", "x", "incomplete: [wait]"), Condition("Ready", "False", "x", "y")),
            "[wait]",
        ),
        ((Condition("Initialized", "True"), Condition("Ready", "False", "ReadinessGatesNotReady", "gate x")), "gate x"),
        ((Condition("Ready", "Unknown", "NodeLost"),), "NodeLost"),
        ((), "Pending"),
    ],
)
def test_what_a_pod_says_of_itself(conditions_: tuple[Condition, ...], words: str) -> None:
    said = pod_troubles.says(pod(conditions=conditions_))
    assert words in said
    assert pod_troubles.says(transforms.pod(pod(conditions=conditions_))) == said


def test_a_healthy_pod_costs_no_memory_for_its_containers() -> None:
    healthy = ContainerStatus("nginx", ContainerState(running=ContainerRunning(render(NOW))), ready=True)
    kept = transforms.pod(pod(healthy, init=(healthy,), conditions=(Condition("PodScheduled", "True"),)))
    assert (kept.status.every_container, kept.status.conditions) == ((), ())
