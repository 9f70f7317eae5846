"""One reconcile from top to bottom: caches as the watches fill them, writes to an API server that stores them."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.decide.status import DEADLINE
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import PODS
from nginx_operator.reconcile import status_throttle
from nginx_operator.reconcile.write_conflicts import BURST, PERIOD
from tests.support.apiserver.server import ApiServer
from tests.support.reconciling import DEPLOYMENT, KEY, SERVICE, WEB, Operator, drift, running
from tests.support.waiting import until


@pytest.fixture
async def operator(api: ApiServer, client: Client) -> AsyncIterator[Operator]:
    async with running(api, client) as found:
        found.put(2)
        await until(lambda: found.caches.nginx(KEY) is not None)
        yield found


async def test_children_and_status_are_made_and_the_second_reconcile_writes_nothing(operator: Operator) -> None:
    await operator.settled()
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 2
    assert SERVICE in operator.api.objects
    assert operator.status()["conditions"][0]["reason"] == "Progressing"
    assert [call.split()[1] for call in operator.writes] == ["deployments", "services", "events", "nginxes"]


async def test_what_is_remembered_of_an_nginx_goes_with_it_in_one_place(operator: Operator) -> None:
    await operator.settled()
    assert operator.reconciler._memos.keys() == {KEY}
    operator.api.delete(WEB)
    await until(lambda: operator.caches.nginx(KEY) is None)
    assert await operator.reconciler.reconcile(KEY) == 0
    assert operator.reconciler._memos == {}


async def test_scaling_is_told_as_such_and_changes_no_annotation_of_the_deployment(operator: Operator) -> None:
    await operator.settled()
    annotations = operator.api.objects[DEPLOYMENT]["metadata"]["annotations"]
    operator.put(5)
    await until(lambda: (found := operator.caches.nginx(KEY)) is not None and found.spec["count"] == 5)
    await operator.settled()
    deployment = operator.api.objects[DEPLOYMENT]
    assert deployment["spec"]["replicas"] == 5
    assert deployment["metadata"]["annotations"] == annotations
    assert "Deployment web is scaled from 2 to 5" in messages(operator.api)


async def test_another_number_of_pods_is_put_back_as_a_repair(operator: Operator) -> None:
    await operator.settled()
    await drift(operator, 7)
    await operator.settled()
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 2
    told = "Deployment web: spec.replicas 7 -> 2, changed by test: scale the Nginx, or point the autoscaler at it"
    assert told in messages(operator.api)


async def test_who_keeps_undoing_it_is_held_back_and_told_once(operator: Operator) -> None:
    await operator.settled()
    for replicas in range(10, 10 + BURST):
        await drift(operator, replicas)
        await operator.settled()
    await drift(operator, 99)
    for _ in range(2):
        assert 0 < await operator.reconciler.reconcile(KEY) <= PERIOD
    assert operator.reconciler.contested() == 1
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 99
    (contested,) = (event["message"] for event in events(operator.api) if event["reason"] == "Contested")
    assert "The last time: Deployment web: spec.replicas 19 -> 2, changed by test" in contested


async def test_while_it_is_contested_the_status_follows_the_pods(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for delay in ("COALESCING", "FIRST", "LONGEST"):  # of numbers alone, which is another matter
        monkeypatch.setattr(status_throttle, delay, 0.0)
    await operator.settled()
    for replicas in range(10, 11 + BURST):
        await drift(operator, replicas)
        await operator.reconciler.reconcile(KEY)
    assert reason(operator) == "Contested"
    pod = {
        "metadata": {
            "labels": {**names.labels("web"), "pod-template-hash": "abc"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "r", "controller": True}
            ],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    operator.api.put(PODS.path("shop", "web-abc-1"), pod)
    await until(lambda: list(operator.caches.pods(KEY)))
    await operator.reconciler.reconcile(KEY)
    status = operator.status()
    assert (status["nodes"], status["readyCount"], reason(operator)) == (["web-abc-1"], 1, "Contested")
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 10 + BURST  # and no child was written meanwhile


async def test_a_status_that_is_contested_holds_up_no_child(operator: Operator) -> None:
    await operator.settled()
    for number in range(BURST + 1):
        await another_status(operator, f"Theirs{number}.")
        assert (await operator.reconciler.reconcile(KEY)) >= 0
    assert operator.reconciler.contested() == 1
    assert [event["reason"] for event in events(operator.api)].count("Contested") == 1
    operator.put(5)
    await until(lambda: (found := operator.caches.nginx(KEY)) is not None and found.spec["count"] == 5)
    await operator.reconciler.reconcile(KEY)
    assert operator.api.objects[DEPLOYMENT]["spec"]["replicas"] == 5


async def test_pods_that_get_nowhere_are_reported_when_the_deadline_has_passed(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await operator.settled()
    assert DEADLINE - 60 < await operator.reconciler.reconcile(KEY) <= DEADLINE
    present = time.time()
    monkeypatch.setattr(time, "time", lambda: present + DEADLINE)
    await operator.settled()
    assert [(found["type"], found["status"], found["reason"]) for found in operator.status()["conditions"]] == [
        ("Ready", "False", "PodsNotReady"),
        ("Progressing", "False", "PodsNotReady"),
        ("Stalled", "True", "PodsNotReady"),
    ]
    assert await operator.reconciler.reconcile(KEY) == 0


async def another_status(operator: Operator, reason: str) -> None:
    """Somebody else writes the status, and the watch tells."""
    found = operator.api.objects[WEB]
    ready, *more = found["status"]["conditions"]
    operator.api.put(WEB, {**found, "status": {**found["status"], "conditions": [{**ready, "reason": reason}, *more]}})
    await until(lambda: (seen := operator.caches.nginx(KEY)) is not None and reason in str(seen.status))


def reason(operator: Operator) -> str:
    return str(operator.status()["conditions"][0]["reason"])


def events(api: ApiServer) -> list[Any]:
    return [found for path, found in api.objects.items() if "/events/" in path]


def messages(api: ApiServer) -> str:
    return "; ".join(event["message"] for event in events(api))
