"""What the watch of nginxes tells, and what of it is enqueued: at once, or coalesced with other changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.cache.caches import Caches
from nginx_operator.kube.client import Client
from nginx_operator.kube.resources import NGINXES
from tests.support.apiserver.server import ApiServer
from tests.support.apiserver.status_errors import Object
from tests.support.waiting import until

KEY = ("shop", "web")
WEB, END = (NGINXES.path("shop", name) for name in ("web", "end"))


def put(api: ApiServer, count: int = 1, *, status: Object | None = None, **metadata: Any) -> None:
    """Creates or changes the Nginx."""
    api.put(WEB, {"metadata": metadata, "spec": {"count": count}, "status": status})


class Story:
    """Caches whose reflector of nginxes runs, and what they enqueued of KEY."""

    def __init__(self, client: Client) -> None:
        self.at_once = self.coalesced = 0
        self.ended = False
        self.caches = Caches(client, (), Policies())

    def add(self, key: tuple[str, str]) -> None:
        self.at_once += key == KEY
        self.ended |= key != KEY

    def add_coalesced(self, key: tuple[str, str]) -> None:
        self.coalesced += key == KEY


def feed(story: Story) -> None:
    for scope in story.caches.scopes:
        scope.feed(story)


@asynccontextmanager
async def telling(api: ApiServer, client: Client, change: Callable[[], None] = lambda: None) -> AsyncIterator[Story]:
    """Lets an Nginx be listed, then changed, and waits until all of that is told of."""
    put(api)
    story = Story(client)
    feed(story)
    task = asyncio.create_task(story.caches.reflectors[0].run())
    try:
        await until(lambda: api.watches)
        change()
        api.put(END, {})
        await until(lambda: story.ended)
        assert "labelSelector" not in api.requests[0].query
        yield story
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_new_one_is_enqueued_at_once(api: ApiServer, client: Client) -> None:
    async with telling(api, client) as story:
        assert (story.at_once, story.coalesced) == (1, 0)
        assert story.caches.nginx(KEY) is not None
        assert {nginx.metadata.name for nginx in story.caches.nginxes()} == {"web", "end"}


async def test_the_echo_of_our_status_write_enqueues_nothing(api: ApiServer, client: Client) -> None:
    async with telling(api, client) as story:
        live = api.objects[WEB]
        written = {**live["metadata"], "resourceVersion": str(api.store.version + 1)}
        story.caches.observe_write(
            "nginxes", KEY, json.dumps({**live, "metadata": written, "status": {"count": 1}}).encode()
        )
        (watch,) = api.watches
        watch.send("MODIFIED", {**live, "metadata": written, "status": {"count": 1}})
        watch.send("DELETED", api.objects[END])
        await until(lambda: story.caches.nginx(("shop", "end")) is None)
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.status == {"count": 1}
        assert (story.at_once, story.coalesced) == (1, 0)


async def test_labels_and_annotations_enqueue_nothing(api: ApiServer, client: Client) -> None:
    def change() -> None:
        put(api, labels={"a": "b"})
        api.touch(WEB)

    async with telling(api, client, change) as story:
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.resource_version == api.objects[WEB]["metadata"]["resourceVersion"]
        assert (story.at_once, story.coalesced) == (1, 0)


@pytest.mark.parametrize("change", [{"count": 2}, {"uid": "u2"}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}])
async def test_a_change_of_the_spec_is_enqueued_at_once(api: ApiServer, client: Client, change: dict[str, Any]) -> None:
    async with telling(api, client, lambda: put(api, **change)) as story:
        assert (story.at_once, story.coalesced) == (2, 0)


async def test_a_status_of_somebody_else_is_coalesced_with_other_changes(api: ApiServer, client: Client) -> None:
    async with telling(api, client, lambda: put(api, status={"count": 9})) as story:
        assert (story.at_once, story.coalesced) == (1, 1)


async def test_one_that_is_deleted_and_created_again_is_enqueued_each_time(api: ApiServer, client: Client) -> None:
    def change() -> None:
        api.delete(WEB)
        put(api)

    async with telling(api, client, change) as story:
        assert (story.at_once, story.coalesced) == (3, 0)
        found = story.caches.nginx(KEY)
        assert found is not None
        assert found.metadata.uid == api.objects[WEB]["metadata"]["uid"]


async def test_a_standby_enqueues_nothing_and_everything_once_it_leads() -> None:
    standby = Story(None)  # type: ignore[arg-type]
    web = b'{"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "1"}, "spec": {}}'
    standby.caches.observe_write("nginxes", KEY, web)
    assert (standby.at_once, standby.coalesced) == (0, 0)
    feed(standby)
    assert (standby.at_once, standby.coalesced) == (1, 0)


async def test_other_policies_concern_every_nginx(api: ApiServer, client: Client) -> None:
    async with telling(api, client) as story:
        assert story.caches.policy("shop") == Policies().for_namespace("shop")
        stricter = Policies(cluster=Policy(max_count=2))
        story.caches.set_policies(stricter)
        assert story.coalesced == 1
        assert story.caches.policy("shop") == stricter.for_namespace("shop")


@pytest.mark.parametrize(("namespaces", "synced"), [((), False), (("shop", "blog"), True)])
def test_a_kind_that_may_not_be_listed_is_left_out_of_one_namespace_and_never_of_all(
    client: Client, namespaces: tuple[str, ...], synced: bool
) -> None:
    caches = Caches(client, namespaces, Policies())
    for reflector in caches.reflectors:
        reflector.synced.set()
    refused = caches.reflectors[-1]
    refused.synced.clear()
    refused.forbidden = True
    assert caches.synced is synced
