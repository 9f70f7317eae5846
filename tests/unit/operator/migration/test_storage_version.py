"""Which objects are stored anew, when, and what is said of it; tests/faults/test_ladder.py has a real API server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.api.types import (
    CustomResourceDefinition,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionStatus,
    CustomResourceDefinitionVersion,
    ObjectMeta,
)
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.migration import storage_version as migration
from nginx_operator.migration.managed_fields import in_version
from nginx_operator.migration.storage_version import Migration, target_version
from tests.support.apiserver.conversation import failure
from tests.support.apiserver.definitions import Definitions
from tests.support.waiting import until

OLD, NEW = "v1alpha0", names.VERSION
NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "_PAUSE", 0)
    monkeypatch.setattr(migration, "_FIRST_DELAY", 0.01)


@pytest.fixture
async def server() -> AsyncIterator[Definitions]:
    """Five Nginx of the old version, and a definition that has begun to store the new one."""
    async with Definitions(OLD, NEW, storage=NEW, may_be=[OLD, NEW]) as server:
        server.stored = dict.fromkeys(NAMES, OLD)
        yield server


@contextlib.asynccontextmanager
async def migrating(
    server: Definitions, stale_owner: Callable[[], str | None] = lambda: None
) -> AsyncIterator[Migration]:
    async with Client(ClientConfig(server.url)) as client:
        found = Migration(client, stale_owner, settle=0)
        tasks = [asyncio.create_task(found.reflector.run()), asyncio.create_task(found.run())]
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def definition(stored: tuple[str, ...], storage: str = NEW, deleted: str | None = None) -> CustomResourceDefinition:
    versions = tuple(CustomResourceDefinitionVersion(name, served=True, storage=name == storage) for name in (OLD, NEW))
    meta = ObjectMeta(name="crd", deletion_timestamp=deleted)
    return CustomResourceDefinition(
        meta, CustomResourceDefinitionSpec(versions), CustomResourceDefinitionStatus(stored)
    )


@pytest.mark.parametrize(
    ("found", "version"),
    [
        (definition((NEW,)), None),
        (definition((OLD, NEW)), NEW),
        (definition((NEW, OLD), storage=OLD), None),  # after a rollback: left to the release that speaks it
        (definition((OLD,)), NEW),
        (definition((OLD, NEW), storage="none"), None),
        (definition((OLD, NEW), deleted="2026-01-01T00:00:00Z"), None),
    ],
)
def test_what_is_due(found: CustomResourceDefinition, version: str | None) -> None:
    assert target_version(found) == version


async def test_each_is_written_once_and_then_the_definition_says_so(server: Definitions) -> None:
    async with migrating(server) as found:
        await server.told(lambda: server.may_be == [NEW])
        assert server.writes == list(NAMES)
        assert set(server.stored.values()) == {NEW}
        await until(lambda: found.stored_versions == (NEW,))


async def test_nothing_is_written_while_nothing_is_due() -> None:
    async with Definitions(OLD, NEW, storage=OLD, may_be=[OLD]) as server:
        server.stored = dict.fromkeys(NAMES, OLD)
        async with migrating(server) as found:
            await found.reflector.synced.wait()
            assert found.stored_versions == (OLD,)
            assert server.writes == []
            await server.store_as(NEW)  # the change is what begins it
            await server.told(lambda: server.may_be == [NEW])
        assert set(server.stored.values()) == {NEW}


async def test_one_that_is_deleted_meanwhile_holds_nothing_up(server: Definitions) -> None:
    def deleted(name: str) -> None:
        if name == "a":
            del server.stored["c"]

    server.refuse = deleted
    async with migrating(server):
        await server.told(lambda: server.may_be == [NEW])
    assert server.writes == ["a", "b", "d", "e"]


@pytest.mark.parametrize("refusal", [failure(409, "Conflict"), failure(422, "Invalid"), failure(500, "InternalError")])
async def test_nothing_is_said_of_all_while_one_is_refused(
    server: Definitions, refusal: tuple[int, dict[str, object]], caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse = lambda name: refusal if name == "b" and server.writes.count("e") < 2 else None
    async with migrating(server):
        await server.told(lambda: server.writes.count("e") == 2)
        assert server.may_be == [OLD, NEW]
        await server.told(lambda: server.may_be == [NEW])
    assert set(server.stored.values()) == {NEW}
    assert "1 of 5 could not be written, the first: shop/b: it is" in caplog.text


async def test_it_is_not_done_before_each_child_names_its_owner_anew(
    server: Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    left = ["shop/b"]
    async with migrating(server, lambda: left[0] if left else None):
        await server.told(lambda: server.writes.count("e") == 2)
        assert server.may_be == [OLD, NEW]
        left.clear()
        await server.told(lambda: server.may_be == [NEW])
    assert "a child of shop/b still names it in another version" in caplog.text


async def test_a_definition_that_changes_meanwhile_is_migrated_to_anew(server: Definitions) -> None:
    changes: list[asyncio.Task[None]] = []

    def rolled_back(name: str) -> None:
        if name == "c" and not changes:
            changes.append(asyncio.create_task(server.store_as(OLD)))

    server.refuse = rolled_back
    async with migrating(server) as found:
        await until(lambda: changes and found._definition and found._definition.metadata.resource_version == "2")
        assert server.may_be == [OLD, NEW]
        await server.store_as(NEW)
        await server.told(lambda: server.may_be == [NEW])
    assert set(server.stored.values()) == {NEW}


async def test_who_was_killed_is_followed_by_one_who_finishes(server: Definitions) -> None:
    async with migrating(server):
        await server.told(lambda: len(server.writes) == 2)
    assert server.may_be == [OLD, NEW]
    async with migrating(server):
        await server.told(lambda: server.may_be == [NEW])
    assert set(server.stored.values()) == {NEW}


def entry(version: str, manager: str = "kubectl", operation: str = "Update", **fields: object) -> dict[str, object]:
    about = {"manager": manager, "operation": operation, "apiVersion": f"proxy.example.com/{version}"}
    return {**about, "fieldsType": "FieldsV1", "fieldsV1": fields}


async def test_a_version_that_is_served_no_more_leaves_the_managed_fields() -> None:
    async with Definitions(NEW, OLD, storage=NEW, may_be=[NEW]) as server:
        server.stored = dict.fromkeys(NAMES, NEW)
        server.managed = {"b": [entry(OLD)], "d": [entry(OLD, "operator"), entry(NEW)], "e": []}
        async with migrating(server) as found:
            await found.reflector.synced.wait()
            await server.un_serve(OLD)
            await server.told(lambda: server.writes == ["b", "d"])
            await until(lambda: found._rewritten)
            await server.un_serve("")  # by a rollback, and then again
            await until(lambda: not found._rewritten)
            server.managed["a"] = [entry(OLD)]
            await server.un_serve(OLD)
            await server.told(lambda: server.writes == ["b", "d", "a"])
    assert server.managed["d"] == [entry(NEW, "operator"), entry(NEW)]


UNSERVED = {f"proxy.example.com/{OLD}"}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([], None),
        ([entry(NEW)], None),
        ([{"manager": "x"}], None),
        ([entry(OLD, a={})], [entry(NEW, a={})]),
        (
            [entry(OLD, operation="Apply", a={}), entry(OLD, a={})],
            [entry(NEW, operation="Apply", a={}), entry(NEW, a={})],
        ),
        # What becomes the same entry holds the fields of both, once.
        (
            [entry(OLD, a={"x": {}}, b={}), entry(NEW, "other"), entry(NEW, a={"y": {}})],
            [entry(NEW, a={"x": {}, "y": {}}, b={}), entry(NEW, "other")],
        ),
    ],
)
def test_who_owns_a_field_is_told_in_another_version(entries: list[Any], told: list[Any] | None) -> None:
    assert in_version(f"proxy.example.com/{NEW}", entries, UNSERVED) == told
