"""Labels of namespaces: watched on demand, and told of only when they change."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from nginx_operator.cache.namespaces import NamespaceLabels
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import NAMESPACES
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until


def put(api: ApiServer, name: str, **labels: str) -> None:
    """Creates a namespace, or changes its labels."""
    api.put(NAMESPACES.path(None, name), {"metadata": {"labels": labels}})


class Story:
    """Labels that are watched, and what they told."""

    def __init__(self, client: Client, names: Sequence[str] = ()) -> None:
        self.told: list[str] = []
        self.labels = NamespaceLabels(client, names, self.told.append)


@asynccontextmanager
async def telling(api: ApiServer, client: Client, change: Callable[[], None] = lambda: None) -> AsyncIterator[Story]:
    """Lets namespaces be listed, then changed, and waits until all of that is told of."""
    story = Story(client)
    assert story.labels.of("shop") is None
    story.labels.start()
    (reflector,) = story.labels.reflectors
    task = asyncio.create_task(reflector.run())
    try:
        await until(lambda: api.watches)
        change()
        put(api, "end")
        await until(lambda: "end" in story.told)
        assert not {"labelSelector", "fieldSelector"} & api.requests[0].query.keys()
        yield story
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_list_is_no_news(api: ApiServer, client: Client) -> None:
    put(api, "shop", tier="gold")
    put(api, "blog")
    async with telling(api, client) as story:
        assert story.told == ["end"]
        assert [story.labels.of(name) for name in ("shop", "blog", "new")] == [{"tier": "gold"}, {}, None]


async def test_labels_that_change_are_news_and_nothing_else_is(api: ApiServer, client: Client) -> None:
    def change() -> None:
        api.touch(NAMESPACES.path(None, "shop"))
        put(api, "shop", tier="iron")
        put(api, "blog")

    put(api, "shop", tier="gold")
    async with telling(api, client, change) as story:
        assert story.told == ["shop", "blog", "end"]
        assert story.labels.of("shop") == {"tier": "iron"}
        story.labels.stop()
        assert story.labels.of("shop") is None


async def test_namespaces_that_are_listed_are_watched_one_by_one(api: ApiServer, client: Client) -> None:
    for name in ("shop", "blog", "other"):
        put(api, name, of=name)
    labels = Story(client, ("shop", "blog")).labels
    labels.start()
    tasks = [asyncio.create_task(reflector.run()) for reflector in labels.reflectors]
    await until(lambda: all(reflector.synced.is_set() for reflector in labels.reflectors))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    selectors = {request.query["fieldSelector"] for request in api.requests}
    assert selectors == {"metadata.name=shop", "metadata.name=blog"}
    assert [labels.of(name) for name in ("shop", "blog", "other")] == [{"of": "shop"}, {"of": "blog"}, None]
