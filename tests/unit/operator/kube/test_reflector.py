"""Lists and watches into a store, against an API server that keeps its history, or loses it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Key, Pod
from nginx_operator.cache.informer import Informer, WatchedKind
from nginx_operator.cache.store import owner_key_by_label, owner_key_by_name
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import PODS
from nginx_operator.serving import health
from tests.support.apiserver.faults import Answer, Request, refused
from tests.support.apiserver.server import ApiServer
from tests.support.apiserver.status_errors import Object, expired
from tests.support.apiserver.watch import Watch
from tests.support.waiting import until


def put(api: ApiServer, name: str, parent: str | None = "web", **more: Any) -> Object:
    """Creates or changes a pod."""
    labels = {} if parent is None else {names.LABEL_INSTANCE: parent}
    return api.put(PODS.path("ns", name), {"metadata": {"labels": labels}, **more})


def delete(api: ApiServer, name: str) -> None:
    api.delete(PODS.path("ns", name))


def unseen(api: ApiServer, found: Object, **metadata: str) -> Object:
    """A state of an object of which no watch will tell by itself: of the version after the last, unless another is."""
    return {**found, "metadata": found["metadata"] | {"resourceVersion": str(api.store.version + 1)} | metadata}


def versions(api: ApiServer) -> list[str]:
    """The resourceVersions that watches were asked from."""
    return [request.query["resourceVersion"] for request in api.sent("watch")]


class Story:
    """A reflector under way, its store, and what that announced."""

    def __init__(self, api: ApiServer, client: Client, by_label: bool) -> None:
        self.api = api
        self.changes: list[Key] = []
        parent = owner_key_by_label if by_label else owner_key_by_name
        informer = Informer(client, WatchedKind(PODS, Pod, parent), self._changed)
        self.reflector, self.store = informer.reflector, informer.store
        self.observe_write = informer.observe_write

    def _changed(self, key: Key, *_: Pod | None) -> None:
        self.changes.append(key)

    def names(self, parent: str = "web") -> list[str]:
        return sorted(self.store.of(("ns", parent)))

    async def watch(self) -> Watch:
        """The watch, once it is open."""
        await until(lambda: self.api.watches)
        return self.api.watches[0]

    async def end(self) -> None:
        """Waits until the reflector has heard of all that has happened."""
        put(self.api, "end")
        await until(lambda: "end" in self.names())


@asynccontextmanager
async def telling(api: ApiServer, client: Client, *, by_label: bool = True) -> AsyncIterator[Story]:
    story = Story(api, client, by_label)
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


async def test_pages_are_joined_and_the_watch_starts_where_the_list_ended(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nginx_operator.kube.reflector._PAGE", "1")
    put(api, "a")
    put(api, "b")
    version = str(api.store.version)
    async with telling(api, client) as story:
        await story.watch()
        assert story.names() == ["a", "b"]
        assert story.reflector.synced.is_set()
    first, second, watch = (request.query for request in api.requests)
    assert (first["limit"], first.get("continue"), second["limit"]) == ("1", None, "1")
    assert second["continue"]
    assert watch["resourceVersion"] == version


async def test_an_empty_list_may_say_null(api: ApiServer, client: Client) -> None:
    empty = {"metadata": {"resourceVersion": str(api.store.version)}, "items": None}
    api.faults.next("list", "pods", Answer(200, empty))
    async with telling(api, client) as story:
        await until(story.reflector.synced.is_set)
    assert api.calls[0] == "list pods"
    assert len(api.sent("list")) == 1


async def test_events_come_into_the_cache_and_never_go_back(api: ApiServer, client: Client) -> None:
    old = put(api, "a")
    async with telling(api, client) as story:
        watch = await story.watch()
        put(api, "b")
        new = put(api, "a", status={"phase": "Running"})
        watch.send("MODIFIED", old)  # a second source, such as the answer to a write, was faster
        delete(api, "b")
        watch.send("DELETED", unseen(api, new, uid="of another life"))
        await story.end()
        assert story.names() == ["a", "end"]
        known = story.store.of(("ns", "web"))["a"].metadata
        assert known.resource_version == new["metadata"]["resourceVersion"]


async def test_the_answer_to_a_write_is_there_before_the_watch_tells(api: ApiServer, client: Client) -> None:
    a = put(api, "a")
    async with telling(api, client) as story:
        await until(story.reflector.synced.is_set)
        story.observe_write(json.dumps(unseen(api, a, name="b")).encode())
        assert story.names() == ["a", "b"]


async def test_a_late_answer_to_a_write_brings_nothing_deleted_back(api: ApiServer, client: Client) -> None:
    put(api, "a")
    async with telling(api, client) as story:
        await story.watch()
        late = put(api, "a", status={"phase": "Running"})
        delete(api, "a")
        await story.end()
        story.observe_write(json.dumps(late).encode())
        assert story.names() == ["end"]


async def test_a_new_version_of_the_same_is_no_news(api: ApiServer, client: Client) -> None:
    for name in ("a", "b"):
        put(api, name)
    async with telling(api, client) as story:
        await story.watch()
        for name in ("a", "b"):
            put(api, name, status={"hostIP": "192.0.2.1"})  # nothing that is kept
        put(api, "b", status={"phase": "Running"})
        await story.end()
        assert len(story.changes) == len(["a is listed", "b is listed", "b is running", "end"])
        live = api.objects[PODS.path("ns", "a")]["metadata"]
        assert story.store.of(("ns", "web"))["a"].metadata.resource_version == live["resourceVersion"]


async def test_an_ended_watch_goes_on_from_the_last_bookmark(api: ApiServer, client: Client) -> None:
    first = str(api.store.version)
    async with telling(api, client) as story:
        watch = await story.watch()
        watch.bookmark(177)
        watch.end()
        await until(lambda: len(versions(api)) == 2)
    assert versions(api) == [first, "177"]
    assert len(api.sent("list")) == 1


async def test_a_silent_watch_is_started_again(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nginx_operator.kube.client.WATCH_SILENCE", 0.5)
    first = str(api.store.version)
    async with telling(api, client) as story:
        await story.watch()
        heard = put(api, "a")["metadata"]["resourceVersion"]
        await until(lambda: len(versions(api)) >= 3)
        assert versions(api)[:3] == [first, heard, heard]
    assert not caplog.records


@pytest.mark.parametrize("as_event", [False, True])
async def test_after_410_a_new_list_tells_what_was_deleted(api: ApiServer, client: Client, as_event: bool) -> None:
    for name in ("a", "b"):
        put(api, name)

    def compacted(_: Request) -> Answer | None:
        delete(api, "b")
        put(api, "c", parent="other")
        api.store.compact()
        refusal = expired(0, api.store.oldest)
        return None if as_event else Answer(refusal.code, refusal.body)

    api.faults.next("watch", "pods", compacted)
    async with telling(api, client) as story:
        await until(lambda: story.names() == ["a"])
        assert ("ns", "other") in story.changes
        assert story.changes.count(("ns", "web")) == 3  # "a" and "b" came, "b" went
    assert len(api.sent("list")) == 2


async def test_failures_are_tried_again_and_each_new_one_is_logged_once(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    failures = {code: refused(code, "Whatever", f"code {code}") for code in (500, 403, 503)}
    api.faults.next("list", "pods", failures[500], failures[500], lambda _: None, failures[503])
    api.faults.next("watch", "pods", failures[403])
    async with telling(api, client) as story:
        await story.watch()
        put(api, "b")
        await until(lambda: story.names() == ["b"])
        assert story.reflector.fault == ""
    faults = [record.getMessage() for record in caplog.records]
    assert faults == [
        "cannot watch pods: code 500; retrying",
        f"cannot watch pods: {ApiError(403, '', 'code 403').explained}; retrying",
        "cannot watch pods: code 503; retrying",
        "watching pods again",
    ]


@pytest.mark.parametrize(
    ("verb", "header", "seconds"), [("list", "7", 7.0), ("watch", "7", 7.0), ("watch", "3600", 60.0)]
)
async def test_a_retry_after_is_waited_for_within_bounds(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch, verb: str, header: str, seconds: float
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Backoff, "step", lambda _, at_least=0.0: asked.append(at_least) or 0.0)
    put(api, "a")
    api.faults.next(verb, "pods", refused(429, "TooManyRequests", headers={"Retry-After": header}))
    async with telling(api, client) as story:
        await until(lambda: asked != [] and story.names() == ["a"])
    assert asked == [seconds]


async def test_a_watch_that_ends_at_once_and_tells_nothing_is_not_asked_for_at_once(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(Backoff, "step", lambda _, at_least=0.0: pauses.append(at_least) or 0.0)
    api.faults.next("watch", "pods", Answer(200), Answer(200))
    async with telling(api, client) as story:
        await story.watch()
        put(api, "a")
        await until(lambda: story.names() == ["a"])
    assert len(pauses) == 2


async def test_what_cannot_be_decoded_leads_to_a_new_list(api: ApiServer, client: Client) -> None:
    api.faults.next("list", "pods", Answer(200, {"metadata": {"resourceVersion": "5"}, "items": 7}))
    async with telling(api, client) as story:
        watch = await story.watch()
        watch.send("ADDED", {"metadata": 7})
        put(api, "b")
        await until(lambda: story.names() == ["b"])
    assert len(api.sent("list")) == 3


async def test_one_object_that_cannot_be_read_hides_no_other(
    api: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    put(api, "odd", status={"phase": 7})
    put(api, "a")
    async with telling(api, client) as story:
        await until(lambda: story.names() == ["a"])
        await story.watch()
        put(api, "odd", status={"phase": 8})
        put(api, "b")
        await until(lambda: story.names() == ["a", "b"])
    assert len(api.sent("list")) == 1
    assert caplog.text.count("cannot read ns/odd of pods: ") == 1


async def test_times_that_are_not_set_are_sent_as_null(api: ApiServer, client: Client) -> None:
    """By a kubelet that lost a container, for instance at an eviction: metav1.Time has no omitempty that works."""
    ended = {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None, "finishedAt": None}
    statuses = [{"name": "nginx", "state": {"terminated": ended}, "lastState": {"terminated": ended}}]
    put(api, "evicted", status={"phase": "Failed", "containerStatuses": statuses, "initContainerStatuses": statuses})
    put(api, "resumed", status={"containerStatuses": [{"name": "nginx", "state": {"running": {"startedAt": None}}}]})
    async with telling(api, client) as story:
        await until(lambda: story.names() == ["evicted", "resumed"])


async def test_an_object_may_be_as_deep_as_the_api_server_takes_it(api: ApiServer, client: Client) -> None:
    """managedFields are anybody's: the operator raises Python's limit at its start (__main__)."""
    fields: dict[str, Any] = {}
    for _ in range(1500):
        fields = {"f:x": fields}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(12_000)
    try:
        api.put(
            PODS.path("ns", "deep"), {"metadata": {"labels": {names.LABEL_INSTANCE: "web"}, "managedFields": [fields]}}
        )
        async with telling(api, client) as story:
            await until(lambda: story.names() == ["deep"])
    finally:
        sys.setrecursionlimit(limit)


async def test_a_pod_whose_label_changes_leaves_its_nginx(api: ApiServer, client: Client) -> None:
    for name in ("a", "b"):
        put(api, name)
    async with telling(api, client) as story:
        await story.watch()
        put(api, "a", parent="other")
        put(api, "b", parent=None)
        await until(lambda: story.names("other") == ["a"] and not story.names())
        assert story.changes.count(("ns", "web")) == 4  # "a" and "b" came and went


async def test_a_child_is_its_nginxs_by_name_whatever_its_labels_say(api: ApiServer, client: Client) -> None:
    put(api, "web")
    async with telling(api, client, by_label=False) as story:
        await story.watch()
        put(api, "web", parent="other")
        await until(lambda: story.changes.count(("ns", "web")) == 2)
        assert story.names() == ["web"]


async def test_a_pause_that_the_server_asked_for_is_no_standstill(
    api: ApiServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_STUCK_SECONDS", 0.0)
    api.faults.next("list", "pods", refused(429, "TooManyRequests", retry_after=60))
    async with telling(api, client) as story:
        watched = [("pods", story.reflector.turned)]
        assert health.standstill(watched) is None  # it does not run yet
        await until(lambda: story.reflector.fault)
        assert health.standstill([("pods", story.reflector.turned)]) is None


async def test_it_is_forbidden_from_a_refused_list_to_one_that_succeeds(api: ApiServer, client: Client) -> None:
    api.faults.forbid("list", "pods")
    async with telling(api, client) as story:
        await until(lambda: story.reflector.forbidden)
        assert not story.reflector.synced.is_set()
        api.faults.allow("list", "pods")
        api.faults.next("list", "pods", refused(503, "ServiceUnavailable"))
        await until(lambda: story.reflector.fault.endswith("it is ServiceUnavailable"))
        assert story.reflector.forbidden
        await until(story.reflector.synced.is_set)
        assert not story.reflector.forbidden
