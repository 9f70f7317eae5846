"""Labels of namespaces: watched on demand, and told of only when they change."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from nginx_operator.cache.namespaces import NamespaceLabels
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from tests.support.apiserver.scripted import ScriptedServer


def namespace(name: str, version: int, **labels: str) -> dict[str, Any]:
    meta = {"name": name, "uid": name, "resourceVersion": str(version), "labels": labels}
    return {"metadata": {**meta, "annotations": {"version": str(version)}}}


class Story:
    """Labels that are watched, and what they told until `end`."""

    def __init__(self, client: Client, names: Sequence[str]) -> None:
        self.told: list[str] = []
        self.ended = asyncio.Event()
        self.labels = NamespaceLabels(client, names, self._note)

    def _note(self, name: str) -> None:
        self.told.append(name)
        if name == "end":
            self.ended.set()


@asynccontextmanager
async def telling(*events: tuple[str, dict[str, Any]], listed: Sequence[dict[str, Any]]) -> AsyncIterator[Story]:
    async with ScriptedServer() as server, Client(ClientConfig(server.url)) as client:
        server.lists.append({"metadata": {"resourceVersion": "3"}, "items": list(listed)})
        server.watches.append([*events, ("ADDED", namespace("end", 99))])
        story = Story(client, ())
        assert story.labels.of("shop") is None
        story.labels.start()
        (reflector,) = story.labels.reflectors
        task = asyncio.create_task(reflector.run())
        try:
            async with asyncio.timeout(20):
                await story.ended.wait()
            assert not {"labelSelector", "fieldSelector"} & server.queries[0].keys()
            yield story
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_first_list_is_no_news() -> None:
    async with telling(listed=[namespace("shop", 2, tier="gold"), namespace("blog", 3)]) as story:
        assert story.told == ["end"]
        assert [story.labels.of(name) for name in ("shop", "blog", "new")] == [{"tier": "gold"}, {}, None]


async def test_labels_that_change_are_news_and_nothing_else_is() -> None:
    events = [
        ("MODIFIED", namespace("shop", 4, tier="gold")),  # an annotation
        ("MODIFIED", namespace("shop", 5, tier="iron")),
        ("ADDED", namespace("blog", 6)),
    ]
    async with telling(*events, listed=[namespace("shop", 2, tier="gold")]) as story:
        assert story.told == ["shop", "blog", "end"]
        assert story.labels.of("shop") == {"tier": "iron"}
        story.labels.stop()
        assert story.labels.of("shop") is None


async def test_namespaces_that_are_listed_are_watched_one_by_one() -> None:
    async with ScriptedServer() as server, Client(ClientConfig(server.url)) as client:
        server.lists.extend([{"metadata": {"resourceVersion": "3"}, "items": []}] * 2)
        labels = NamespaceLabels(client, ("shop", "blog"), lambda _: None)
        labels.start()
        tasks = [asyncio.create_task(reflector.run()) for reflector in labels.reflectors]
        async with asyncio.timeout(20):
            await asyncio.gather(*(reflector.synced.wait() for reflector in labels.reflectors))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert {query["fieldSelector"] for query in server.queries} == {"metadata.name=shop", "metadata.name=blog"}
