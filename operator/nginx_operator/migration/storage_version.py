"""Stored objects follow the versions of the CustomResourceDefinition (docs/versions.md).

    status.storedVersions != [storage] -> write each Nginx as it is -> status.storedVersions = [storage]
    a version is not served            -> no metadata.managedFields names it

An object stays in etcd in the version that it was written in, and the API server lets no version go that
status.storedVersions names; nobody but us shortens that list. A write that changes nothing stores an object anew if its
version differs, and is none if it does not. So a pass that was killed is begun again, and no generation changes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import CustomResourceDefinition, Key
from nginx_operator.cache.informer import Informer, WatchedKind
from nginx_operator.cache.store import owner_key_by_name
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.reflector import Reflector
from nginx_operator.kube.resources import DEFINITIONS, NGINXES
from nginx_operator.migration.managed_fields import Entry, in_version

log = logging.getLogger(__name__)

#: Seconds that a change of the definition is given to reach every API server: until it has heard of it, each goes on
#: to store what it is sent in the earlier version.
SETTLE: Final = 3.0
#: Seconds between two writes: at most 20 a second, beside whatever else the API server has to do.
_PAUSE: Final = 0.05
_FIRST_DELAY: Final = 10.0
_LONGEST_DELAY: Final = 600.0
_PAGE: Final = "500"

Write = Callable[[], Awaitable[bytes]]


class UnfinishedError(Exception):
    """Some Nginx could not be written, so nothing may be said of all."""


class Migration:
    """Migrates whenever there is something to migrate; else it costs the watch of one object.

    Args:
        client: for the watch, the pages and the writes; fenced if several processes may lead.
        stale_owner: names an Nginx with a child whose ownerReference is of another version than ours, or None. While
            there is one, the migration is not done: once that version is not served, the garbage collector takes the
            owner for gone.
        settle: seconds, see SETTLE.
    """

    def __init__(self, client: Client, stale_owner: Callable[[], str | None], settle: float = SETTLE) -> None:
        self._client = client
        self._stale_owner = stale_owner
        self._settle = settle
        self._changed = asyncio.Event()
        self._rewritten: frozenset[str] = frozenset()
        only_ours = {"fieldSelector": f"metadata.name={names.CRD}"}
        kind = WatchedKind(DEFINITIONS, CustomResourceDefinition, owner_key_by_name, selector=only_ours)
        self._informer = Informer(client, kind, lambda *_: self._changed.set())

    @property
    def reflector(self) -> Reflector[CustomResourceDefinition]:
        """The watch of the definition, to be run."""
        return self._informer.reflector

    @property
    def stored_versions(self) -> tuple[str, ...]:
        """Versions that an Nginx may be stored in, as far as is known."""
        definition = self._definition
        return definition.status.stored_versions if definition is not None else ()

    async def run(self) -> None:
        """Migrates until cancelled. Only one process may do so at a time."""
        await self.reflector.synced.wait()
        backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        while True:
            self._changed.clear()
            definition = self._definition
            unserved = unserved_versions(definition) if definition is not None else frozenset()
            self._rewritten &= unserved  # what is served again may be named again
            if definition is None or (target_version(definition) is None and unserved == self._rewritten):
                backoff.reset()
                await self._changed.wait()
            elif not await self._changes_within(self._settle):
                try:
                    if target_version(definition) is not None:
                        await self._migrate(definition)
                    if unserved != self._rewritten:
                        await self._rewrite_managed_fields(unserved)
                except (ApiError, UnfinishedError, msgspec.MsgspecError) as error:
                    delay = backoff.step()
                    log.warning("stored Nginx are not migrated: %s; again within %.0f s", error, delay)
                    await self._changes_within(delay)

    @property
    def _definition(self) -> CustomResourceDefinition | None:
        return self._informer.store.of(("", names.CRD)).get(names.CRD)

    async def _changes_within(self, seconds: float) -> bool:
        """Whether the definition changes within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _migrate(self, definition: CustomResourceDefinition) -> None:
        """One pass.

        Raises:
            ApiError: the API server cannot be reached, or the definition was changed by somebody else.
            UnfinishedError: an Nginx could not be written, or a child still has a stale ownerReference.
        """
        version = target_version(definition)
        stored = ", ".join(definition.status.stored_versions)
        log.info("migrating stored Nginx to %s: some may be stored as any of %s", version, stored)
        # All names first: the token of a list's next page lives for minutes, and the writes may take longer. An empty
        # patch of the status needs no right that the operator does not have, and asks no webhook.
        writes = [
            (meta.key, partial(self._client.merge, NGINXES, *meta.key, {}, "status")) async for meta in self._all()
        ]
        await self._each(writes)
        if (name := self._stale_owner()) is not None:
            raise UnfinishedError(f"a child of {name} still names it in another version")
        # The precondition holds what was done together with what it was done for: a definition that has changed since,
        # or that no longer serves our version, answers 409.
        meta = definition.metadata
        body = {
            "metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version},
            "status": {"storedVersions": [version]},
        }
        self._informer.observe_write(await self._client.merge(DEFINITIONS, None, names.CRD, body, "status"))
        log.info("migrated: each of %d Nginx is stored as %s, and status.storedVersions says so", len(writes), version)

    async def _rewrite_managed_fields(self, versions: frozenset[str]) -> None:
        """One pass over the managedFields that name versions which are not served; nobody can add to them.

        Raises:
            ApiError, UnfinishedError: as in `_migrate`.
        """
        unserved = {f"{names.GROUP}/{version}" for version in versions}
        writes: list[tuple[Key, Write]] = []
        async for meta in self._all():
            entries = in_version(names.API_VERSION, meta.managed_fields, unserved)
            if entries is not None:
                write = partial(
                    self._client.replace,
                    *(NGINXES, *meta.key, "/metadata/managedFields", entries),
                    resource_version=meta.resource_version,
                )
                writes.append((meta.key, write))
        await self._each(writes)
        if writes:
            log.info("managedFields of %d Nginx name %s in place of %s", len(writes), names.VERSION, sorted(versions))
        if not self._changed.is_set():  # else they may be served again, and named
            self._rewritten = versions

    async def _each(self, writes: Sequence[tuple[Key, Write]]) -> None:
        """Makes the writes of Nginx one after the other.

        Raises:
            ApiError, UnfinishedError: as in `_migrate`.
        """
        failures = []
        for key, write in writes:
            if self._changed.is_set():
                raise UnfinishedError("the CustomResourceDefinition was changed while Nginx were migrated")
            await asyncio.sleep(_PAUSE)
            try:
                await write()
            except ApiError as error:
                if error.unreachable:
                    raise
                if error.code != HTTPStatus.NOT_FOUND:  # else it was deleted meanwhile
                    failures.append(f"{key[0]}/{key[1]}: {error.message}")
                    await asyncio.sleep(error.retry_after)
        if failures:
            raise UnfinishedError(f"{len(failures)} of {len(writes)} could not be written, the first: {failures[0]}")

    async def _all(self) -> AsyncIterator["_Metadata"]:
        """The metadata of every Nginx."""
        params = {"limit": _PAGE}
        while True:
            raw = await self._client.list(NGINXES, metadata_only=True, **params)
            page = msgspec.json.decode(raw, type=_Page)
            for item in page.items or ():
                yield item.metadata
            if not page.metadata.continue_token:
                return
            params["continue"] = page.metadata.continue_token


def target_version(definition: CustomResourceDefinition) -> str | None:
    """The version to migrate to, or None if there is nothing to migrate.

    It is left to the release that speaks it: the migration is done when children name their owner in it, too.
    """
    storage = next((version.name for version in definition.spec.versions if version.storage), None)
    if definition.metadata.deletion_timestamp is not None or storage != names.VERSION:
        return None
    return storage if definition.status.stored_versions != (storage,) else None


def unserved_versions(definition: CustomResourceDefinition) -> frozenset[str]:
    """The versions that are defined and not served: they were, and will be removed."""
    return frozenset(version.name for version in definition.spec.versions if not version.served)


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    resource_version: str = ""
    managed_fields: list[Entry] = []

    @property
    def key(self) -> Key:
        return self.namespace, self.name


class _Item(msgspec.Struct):
    metadata: _Metadata


class _ListMeta(msgspec.Struct, rename={"continue_token": "continue"}):
    continue_token: str = ""


class _Page(msgspec.Struct):
    """A metav1.PartialObjectMetadataList."""

    metadata: _ListMeta
    items: list[_Item] | None = None  # an empty list is sent as null
