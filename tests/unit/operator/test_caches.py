"""What kopf tells of nginxes, and what of it leads to a reconcile."""

from typing import Any

import pytest

from nginx_operator.api.types import ObjectMeta
from nginx_operator.caches import Caches
from nginx_operator.cluster.client import Client
from nginx_operator.cluster.connection import Connection

KEY = ("shop", "web")


def body(version: int, *, uid: str = "u1", generation: int = 1, **more: Any) -> dict[str, Any]:
    meta = {"name": "web", "namespace": "shop", "uid": uid, "resourceVersion": str(version), "generation": generation}
    return {"metadata": meta | more.pop("metadata", {}), "spec": {"count": 1}} | more


def listed(uid: str, generation: int = 1) -> dict[tuple[str, str], ObjectMeta]:
    return {KEY: ObjectMeta("web", namespace="shop", uid=uid, generation=generation)}


@pytest.fixture
async def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def caches(told: list[tuple[str, str]]) -> Caches:
    return Caches(Client(Connection("https://192.0.2.1")), (), told.append, told.append)


async def test_a_new_one_is_told_of(caches: Caches, told: list[Any]) -> None:
    caches.observe(None, body(1))
    assert told == [KEY]
    assert caches.nginx(KEY) is not None


async def test_an_older_state_never_replaces_a_newer(caches: Caches, told: list[Any]) -> None:
    caches.observe("ADDED", body(5, generation=2))
    caches.observe("MODIFIED", body(4))
    found = caches.nginx(KEY)
    assert found is not None
    assert found.metadata.generation == 2
    assert len(told) == 1


async def test_the_echo_of_our_status_write_is_not_told_of(caches: Caches, told: list[Any]) -> None:
    caches.observe("ADDED", body(1))
    caches.assume(
        "nginxes",
        b'{"metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"2"},"status":{"count":1}}',
    )
    caches.observe("MODIFIED", body(2, status={"count": 1}))
    assert len(told) == 1


async def test_a_label_is_not_told_of_but_kept(caches: Caches, told: list[Any]) -> None:
    caches.observe("ADDED", body(1))
    caches.observe("MODIFIED", body(2, metadata={"labels": {"a": "b"}}))
    found = caches.nginx(KEY)
    assert found is not None
    assert found.metadata.labels == {"a": "b"}
    assert len(told) == 1


@pytest.mark.parametrize(
    "change",
    [{"generation": 2}, {"status": {"count": 9}}, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}],
)
async def test_spec_status_and_deletion_are_told_of(caches: Caches, told: list[Any], change: dict[str, Any]) -> None:
    caches.observe("ADDED", body(1))
    caches.observe("MODIFIED", body(2, **change))
    assert len(told) == 2


async def test_the_deletion_of_a_predecessor_does_not_remove_its_successor(caches: Caches, told: list[Any]) -> None:
    caches.observe("ADDED", body(1))
    caches.observe("ADDED", body(3, uid="u2"))
    caches.observe("DELETED", body(2))
    assert caches.nginx(KEY) is not None
    caches.observe("DELETED", body(4, uid="u2"))
    assert caches.nginx(KEY) is None


async def test_a_deletion_that_nobody_told_of_is_found_by_comparison(caches: Caches) -> None:
    caches.observe("ADDED", body(1))
    before = caches.uids()
    assert caches.drop_deleted(before, listed("u1")) == []
    assert caches.drop_deleted(before, listed("u2")) == [KEY]
    assert caches.nginx(KEY) is None


async def test_what_is_younger_than_the_list_is_kept(caches: Caches) -> None:
    caches.observe("ADDED", body(1))
    assert caches.drop_deleted({}, {}) == []
    assert caches.drop_deleted({KEY: "an earlier one"}, {}) == []
    assert caches.nginx(KEY) is not None


async def test_what_a_list_holds_and_the_watch_did_not_tell(caches: Caches) -> None:
    assert caches.behind(listed("u1", 1)) == {("u1", 1)}
    caches.observe("ADDED", body(1))
    assert caches.behind(listed("u1", 1)) == set()
    assert caches.behind(listed("u1", 2)) == {("u1", 2)}
    assert caches.behind(listed("u2", 1)) == {("u2", 1)}
