"""Deletes the ConfigMaps of an Nginx that no ReplicaSet of its Deployment needs any more."""

import logging
from typing import Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Nginx, ObjectMeta
from nginx_operator.cache.caches import Caches
from nginx_operator.decide.compare import is_owned
from nginx_operator.decide.configuration_in_force import revision_of
from nginx_operator.decide.observation import Observation
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import CONFIG_MAPS, REPLICA_SETS
from nginx_operator.reconcile.memo import ReconcileMemo

log = logging.getLogger(__name__)


class UnusedConfigMaps:
    """Finds and deletes them."""

    def __init__(self, client: Client, caches: Caches) -> None:
        self._client = client
        self._caches = caches

    async def delete(self, nginx: Nginx, memo: ReconcileMemo, seen: Observation) -> None:
        """Deletes what is needed no more, once the rollout is complete.

        ReplicaSets are not watched, so they are listed: once in each generation of the Deployment, and only where there
        are ConfigMaps beside the one that it runs.

        Raises:
            ApiError: the API server refused, or there was no answer.
        """
        if seen.deployment is None or not seen.rolled_out:
            return
        generation, meta = seen.deployment.metadata.generation, nginx.metadata
        in_use = {revision_of(seen.deployment), *(pod.metadata.labels.get(names.LABEL_CONFIG) for pod in seen.pods)}
        others = {
            name: each.metadata
            for name, each in self._caches.config_maps(meta.key).items()
            if is_owned(each.metadata, meta)
            and each.metadata.deletion_timestamp is None
            and name.removeprefix(f"{meta.name}-") not in in_use
        }
        if others.keys() <= (memo.needed[1] if memo.needed[0] == generation else frozenset()):
            return
        needed = {f"{meta.name}-{revision}" for revision in await self._revisions_of_replica_sets(meta)}
        for name, found in others.items():
            if name not in needed:
                await self._delete(meta, found)
        memo.needed = generation, frozenset(others.keys() & needed)

    async def _revisions_of_replica_sets(self, meta: ObjectMeta) -> set[str]:
        selector = names.selector(meta.name)
        raw = await self._client.list(REPLICA_SETS, meta.namespace, metadata_only=True, labelSelector=selector)
        return {item.metadata.labels.get(names.LABEL_CONFIG, "") for item in _LIST.decode(raw).items}

    async def _delete(self, meta: ObjectMeta, found: ObjectMeta) -> None:
        log.debug("[%s/%s] ConfigMap %s is used no more", *meta.key, found.name)
        uid, version = found.uid, found.resource_version
        try:
            await self._client.delete(CONFIG_MAPS, meta.namespace, found.name, uid=uid, resource_version=version)
        except ApiError as error:
            if error.code != 404:
                raise
        self._caches.observe_deletion(CONFIG_MAPS.plural, meta.key, found.name)


class _Item(msgspec.Struct):
    metadata: ObjectMeta


class _List(msgspec.Struct):
    items: list[_Item]


_LIST: Final = msgspec.json.Decoder(_List)
