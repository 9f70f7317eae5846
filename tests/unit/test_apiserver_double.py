"""The API server of unit tests: its script, and what a test can do to it. tests/cluster compares it with a real one."""

import asyncio
import json
from typing import Any

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import SECRETS
from tests.support.apiserver.conformance.player import Player
from tests.support.apiserver.faults import TORN, Answer, Hold, refused
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

A, B = (SECRETS.path("shop", name) for name in ("a", "b"))


class Watching:
    """A watch of Secrets from a version, and the events that it told."""

    def __init__(self, client: Client, version: int) -> None:
        self.events: list[tuple[str, Any]] = []
        self._lines = client.watch(SECRETS, "shop", {"resourceVersion": str(version)})
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for line in self._lines:
            event = json.loads(line)
            self.events.append((event["type"], event["object"]["metadata"].get("resourceVersion")))


async def test_the_script_is_answered_as_it_says(api: ApiServer) -> None:
    for step, outcome in await Player(ClientConfig(api.url), "shop").play():
        if not step.events:
            assert outcome[0] in ((step.code,) if step.code else (200, 201)), step


async def test_faults_meet_the_next_requests_one_each_and_are_over(api: ApiServer, client: Client) -> None:
    api.put(A, {})
    unavailable = refused(503, "ServiceUnavailable", retry_after=7)
    api.faults.next("get", "secrets", unavailable, TORN, TORN, Answer(200, b"{"))
    with pytest.raises(ApiError, match="it is ServiceUnavailable") as caught:
        await client.get(SECRETS, "shop", "a")
    assert (caught.value.code, caught.value.retry_after) == (503, 7)
    with pytest.raises(ApiError) as caught:
        await client.get(SECRETS, "shop", "a")
    assert caught.value.unreachable  # the client has tried once more, on a new connection
    assert await client.get(SECRETS, "shop", "a") == b"{"
    assert json.loads(await client.get(SECRETS, "shop", "a")) == api.objects[A]


async def test_a_right_that_is_taken_away_is_missed_until_it_is_given_back(api: ApiServer, client: Client) -> None:
    api.faults.forbid("list", "secrets")
    for _ in range(2):
        with pytest.raises(ApiError, match='cannot list resource "secrets"'):
            await client.list(SECRETS, "shop")
    api.faults.allow("list", "secrets")
    await client.list(SECRETS, "shop")


async def test_a_request_is_held_until_it_is_released(api: ApiServer, client: Client) -> None:
    hold = Hold()
    api.faults.next("get", "secrets", hold)
    answer = asyncio.create_task(client.get(SECRETS, "shop", "a"))
    await hold.reached.wait()
    api.put(A, {})
    hold.released.set()
    assert json.loads(await answer) == api.objects[A]


async def test_a_watch_tells_history_and_changes_and_what_a_test_sends(api: ApiServer, client: Client) -> None:
    start = api.store.version
    api.put(A, {})
    watching = Watching(client, start)
    await until(lambda: api.watches)
    api.touch(A)
    api.touch(A)
    api.put("/api/v1/namespaces/other/secrets/a", {})
    api.delete(A)
    (watch,) = api.watches
    watch.bookmark(777)
    watch.end()
    await watching.task
    versions = [str(start + number) for number in (1, 2, 3, 5)]
    assert watching.events == list(
        zip(("ADDED", "MODIFIED", "MODIFIED", "DELETED", "BOOKMARK"), (*versions, "777"), strict=True)
    )
    assert not api.watches


async def test_a_watch_ends_after_its_time(api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nginx_operator.kube.client.WATCH_SECONDS", 0.01)
    watching = Watching(client, api.store.version)
    await watching.task
    assert watching.events == []


async def test_what_is_compacted_is_gone_for_pages_and_watches(api: ApiServer, client: Client) -> None:
    start = api.store.version
    for path in (A, B):
        api.put(path, {})
    page = json.loads(await client.list(SECRETS, "shop", limit="1"))["metadata"]["continue"]
    opened = Watching(client, api.store.version)
    await until(lambda: api.watches)
    api.touch(A)
    api.compact()
    late = Watching(client, start)
    for watching in (opened, late):
        await watching.task
        assert watching.events[-1] == ("ERROR", None)
    with pytest.raises(ApiError) as caught:
        await client.list(SECRETS, "shop", **{"limit": "1", "continue": page})
    assert (caught.value.code, caught.value.reason) == (410, "Expired")


async def test_requests_are_kept_as_they_came(api: ApiServer, client: Client) -> None:
    await client.create(SECRETS, "shop", {"metadata": {"name": "a"}})
    (request,) = api.sent("create", plural="secrets")
    assert (request.method, request.path, request.body) == ("POST", SECRETS.path("shop"), {"metadata": {"name": "a"}})
    assert (request.query["fieldManager"], request.headers["Content-Type"]) == ("nginx-operator", "application/json")
    assert api.calls == ["create secrets"]
    assert api.objects[A]["metadata"]["name"] == "a"
