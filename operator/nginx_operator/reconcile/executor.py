"""Carrying out a plan: one write per action, each with the preconditions that make it safe."""

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import msgspec

from nginx_operator.api.types import Child, Key, Nginx, ObjectMeta
from nginx_operator.cache.caches import Caches
from nginx_operator.children import CONFIG_MAP, Body
from nginx_operator.decide import field_managers
from nginx_operator.decide.carry_over import carry_over
from nginx_operator.decide.compare import is_owned
from nginx_operator.decide.outcome import Done, Failure, Outcome
from nginx_operator.decide.plan import (
    Action,
    Adopt,
    Apply,
    Delete,
    NameConflict,
    Plan,
    UpdateOwnerReference,
    name_conflict,
    update_of,
)
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.reconcile import patches
from nginx_operator.runtime.workqueue import RetryLater

log = logging.getLogger(__name__)

_RESOURCES: Final = {resource.plural: resource for resource in (CONFIG_MAPS, DEPLOYMENTS, SERVICES)}
#: The field that the API server names where it refuses another class.
_CLASS: Final = "spec.loadBalancerClass"
#: How often the ownership of forced fields is given up, against others who write at the same time.
_TRIES: Final = 5


class Executor:
    """Writes children."""

    def __init__(self, client: Client, caches: Caches) -> None:
        self._client = client
        self._caches = caches

    async def execute(self, nginx: Nginx, plan: Plan) -> Outcome:
        """Carries out the plan as far as it goes: a child that cannot be written does not hold up the next.

        Only files do: pods that are to run them would wait for them.
        """
        outcome = Outcome()
        for action in plan.actions:
            try:
                done = await self._act(nginx.metadata, action)
                if isinstance(done, NameConflict):
                    outcome.name_conflicts.append(done)
                else:
                    outcome.done.append(done)
            except ApiError as error:
                _record(outcome, action, error)
                passes = error.namespace_terminating or error.code == HTTPStatus.CONFLICT  # read anew, tried again
                level = logging.DEBUG if passes else logging.WARNING
                log.log(level, "[%s/%s] %s %s: %s", *nginx.metadata.key, action.kind.kind, action.name, error.explained)
            if action.kind is CONFIG_MAP and not outcome.complete:
                break
        return outcome

    async def check_current(self, nginx: Nginx) -> None:
        """Reads the Nginx live: what a stale cache holds must not bring a deleted one's children back, or undo a
        newer spec. What is wanted now is right to apply, however old our view of the children is.

        Raises:
            RetryLater: what is known of the Nginx is not what is stored.
        """
        try:
            raw = await self._client.get(NGINXES, nginx.metadata.namespace, nginx.metadata.name)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                raise RetryLater("the Nginx is gone; waiting for the cache to catch up") from error
            raise
        live, known = msgspec.json.decode(raw, type=Nginx).metadata, nginx.metadata
        if live.uid != known.uid or live.deletion_timestamp is not None:
            raise RetryLater("the Nginx was deleted; waiting for the cache to catch up")
        if live.generation != known.generation:
            raise RetryLater("the spec has changed; waiting for the cache to catch up")

    async def _act(self, owner: ObjectMeta, action: Action) -> Done | NameConflict:
        """Carries out one action. Returns the conflict if the child's name is taken by somebody else's object."""
        match action:
            case Delete():
                await self._delete(owner.key, action)
            case Adopt():
                return await self._adopt(owner.key, action)
            case UpdateOwnerReference():
                await self._update_owner_reference(owner, action)
            case Apply(creates=True):
                return await self._create(owner, action)
            case Apply():
                return await self._update(owner.key, action)
        return Done(action)

    async def _create(self, owner: ObjectMeta, action: Apply) -> Done | NameConflict:
        """Applies what does not exist for all we know: the caches hold only what bears our labels.

        An apply may find nothing that it conflicts with in what somebody else made: a Service without a selector would
        get ours, and our ownerReference. So it asks for a version that nothing has (docs/decisions/0008).
        """
        try:
            stored = await self._apply(owner.key, action, patches.only_if_absent(action.body), force=False)
        except ApiError as error:
            raw = await self._live(owner.key, action) if error.code == HTTPStatus.CONFLICT else None
            if raw is None:
                raise  # another reason, or it is gone again
            live = msgspec.json.decode(raw, type=Child)
            if live.metadata.deletion_timestamp is not None or not is_owned(live.metadata, owner):
                return name_conflict(action.kind, live.metadata, owner)
            # Ours: the cache had not heard of it yet, or somebody took the labels away by which it is watched.
            action = _attributed(update_of(action, live), raw)
            stored = await self._apply(owner.key, action, carry_over(action.body, live), force=True)
        return Done(action, stored)

    async def _update(self, key: Key, action: Apply) -> Done:
        """Applies to what is ours, by force: drift is repaired."""
        if action.repairs and (raw := await self._live(key, action)):
            action = _attributed(action, raw)  # the caches keep no managedFields, which are most of a child
        try:
            stored = await self._force(key, action, action.body)
        except ApiError as error:
            if action.via is None or _CLASS not in error.fields:
                raise
            await self._force(key, action, action.via)
            return Done(action, await self._force(key, action, action.body))
        return Done(replace(action, via=None), stored)

    async def _adopt(self, key: Key, action: Adopt) -> Done:
        """Becomes the controller of a child that has none, and the only manager of what we set in it."""
        resource = _RESOURCES[action.kind.plural]
        live = msgspec.json.decode(await self._read(key, action))
        body = patches.adoption(action.body, live, action.resource_version)
        raw = await self._client.merge_by_key(resource, key[0], action.name, body)
        self._caches.observe_write(resource.plural, key, raw)
        return replace(await self._update(key, Apply(action.kind, action.name, action.body)), action=action)

    async def _force(self, key: Key, action: Apply, body: Body) -> Child:
        try:
            return await self._apply(key, action, body, force=True)
        except ApiError as error:
            if error.code != HTTPStatus.UNPROCESSABLE_ENTITY or _CLASS in error.fields or "spec" not in body:
                raise
            await self._force_spec(key, action, body, error)
            return await self._apply(key, action, body, force=True)

    async def _force_spec(self, key: Key, action: Apply, body: Body, refusal: ApiError) -> None:
        """Makes room for our fields where they are invalid together with what somebody else set."""
        live = msgspec.json.decode(await self._read(key, action))
        if why := patches.immutable(action.kind, body, live):
            raise ApiError(refusal.code, refusal.reason, f"{why} ({refusal.message})") from refusal
        raw = await self._replace(key, action, live, "/spec", patches.force_spec(action.kind, body, live))
        await self._disown_updates(key, action, raw)

    async def _disown_updates(self, key: Key, action: Apply, raw: bytes) -> None:
        """Removes the entry that a patch leaves in managedFields, under our name but not by apply.

        Its fields would stay when they leave the spec. If somebody else writes meanwhile, it tries again at once: the
        next reconcile would find the child as desired, and nothing to do.
        """
        for left in reversed(range(_TRIES)):
            live = msgspec.json.decode(raw)
            try:
                await self._replace(key, action, live, "/metadata/managedFields", patches.without_our_updates(live))
                return
            except ApiError as error:
                if error.code != HTTPStatus.UNPROCESSABLE_ENTITY or not left:
                    raise
                raw = await self._read(key, action)

    async def _delete(self, key: Key, action: Delete) -> None:
        resource = _RESOURCES[action.kind.plural]
        try:
            await self._client.delete(
                resource, key[0], action.name, uid=action.uid, resource_version=action.resource_version
            )
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
        self._caches.observe_deletion(resource.plural, key, action.name)

    async def _update_owner_reference(self, owner: ObjectMeta, action: UpdateOwnerReference) -> None:
        resource = _RESOURCES[action.kind.plural]
        body = patches.owner_reference(owner, action.resource_version)
        raw = await self._client.merge_by_key(resource, owner.namespace, action.name, body)
        self._caches.observe_write(resource.plural, owner.key, raw)

    async def _apply(self, key: Key, action: Apply, body: Body, *, force: bool) -> Child:
        """Applies a child. Returns it as it is stored."""
        resource = _RESOURCES[action.kind.plural]
        raw = await self._client.apply(resource, key[0], action.name, body, force=force)
        self._caches.observe_write(resource.plural, key, raw)
        return msgspec.json.decode(raw, type=Child)

    async def _replace(self, key: Key, action: Apply, live: Body, path: str, value: object) -> bytes:
        resource, version = _RESOURCES[action.kind.plural], live["metadata"]["resourceVersion"]
        return await self._client.replace(resource, key[0], action.name, path, value, resource_version=version)

    async def _live(self, key: Key, action: Apply) -> bytes | None:
        """What stands under the child's name right now."""
        try:
            return await self._read(key, action)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _read(self, key: Key, action: Apply | Adopt) -> bytes:
        return await self._client.get(_RESOURCES[action.kind.plural], key[0], action.name)


def _attributed(repair: Apply, raw: bytes) -> Apply:
    """The same repair, with who changed what, by the child as it is."""
    managed = msgspec.json.decode(raw)["metadata"].get("managedFields", [])
    return replace(repair, changed_by={each.path: field_managers.writer(managed, each.path) for each in repair.drift})


def _record(outcome: Outcome, action: Action, error: ApiError) -> None:
    """An action was refused, or there was no answer."""
    what = f"{action.kind.kind} {action.name}"
    outcome.retry_after = max(outcome.retry_after, error.retry_after)
    if not (error.transient or error.namespace_terminating):
        outcome.failures.append(Failure(what, error.reason, error.message))
        return
    outcome.transient += 1
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        outcome.server_error = f"{what}: {error.message}"
