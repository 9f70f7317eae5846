"""What the watch of nginxes tells, and what of it leads to a reconcile: at once, or gathered with other news."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

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
    """Caches whose reflector of nginxes runs, and what they announced of KEY."""

    def __init__(self, client: Client) -> None:
        self.changed: list[Any] = []
        self.asked: list[Any] = []
        self._ended = asyncio.Event()
        self.caches = Caches(client, (), self._note(self.changed), self._note(self.asked))

    def _note(self, into: list[Any]) -> Any:
        def note(key: tuple[str, str]) -> None:
            if key == KEY:
                into.append(key)
            else:
                self._ended.set()

        return note

    async def end(self) -> None:
        async with asyncio.timeout(20):
            await self._ended.wait()


@asynccontextmanager
async def telling(*events: tuple[str, dict[str, Any]], listed: tuple[dict[str, Any], ...] = ()) -> AsyncIterator[Story]:
    async with ScriptedServer() as server, Client(ClientConfig(server.url)) as client:
        server.lists.append({"metadata": {"resourceVersion": "1"}, "items": list(listed)})
        server.watches.append([*events, END])
        story = Story(client)
        task = asyncio.create_task(story.caches.reflectors[0].run())
        try:
            await story.end()
            assert "labelSelector" not in server.queries[0]
            yield story
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_a_new_one_is_asked_for() -> None:
    async with telling(listed=(body(1),)) as story:
        assert (story.asked, story.changed) == ([KEY], [])
        assert story.caches.nginx(KEY) is not None
        assert {nginx.metadata.name for nginx in story.caches.nginxes()} == {"web", "end"}


async def test_the_echo_of_our_status_write_is_no_news() -> None:
    async with telling(listed=(body(1),)) as story:
        wanted = (
            b'{"metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"100"},"status":{"count":1}}'
        )
        story.caches.observe_write("nginxes", KEY, wanted)
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.status == {"count": 1}
        assert (len(story.asked), story.changed) == (1, [])


async def test_labels_and_annotations_are_no_news() -> None:
    events = [("MODIFIED", body(2, metadata={"labels": {"a": "b"}})), ("MODIFIED", body(3))]
    async with telling(*events, listed=(body(1),)) as story:
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.resource_version == "3"
        assert (len(story.asked), story.changed) == (1, [])


@pytest.mark.parametrize(
    "change", [{"generation": 2}, {"uid": "u2"}, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}]
)
async def test_a_wish_is_told_of_at_once(change: dict[str, Any]) -> None:
    async with telling(("MODIFIED", body(2, **change)), listed=(body(1),)) as story:
        assert (len(story.asked), story.changed) == (2, [])


async def test_a_status_of_somebody_else_is_gathered_with_other_news() -> None:
    async with telling(("MODIFIED", body(2, status={"count": 9})), listed=(body(1),)) as story:
        assert (len(story.asked), len(story.changed)) == (1, 1)


async def test_one_that_goes_and_comes_again_is_asked_for_each_time() -> None:
    events = [("DELETED", body(2)), ("ADDED", body(3, uid="u2"))]
    async with telling(*events, listed=(body(1),)) as story:
        assert (len(story.asked), story.changed) == (3, [])
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.uid == "u2"
