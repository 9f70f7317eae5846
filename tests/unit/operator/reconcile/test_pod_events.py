"""When the events of pods are asked for, and what a user is told of them."""

from types import SimpleNamespace

import pytest

from nginx_operator.api.types import Nginx, ObjectMeta
from nginx_operator.decide import conditions, timestamps
from nginx_operator.decide.observation import Observation
from nginx_operator.decide.pod_events import PATIENCE
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import EVENTS
from nginx_operator.reconcile import pod_events
from nginx_operator.reconcile.pod_events import PodEventMemo, PodEvents
from tests.support.apiserver.faults import refused
from tests.support.apiserver.server import ApiServer
from tests.support.observations import deployment, observation, pod

REFUSED = "Readiness probe failed: dial tcp 10.0.0.5:8080: connect: connection refused"
NOW = 1_800_000_000.0


class Asking:
    """One Nginx whose pod is not ready, and a clock that a test sets."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.events = PodEvents(client)
        self.memo: PodEventMemo | None = None
        monkeypatch.setattr(pod_events, "time", SimpleNamespace(monotonic=lambda: self.now))

    async def look(self, seen: Observation | None = None, name: str = "web") -> Observation:
        """One look, with the last progress at NOW."""
        meta = ObjectMeta(name=name, namespace="shop", uid="n")
        nginx = Nginx(meta, status={"lastProgressTime": timestamps.render(NOW)})
        seen = seen or observation(pods=(pod("web-abc-1", ready=False, uid="uid-1"),), now=self.now)
        self.memo, found = await self.events.explain(nginx, self.memo, seen)
        return found


@pytest.fixture
def asking(client: Client, monkeypatch: pytest.MonkeyPatch) -> Asking:
    return Asking(client, monkeypatch)


def warn(api: ApiServer, message: str = REFUSED, at: str = "2026-01-01T00:00:00Z", uid: str = "uid-1") -> None:
    event = {"type": "Warning", "reason": "Unhealthy", "message": message, "lastTimestamp": at}
    api.put(EVENTS.path("shop", f"web-abc-1.{len(api.objects)}"), {**event, "involvedObject": {"uid": uid}})


async def test_nothing_is_asked_while_pods_may_just_be_starting(asking: Asking, api: ApiServer) -> None:
    warn(api)
    for seconds in (0.0, PATIENCE - 0.1):
        asking.now = NOW + seconds
        found = await asking.look()
        assert (found.pod_event, found.look_again) == ("", pytest.approx(PATIENCE - seconds))
    assert api.calls == []


async def test_the_last_warning_of_the_pod_is_told_with_a_question(asking: Asking, api: ApiServer) -> None:
    warn(api, "of another pod", "2027-01-01T00:00:00Z", "other")
    warn(api, "of before", "2025-01-01T00:00:00Z")
    warn(api)
    asking.now += PATIENCE
    found = await asking.look()
    told = f"pod web-abc-1: Unhealthy: {REFUSED}; does the image listen on spec.containerPort 8080?"
    assert found.pod_event == told
    assert conditions.ready(found).message == f"0 of 2 pods are ready; {told}"
    assert api.calls == ["list events"]


async def test_it_is_asked_less_and_less_often_and_anew_of_another_pod(asking: Asking, api: ApiServer) -> None:
    asking.now += PATIENCE
    waits = []
    for _ in range(7):
        found = await asking.look()
        waits.append(found.look_again)
        again = await asking.look()
        assert (again.look_again, again.pod_event) == (found.look_again, found.pod_event)
        asking.now += found.look_again
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert len(api.calls) == 7
    await asking.look(observation(pods=(pod("web-abc-2", ready=False, uid="uid-2"),), now=asking.now))
    assert len(api.calls) == 8


async def test_all_together_ask_once_in_a_second(asking: Asking, api: ApiServer) -> None:
    asking.now += PATIENCE
    for number in range(20):
        asking.memo = None
        found = await asking.look(name=f"web-{number}")
    assert len(api.calls) == 5
    assert 0 < found.look_again <= 1
    asking.now += 1
    await asking.look(name="web-19")
    assert len(api.calls) == 6


@pytest.mark.parametrize(
    "seen",
    [
        observation(now=NOW + 60),
        observation(now=NOW + 60, pods=()),
        observation(now=NOW + 60, pods=(pod("a", ready=False, waiting="ImagePullBackOff"),)),
        observation(now=NOW + 60, pods=(pod("a", ready=False),), deleting=True),
        observation(now=NOW + 60, pods=(pod("a", ready=False),), spec=None),
    ],
    ids=["all are ready", "there are none", "the kubelet says why", "it is being deleted", "it is invalid"],
)
async def test_what_needs_no_explanation_costs_no_request(asking: Asking, api: ApiServer, seen: Observation) -> None:
    asking.now += 60
    found = await asking.look(seen)
    assert (found.look_again, asking.memo, api.calls) == (0, None, [])


async def test_events_that_may_not_be_read_hold_nothing_up_and_are_told_once(
    asking: Asking, api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    asking.now += PATIENCE
    message = 'User "x" cannot list resource "events" in API group ""'
    with caplog.at_level("INFO"), api.faults.every("list", "events", refused(403, "Forbidden", message)):
        for _ in range(2):
            found = await asking.look()
            assert found.pod_event == ""
            asking.now += found.look_again
    assert [record.getMessage() for record in caplog.records] == [
        f"why pods are not ready is not told, events cannot be read: {message}"
    ]


async def test_what_a_late_rollout_says_is_not_said_twice(asking: Asking, api: ApiServer) -> None:
    warn(api)
    asking.now += PATIENCE
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    stuck = (pod("web-abc-1", ready=False, uid="uid-1"),)
    found = await asking.look(observation(pods=stuck, deployment=deployment(**condition), now=asking.now))
    message = conditions.ready(found).message
    assert message.count("pod web-abc-1") == 1
    assert "there was no progress for 10 minutes" in message
