"""What the status says when pods do not become ready, on a real API server, and what tools make of it."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.audit import Audit
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.decide.observation import Observation
from nginx_operator.decide.status import DEADLINE, compute, stored_condition
from tests.support.answers import ready_condition
from tests.support.health import Health
from tests.support.kubelet import MERGE, Kubelet, ago, container, running, waiting
from tests.support.namespaces import RESOURCES, Namespace, nginx, serving
from tests.support.observations import observation, pod

STATUS_PAGE = Path(__file__).parents[2] / "docs" / "status.md"


@pytest.fixture
def kubelet(namespace: Namespace) -> Kubelet:
    return Kubelet(namespace)


@pytest.fixture(scope="module")
def health(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Health:
    return Health(request, tmp_path_factory.mktemp("health"))


def pass_the_deadline(namespace: Namespace) -> None:
    """Has the Nginx look as if there had been no progress for the whole deadline, for an operator that starts now."""
    path = RESOURCES["nginx"].path(namespace.name, "web", "status")
    code, answer = namespace.bed.request("PATCH", path, {"status": {"lastProgressTime": ago(DEADLINE)}}, MERGE)
    assert code == 200, answer


def says(reason: str, **conditions: str) -> Callable[[dict[str, Any]], bool]:
    """A condition: the reason of Ready, and the status of others; "" where there is none."""

    def look(nginx: dict[str, Any]) -> bool:
        found = {kind: stored_condition(nginx["status"], kind).get("status", "") for kind in conditions}
        return ready_condition(nginx).get("reason") == reason and found == conditions

    return look


def test_lost_readiness_is_reported_after_the_deadline_and_forgotten_with_its_cause(
    namespace: Namespace, kubelet: Kubelet, health: Health
) -> None:
    namespace.apply({"count": 1})
    assert "lastProgressTime" not in namespace.wait("nginx", serving(1))["status"]
    (name,) = kubelet.pods()
    kubelet.tell(name, ready=False, message="containers with unready status: [nginx]")
    coming = namespace.wait("nginx", says("Progressing", Ready="False", Progressing="True", Stalled=""))
    pass_the_deadline(namespace)
    late = namespace.wait("nginx", says("PodsNotReady", Ready="False", Progressing="False", Stalled="True"))
    assert ready_condition(late)["message"] == (
        "0 of 1 pods are ready; there was no progress for 10 minutes; "
        f"pod {name}: containers with unready status: [nginx]"
    )
    assert namespace.kubectl("wait", "--for=condition=Stalled", "nginx/web", "--timeout=60s")
    kubelet.tell(name, ready=True)
    healed = namespace.wait("nginx", serving(1))
    assert "Stalled" not in str(healed["status"])
    assert health.of([coming, late, healed]) == [
        ("InProgress", "Progressing"),
        ("Failed", "Degraded"),
        ("Current", "Healthy"),
    ]


def test_pods_of_a_scaling_that_never_get_ready_are_reported_and_each_that_does_is_progress(
    namespace: Namespace, kubelet: Kubelet
) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.kubectl("scale", "nginx", "web", "--replicas=3")
    namespace.wait("nginx", serving(3))
    for name in kubelet.pods()[1:]:
        kubelet.tell(name, ready=False, message="not yet")
    namespace.wait("nginx", lambda nginx: nginx["status"]["readyCount"] == 1)
    pass_the_deadline(namespace)
    namespace.wait("nginx", says("PodsNotReady", Stalled="True"))
    kubelet.tell(kubelet.pods()[1], ready=True)
    namespace.wait("nginx", says("Progressing", Stalled=""))


def test_the_events_of_a_pod_that_does_not_say_why_it_is_unready_are_told(
    namespace: Namespace, kubelet: Kubelet
) -> None:
    audit = Audit(namespace.bed.audit_log)
    namespace.apply({"count": 1, "containerPort": 9090})
    namespace.wait("nginx", serving(1))
    assert lists_of_events(audit, namespace) == 0  # what comes up as it should costs none
    (name,) = kubelet.pods()
    kubelet.warn(name, "Unhealthy", "Readiness probe failed: dial tcp 192.0.2.7:9090: connect: connection refused")
    kubelet.tell(name, ready=False, message="containers with unready status: [nginx]")
    told = namespace.wait("nginx", lambda found: "Unhealthy" in ready_condition(found)["message"])
    assert ready_condition(told)["message"] == (
        f"0 of 1 pods are ready; pod {name}: Unhealthy: Readiness probe failed: dial tcp 192.0.2.7:9090: connect: "
        "connection refused; does the image listen on spec.containerPort 9090?"
    )
    assert lists_of_events(audit, namespace) == 1
    kubelet.tell(name, ready=True)
    namespace.wait("nginx", serving(1))


def lists_of_events(audit: Audit, namespace: Namespace) -> int:
    """How often the operator has asked for events in the namespace."""
    return sum(
        (request["verb"], request["objectRef"].get("resource")) == ("list", "events")
        and request["objectRef"].get("namespace") == namespace.name
        and request["user"]["username"].endswith(":nginx-operator")
        for request in audit.requests()
        if "objectRef" in request
    )


def test_an_init_container_of_somebody_else_is_named(namespace: Namespace, kubelet: Kubelet) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    (name,) = kubelet.pods()
    said = 'Back-off pulling image "example.com/mesh:1": ErrImagePull: not found'
    kubelet.tell(
        name,
        ready=False,
        initContainerStatuses=[container(waiting("ImagePullBackOff", said), "mesh-init")],
        containerStatuses=[container(waiting("PodInitializing"))],
    )
    message = namespace.wait_reason("ImagePullFailed")["message"]
    assert message == f"0 of 1 pods are ready; pod {name}: container mesh-init: ErrImagePull: not found"


@pytest.mark.parametrize(
    ("reason", "kubelets"),
    [("CannotStart", "CreateContainerError"), ("CrashLooping", "RunContainerError"), ("Progressing", "OfTomorrow")],
)
def test_what_the_kubelet_says_is_told(namespace: Namespace, kubelet: Kubelet, reason: str, kubelets: str) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    (name,) = kubelet.pods()
    kubelet.tell(name, ready=False, containerStatuses=[container(waiting(kubelets, "why"), "agent")])
    assert f"container agent: {kubelets}: why" in namespace.wait_reason(reason)["message"]


def test_a_crash_loop_is_one_state_and_ends_when_the_container_lives(namespace: Namespace, kubelet: Kubelet) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    (name,) = kubelet.pods()

    def ended(seconds: float) -> dict[str, Any]:
        return {"exitCode": 1, "reason": "Error", "startedAt": ago(seconds + 60), "finishedAt": ago(seconds)}

    def dead(restarts: int) -> None:
        state = waiting("CrashLoopBackOff", f"back-off {restarts}0s restarting failed container")
        kubelet.tell(
            name, ready=False, message="x", containerStatuses=[container(state, restarts=restarts, **ended(5))]
        )

    def alive(restarts: int, seconds: float) -> None:
        now = container(running(seconds), restarts=restarts, **ended(seconds + 40))
        kubelet.tell(name, ready=restarts % 2 == 0, message="x", containerStatuses=[now])

    dead(2)
    first = namespace.wait_reason("CrashLooping")
    audit = Audit(namespace.bed.audit_log)
    for restarts in (3, 5, 7):
        alive(restarts, 55)
        seen_by_the_operator(namespace)
        assert namespace.wait_reason("CrashLooping") == first
        dead(restarts + 1)
        seen_by_the_operator(namespace)
    assert namespace.wait_reason("CrashLooping") == first
    user = "system:serviceaccount:nginx-operator-system:nginx-operator"
    assert audit.writes(user, not_of="other")["patch nginxes/status"] == 0
    events = [event for event in namespace.list("event") if event["reason"] == "CrashLooping"]
    assert [event["count"] for event in events] == [1]

    alive(10, 55)  # ready, and yet it may end as it has before
    namespace.wait("nginx", lambda nginx: nginx["status"]["readyCount"] == 1)
    assert namespace.wait_reason("CrashLooping")["status"] == "False"
    alive(10, 119)  # a second before it has lived for twice as long as the last time
    namespace.wait("nginx", serving(1))


def seen_by_the_operator(namespace: Namespace) -> None:
    """Waits until the operator has done something for another Nginx that was asked of it later."""
    found = namespace.get("nginx", "other")
    count = 1 if found is None else found["spec"]["count"] + 1
    namespace.apply({"count": count}, "other")
    namespace.wait("nginx", serving(count), "other")


PODS = (pod("web-abc-1"), pod("web-abc-2"))
STUCK = (PODS[0], pod("web-abc-2", ready=False))
FAILING = (pod("web-abc-1", ready=False, waiting="ErrImagePull"),)
PAUSED = NginxSpec(2, "a:1", paused=True)
#: What is observed in each situation of docs/status.md, and how long; the last one is told apart by the object itself.
SITUATIONS: dict[str, tuple[Observation, float]] = {
    "pods are on their way": (observation(pods=STUCK), DEADLINE - 1),
    "all pods run the spec and are ready": (observation(), DEADLINE),
    "something fails, for less than ten minutes": (observation(pods=FAILING), DEADLINE - 1),
    "something fails, for ten minutes": (observation(pods=FAILING), DEADLINE),
    "no progress for ten minutes": (observation(pods=STUCK), DEADLINE),
    "stopped by `count: 0`": (observation(spec=NginxSpec(0, "a:1"), pods=()), DEADLINE),
    "paused, all pods are ready": (observation(spec=PAUSED), DEADLINE),
    "paused, pods are not ready for less than ten minutes": (observation(spec=PAUSED, pods=STUCK), 0),
    "paused, pods are not ready, and a change waits": (observation(spec=PAUSED, pods=STUCK, held=("Service web",)), 0),
    "paused, all pods are ready, and a change waits": (observation(spec=PAUSED, held=("Service web",)), 0),
    "being deleted, and finalizers hold it": (observation(deleting=True), DEADLINE),
}


def test_tools_make_of_each_situation_what_the_page_says(health: Health) -> None:
    table = re.findall(r"^\| (.*) \|$", STATUS_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    rows = {row[0]: row[1:] for row in ([cell.strip() for cell in line.split("|")] for line in table[1:])}
    unseen = rows.pop("the operator is away, or has not seen this spec yet")
    assert rows.keys() == SITUATIONS.keys()
    for situation, (seen, seconds) in SITUATIONS.items():
        meta = {"name": "web", "generation": 2, **({"deletionTimestamp": ago(0)} if seen.deleting else {})}
        first = compute(ObjectMeta("web", generation=2), {}, seen)
        status = compute(ObjectMeta("web", generation=2), first, replace(seen, now=seconds))
        found = {kind: stored_condition(status, kind).get("status", "") for kind in ("Ready", "Progressing", "Stalled")}
        told = [*found.values(), "returns" if found["Ready"] == "True" else "waits", "goes on"]
        assert [*told, *health.of([nginx({}, **meta) | {"status": status}])[0]] == rows[situation], situation
        newer = nginx({}, name="web", generation=3) | {"status": status}
        assert [*health.of([newer])[0]] == unseen[-2:], situation


def test_stopped_is_what_was_wanted(namespace: Namespace, health: Health) -> None:
    namespace.apply({"count": 0})
    assert namespace.wait_reason("Stopped")["status"] == "True"
    namespace.kubectl("wait", "--for=condition=Ready", "nginx/web", "--timeout=60s")
    found = namespace.get("nginx")
    assert found is not None
    assert health.of([found]) == [("Current", "Healthy")]


def test_paused_says_how_many_changes_wait(namespace: Namespace, health: Health) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    namespace.apply({"count": 1, "paused": True})
    still = namespace.wait("nginx", says("Paused", Ready="True", Stalled=""))
    namespace.apply({"count": 1, "paused": True, "containerPort": 8081, "service": {"port": 81}})
    waits = namespace.wait("nginx", says("Paused", Ready="True", Stalled="True"))
    assert ready_condition(waits)["message"] == (
        "spec.paused is true: 2 changes wait (Deployment web: spec.template.spec.containers[nginx].ports"
        "[http].containerPort 8080 -> 8081; Service web: spec.ports[http].port 80 -> 81); 1 of 1 pods are ready"
    )
    namespace.apply({"count": 1, "containerPort": 8081})
    gone = namespace.wait("nginx", serving(1))
    assert "Stalled" not in str(gone["status"])
    assert health.of([still, waits, gone]) == [
        ("Current", "Healthy"),
        ("Failed", "Suspended"),
        ("Current", "Healthy"),
    ]
