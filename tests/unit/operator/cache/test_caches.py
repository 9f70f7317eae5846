"""What the watch of nginxes tells, and what of it is enqueued: at once, or coalesced with other changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.cache.caches import Caches
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from tests.support.apiserver.scripted import ScriptedServer

KEY = ("shop", "web")


def body(version: int, *, uid: str = "u1", generation: int = 1, **more: Any) -> dict[str, Any]:
    meta = {"name": "web", "namespace": "shop", "uid": uid, "resourceVersion": str(version), "generation": generation}
    return {"metadata": meta | more.pop("metadata", {}), "spec": {"count": 1}} | more


#: The last event of each story: when it is told of, so is all that came before it.
END = ("ADDED", {"metadata": {"name": "end", "namespace": "shop", "uid": "e", "resourceVersion": "99"}, "spec": {}})


class Story:
    """Caches whose reflector of nginxes runs, and what they enqueued of KEY."""

    def __init__(self, client: Client) -> None:
        self.at_once = self.coalesced = 0
        self._ended = asyncio.Event()
        self.caches = Caches(client, (), Policies())

    def add(self, key: tuple[str, str]) -> None:
        self.at_once += key == KEY
        if key != KEY:
            self._ended.set()

    def add_coalesced(self, key: tuple[str, str]) -> None:
        self.coalesced += key == KEY

    async def end(self) -> None:
        async with asyncio.timeout(20):
            await self._ended.wait()


@asynccontextmanager
async def telling(*events: tuple[str, dict[str, Any]], listed: tuple[dict[str, Any], ...] = ()) -> AsyncIterator[Story]:
    async with ScriptedServer() as server, Client(ClientConfig(server.url)) as client:
        server.lists.append({"metadata": {"resourceVersion": "1"}, "items": list(listed)})
        server.watches.append([*events, END])
        story = Story(client)
        story.caches.feed(story)
        task = asyncio.create_task(story.caches.reflectors[0].run())
        try:
            await story.end()
            assert "labelSelector" not in server.queries[0]
            yield story
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_new_one_is_enqueued_at_once() -> None:
    async with telling(listed=(body(1),)) as story:
        assert (story.at_once, story.coalesced) == (1, 0)
        assert story.caches.nginx(KEY) is not None
        assert {nginx.metadata.name for nginx in story.caches.nginxes()} == {"web", "end"}


async def test_the_echo_of_our_status_write_enqueues_nothing() -> None:
    async with telling(listed=(body(1),)) as story:
        wanted = (
            b'{"metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"100"},"status":{"count":1}}'
        )
        story.caches.observe_write("nginxes", KEY, wanted)
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.status == {"count": 1}
        assert (story.at_once, story.coalesced) == (1, 0)


async def test_labels_and_annotations_enqueue_nothing() -> None:
    events = [("MODIFIED", body(2, metadata={"labels": {"a": "b"}})), ("MODIFIED", body(3))]
    async with telling(*events, listed=(body(1),)) as story:
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.resource_version == "3"
        assert (story.at_once, story.coalesced) == (1, 0)


@pytest.mark.parametrize(
    "change", [{"generation": 2}, {"uid": "u2"}, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}]
)
async def test_a_change_of_the_spec_is_enqueued_at_once(change: dict[str, Any]) -> None:
    async with telling(("MODIFIED", body(2, **change)), listed=(body(1),)) as story:
        assert (story.at_once, story.coalesced) == (2, 0)


async def test_a_status_of_somebody_else_is_coalesced_with_other_changes() -> None:
    async with telling(("MODIFIED", body(2, status={"count": 9})), listed=(body(1),)) as story:
        assert (story.at_once, story.coalesced) == (1, 1)


async def test_one_that_is_deleted_and_created_again_is_enqueued_each_time() -> None:
    events = [("DELETED", body(2)), ("ADDED", body(3, uid="u2"))]
    async with telling(*events, listed=(body(1),)) as story:
        assert (story.at_once, story.coalesced) == (3, 0)
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.uid == "u2"


async def test_a_standby_enqueues_nothing_and_everything_once_it_leads() -> None:
    standby = Story(None)  # type: ignore[arg-type]
    standby.caches.observe_write("nginxes", KEY, json.dumps(body(1)).encode())
    assert (standby.at_once, standby.coalesced) == (0, 0)
    standby.caches.feed(standby)
    assert (standby.at_once, standby.coalesced) == (1, 0)


async def test_other_policies_concern_every_nginx() -> None:
    async with telling(listed=(body(1),)) as story:
        assert story.caches.policy("shop") == Policies().for_namespace("shop")
        stricter = Policies(cluster=Policy(max_count=2))
        story.caches.adopt(stricter)
        assert story.coalesced == 1
        assert story.caches.policy("shop") == stricter.for_namespace("shop")
