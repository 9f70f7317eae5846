"""Lists and watches into a store, against a server that tells a story."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Key, Pod
from nginx_operator.cache.informer import Informer, Kind
from nginx_operator.cache.store import parent_by_label, parent_by_name
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.resources import PODS
from tests.support.apiserver.scripted import Retry, ScriptedServer


def pod(name: str, version: int, parent: str | None = "web", uid: str = "") -> dict[str, Any]:
    labels = {} if parent is None else {names.LABEL_INSTANCE: parent}
    meta = {"name": name, "namespace": "ns", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**meta, "labels": labels}}


def listing(version: int, *items: dict[str, Any], token: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version), "continue": token}, "items": list(items)}


class Story:
    """A reflector under way, its store, and what that announced."""

    def __init__(self, server: ScriptedServer, client: Client, by_label: bool) -> None:
        self.server = server
        self.changes: list[Key] = []
        parent = parent_by_label if by_label else parent_by_name
        informer = Informer(client, Kind(PODS, Pod, parent), self._changed)
        self.reflector, self.store = informer.reflector, informer.store
        self.observe_write = informer.observe_write
        self._news = asyncio.Event()

    def _changed(self, key: Key, *_: Pod | None) -> None:
        self.changes.append(key)
        self._news.set()

    def names(self, parent: str = "web") -> list[str]:
        return sorted(self.store.of(("ns", parent)))

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._news.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.05)


@asynccontextmanager
async def telling(*, lists: list[Any], watches: list[Any], by_label: bool = True) -> AsyncIterator[Story]:
    async with ScriptedServer() as server, Client(ClientConfig(server.url)) as client:
        server.lists.extend(lists)
        server.watches.extend(watches)
        story = Story(server, client, by_label)
        task = asyncio.create_task(story.reflector.run())
        try:
            yield story
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nginx_operator.kube.reflector._FIRST_DELAY", 0.01)
    monkeypatch.setattr("nginx_operator.kube.reflector._LONGEST_DELAY", 0.02)


async def test_pages_are_joined_and_the_watch_starts_where_the_list_ended() -> None:
    pages = [listing(5, pod("a", 1), token="t"), listing(5, pod("b", 2))]
    async with telling(lists=pages, watches=[[]]) as story:
        await story.until(lambda: len(story.server.queries) == 3)
        assert story.names() == ["a", "b"]
        assert story.reflector.synced.is_set()
        first, second, watch = story.server.queries
        assert (first["limit"], second["continue"], watch["resourceVersion"]) == ("500", "t", "5")


async def test_an_empty_list_may_say_null() -> None:
    async with telling(lists=[{"metadata": {"resourceVersion": "5"}, "items": None}], watches=[[]]) as story:
        await story.until(story.reflector.synced.is_set)


async def test_events_come_into_the_cache_and_never_go_back() -> None:
    events = [
        ("ADDED", pod("b", 6)),
        ("MODIFIED", pod("a", 7)),
        ("MODIFIED", pod("a", 4)),  # older: a second source, such as the answer to a write, was faster
        ("DELETED", pod("b", 8)),
        ("DELETED", pod("a", 9, uid="of another life")),
        ("ADDED", pod("end", 10)),
    ]
    async with telling(lists=[listing(5, pod("a", 1))], watches=[events]) as story:
        await story.until(lambda: "end" in story.names())
        assert story.names() == ["a", "end"]
        assert story.store.of(("ns", "web"))["a"].metadata.resource_version == "7"


async def test_the_answer_to_a_write_is_there_before_the_watch_tells() -> None:
    async with telling(lists=[listing(5, pod("a", 1))], watches=[[]]) as story:
        await story.until(story.reflector.synced.is_set)
        story.observe_write(json.dumps(pod("b", 6)).encode())
        assert story.names() == ["a", "b"]


async def test_a_late_answer_to_a_write_brings_nothing_deleted_back() -> None:
    events = [("DELETED", pod("a", 7)), ("ADDED", pod("end", 8))]
    async with telling(lists=[listing(5, pod("a", 1))], watches=[events]) as story:
        await story.until(lambda: "end" in story.names())
        story.observe_write(json.dumps(pod("a", 6)).encode())
        assert story.names() == ["end"]


async def test_a_new_version_of_the_same_is_no_news() -> None:
    running = {**pod("b", 8), "status": {"phase": "Running"}}
    events = [("MODIFIED", pod("a", 6)), ("MODIFIED", pod("b", 7)), ("MODIFIED", running), ("ADDED", pod("end", 9))]
    async with telling(lists=[listing(5, pod("a", 1), pod("b", 2))], watches=[events]) as story:
        await story.until(lambda: "end" in story.names())
        assert len(story.changes) == len(["a is listed", "b is listed", "b is running", "end"])
        assert story.store.of(("ns", "web"))["a"].metadata.resource_version == "6"


async def test_an_ended_watch_goes_on_from_the_last_bookmark() -> None:
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "77"}})
    async with telling(lists=[listing(5)], watches=[[bookmark], []]) as story:
        await story.until(lambda: len(story.server.queries) == 3)
        assert [query.get("resourceVersion") for query in story.server.queries] == [None, "5", "77"]


async def test_a_silent_watch_is_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nginx_operator.kube.client.WATCH_SILENCE", 0.5)
    async with telling(lists=[listing(5)], watches=[[("ADDED", pod("a", 6))]]) as story:
        await story.until(lambda: len(story.server.queries) >= 4)
        assert [query.get("resourceVersion") for query in story.server.queries[1:4]] == ["5", "6", "6"]
    assert not caplog.records


@pytest.mark.parametrize("gone", [410, [("ERROR", {"code": 410, "reason": "Expired", "message": "too old"})]])
async def test_after_410_a_new_list_tells_what_was_deleted(gone: Any) -> None:
    lists = [listing(5, pod("a", 1), pod("b", 2)), listing(9, pod("a", 1), pod("c", 8, parent="other"))]
    async with telling(lists=lists, watches=[gone, []]) as story:
        await story.until(lambda: story.names() == ["a"])
        assert ("ns", "other") in story.changes
        assert story.changes.count(("ns", "web")) == 3  # "a" and "b" came, "b" went


async def test_failures_are_tried_again_and_each_new_one_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    events = [("ADDED", pod("b", 7))]
    async with telling(lists=[500, 500, listing(5), 503, listing(6)], watches=[403, events]) as story:
        await story.until(lambda: story.names() == ["b"])
        assert story.reflector.fault == ""
    faults = [record.getMessage() for record in caplog.records]
    assert faults == [
        "cannot watch pods: code 500; retrying",
        "cannot watch pods: code 403; retrying",
        "cannot watch pods: code 503; retrying",
        "watching pods again",
    ]


async def test_a_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Backoff, "step", lambda _, at_least=0.0: asked.append(at_least) or 0.0)
    async with telling(lists=[Retry(429, "7"), listing(5, pod("a", 1))], watches=[[]]) as story:
        await story.until(lambda: story.names() == ["a"])
    assert asked == [7.0]


async def test_a_watch_that_ends_at_once_and_tells_nothing_is_not_asked_for_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Backoff, "step", lambda _, at_least=0.0: pauses.append(at_least) or 0.0)
    async with telling(lists=[listing(5)], watches=[[], [], [("ADDED", pod("a", 6))]]) as story:
        await story.until(lambda: story.names() == ["a"])
    assert len(pauses) == 2


async def test_what_cannot_be_decoded_leads_to_a_new_list() -> None:
    lists = [{"metadata": {"resourceVersion": "5"}, "items": 7}, listing(6, pod("a", 1))]
    async with telling(lists=lists, watches=[[("ADDED", {"metadata": 7})], []]) as story:
        story.server.lists.append(listing(8, pod("b", 7)))
        await story.until(lambda: story.names() == ["b"])


async def test_a_pod_whose_label_changes_leaves_its_nginx() -> None:
    events = [("MODIFIED", pod("a", 6, parent="other")), ("MODIFIED", pod("b", 7, parent=None))]
    async with telling(lists=[listing(5, pod("a", 1), pod("b", 2))], watches=[events]) as story:
        await story.until(lambda: story.names("other") == ["a"] and not story.names())
        assert story.changes.count(("ns", "web")) == 4  # "a" and "b" came and went


async def test_a_child_is_its_nginxs_by_name_whatever_its_labels_say() -> None:
    events = [("MODIFIED", pod("web", 6, parent="other"))]
    async with telling(lists=[listing(5, pod("web", 1))], watches=[events], by_label=False) as story:
        await story.until(lambda: story.changes.count(("ns", "web")) == 2)
        assert story.names() == ["web"]
