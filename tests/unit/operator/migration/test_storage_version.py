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
from nginx_operator.kube.resources import DEFINITIONS, NGINXES
from nginx_operator.migration import storage_version as migration
from nginx_operator.migration.managed_fields import in_version
from nginx_operator.migration.storage_version import Migration, target_version
from tests.support.apiserver.faults import Answer, Hold, Request, refused
from tests.support.apiserver.server import ApiServer
from tests.support.waiting import until

OLD, NEW = "v1alpha0", names.VERSION
NAMES = ("a", "b", "c", "d", "e")


CRD = DEFINITIONS.path(None, names.CRD)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "_PAUSE", 0)
    monkeypatch.setattr(migration, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(migration, "_PAGE", "2")


def define(api: ApiServer, storage: str, served: tuple[str, ...] = (OLD, NEW)) -> None:
    """What `helm upgrade` does when the versions change, and the API server about it."""
    known = api.objects.get(CRD, {}).get("status", {}).get("storedVersions", [])
    versions = [{"name": name, "served": name in served, "storage": name == storage} for name in (OLD, NEW)]
    stored = {"storedVersions": sorted({*known, storage})}
    api.put(CRD, {"metadata": {"name": names.CRD}, "spec": {"versions": versions}, "status": stored})


def stored_versions(api: ApiServer) -> list[str]:
    """status.storedVersions."""
    return list(api.objects[CRD]["status"]["storedVersions"])


def written(api: ApiServer) -> list[str]:
    """Names of the Nginx that were written anew, in order."""
    events = [event for event in api.store.history if event.type == "MODIFIED" and f"/{names.PLURAL}/" in event.path]
    return [event.path.rpartition("/")[2] for event in events]


def stored_as(api: ApiServer) -> set[str]:
    """The versions that the Nginx are stored in."""
    return {version for path, version in api.store.stored_as.items() if path != CRD}


def tries(api: ApiServer, name: str) -> int:
    """How often one was tried to be written."""
    return len([request for request in api.sent("patch", plural=names.PLURAL) if request.info.name == name])


@pytest.fixture
async def old(api: ApiServer) -> ApiServer:
    """Five Nginx of the old version, and a definition that stores it."""
    define(api, OLD)
    for name in NAMES:
        api.put(NGINXES.path("shop", name), {})
    assert stored_as(api) == {OLD}
    return api


@pytest.fixture
async def due_now(old: ApiServer) -> ApiServer:
    """The same after the definition has begun to store the new version."""
    define(old, NEW)
    return old


@contextlib.asynccontextmanager
async def migrating(api: ApiServer, stale_owner: Callable[[], str | None] = lambda: None) -> AsyncIterator[Migration]:
    async with Client(ClientConfig(api.url)) as client:
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


async def test_each_is_written_once_and_then_the_definition_says_so(due_now: ApiServer) -> None:
    async with migrating(due_now) as found:
        await until(lambda: stored_versions(due_now) == [NEW])
        assert written(due_now) == list(NAMES)
        assert stored_as(due_now) == {NEW}
        await until(lambda: found.stored_versions == (NEW,))
    pages = due_now.sent("list", plural=names.PLURAL)
    assert len(pages) == 3
    assert all("PartialObjectMetadataList" in page.headers["Accept"] for page in pages)
    (definitions,) = due_now.sent("list", plural=DEFINITIONS.plural)
    assert definitions.query["fieldSelector"] == f"metadata.name={names.CRD}"


async def test_nothing_is_written_while_nothing_is_due(old: ApiServer) -> None:
    async with migrating(old) as found:
        await found.reflector.synced.wait()
        assert found.stored_versions == (OLD,)
        assert old.sent("patch") == []
        define(old, NEW)  # the change is what begins it
        await until(lambda: stored_versions(old) == [NEW])
    assert stored_as(old) == {NEW}


async def test_one_that_is_deleted_meanwhile_holds_nothing_up(due_now: ApiServer) -> None:
    due_now.faults.next("patch", names.PLURAL, lambda _: due_now.delete(NGINXES.path("shop", "c")))
    async with migrating(due_now):
        await until(lambda: stored_versions(due_now) == [NEW])
    assert written(due_now) == ["a", "b", "d", "e"]
    assert [tries(due_now, name) for name in NAMES] == [1] * 5  # in one pass


@pytest.mark.parametrize("refusal", [refused(409, "Conflict"), refused(422, "Invalid"), refused(500, "InternalError")])
async def test_nothing_is_said_of_all_while_one_is_refused(
    due_now: ApiServer, refusal: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[list[str]] = []

    def refuse(request: Request) -> Answer | None:
        if request.info.name == "a":
            said.append(stored_versions(due_now))
        return refusal if request.info.name == "b" and len(said) < 3 else None

    with due_now.faults.every("patch", names.PLURAL, refuse):
        async with migrating(due_now):
            await until(lambda: stored_versions(due_now) == [NEW])
    assert said == [[OLD, NEW]] * 3
    assert stored_as(due_now) == {NEW}
    assert "1 of 5 could not be written, the first: shop/b: it is" in caplog.text


async def test_it_is_not_done_before_each_child_names_its_owner_anew(
    due_now: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    left = ["shop/b"]
    async with migrating(due_now, lambda: left[0] if left else None):
        await until(lambda: tries(due_now, "e") >= 2)
        assert stored_versions(due_now) == [OLD, NEW]
        left.clear()
        await until(lambda: stored_versions(due_now) == [NEW])
    assert "a child of shop/b still names it in another version" in caplog.text


async def test_a_definition_that_changes_meanwhile_is_migrated_to_anew(due_now: ApiServer) -> None:
    rolled_back: list[str] = []

    def roll_back(request: Request) -> None:
        define(due_now, OLD)
        rolled_back.append(due_now.objects[CRD]["metadata"]["resourceVersion"])

    due_now.faults.next("patch", names.PLURAL, lambda _: None, lambda _: None, roll_back)
    async with migrating(due_now) as found:
        await until(
            lambda: rolled_back and found._definition and [found._definition.metadata.resource_version] == rolled_back
        )
        assert stored_versions(due_now) == [OLD, NEW]
        define(due_now, NEW)
        await until(lambda: stored_versions(due_now) == [NEW])
    assert stored_as(due_now) == {NEW}


async def test_a_definition_that_changes_at_the_last_moment_is_looked_at_again(due_now: ApiServer) -> None:
    due_now.faults.next("patch", DEFINITIONS.plural, lambda _: due_now.touch(CRD))
    async with migrating(due_now):
        await until(lambda: stored_versions(due_now) == [NEW])
    first, second = (request.body["metadata"] for request in due_now.sent("patch", plural=DEFINITIONS.plural))
    assert first["resourceVersion"] != second["resourceVersion"]
    assert first["uid"] == second["uid"] == due_now.objects[CRD]["metadata"]["uid"]


async def test_who_was_killed_is_followed_by_one_who_finishes(due_now: ApiServer) -> None:
    hold = Hold()
    due_now.faults.next("patch", names.PLURAL, lambda _: None, lambda _: None, hold)
    async with migrating(due_now):
        await hold.reached.wait()
    assert (written(due_now), stored_versions(due_now)) == (["a", "b"], [OLD, NEW])
    async with migrating(due_now):
        await until(lambda: stored_versions(due_now) == [NEW])
    assert written(due_now) == list(NAMES)
    assert stored_as(due_now) == {NEW}


def entry(version: str, manager: str = "kubectl", operation: str = "Update", **fields: object) -> dict[str, object]:
    about = {"manager": manager, "operation": operation, "apiVersion": f"proxy.example.com/{version}"}
    return {**about, "fieldsType": "FieldsV1", "fieldsV1": fields}


async def test_a_version_that_is_served_no_more_leaves_the_managed_fields(api: ApiServer) -> None:
    def put(name: str, *entries: dict[str, object]) -> None:
        """An Nginx as an earlier release had it written."""
        path = NGINXES.path("shop", name)
        api.put(path, {"spec": {"count": 1}})
        fields = {"f:spec": {"f:count": {}}}
        api.objects[path]["metadata"]["managedFields"] = [{**entry, "fieldsV1": fields} for entry in entries]

    define(api, NEW)
    put("a", entry(NEW))
    put("b", entry(OLD))
    put("c", entry(NEW))
    put("d", entry(OLD, "operator"), entry(NEW))
    put("e")
    async with migrating(api) as found:
        await found.reflector.synced.wait()
        define(api, NEW, served=(NEW,))
        await until(lambda: written(api) == ["b", "d"])
        await until(lambda: found._rewritten)
        define(api, NEW)  # by a rollback, and then again
        await until(lambda: not found._rewritten)
        put("a", entry(OLD))
        define(api, NEW, served=(NEW,))
        await until(lambda: written(api) == ["b", "d", "a"])
    managed = api.objects[NGINXES.path("shop", "d")]["metadata"]["managedFields"]
    assert [(one["manager"], one["apiVersion"]) for one in managed] == [
        ("kubectl", names.API_VERSION),
        ("operator", names.API_VERSION),
    ]


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
