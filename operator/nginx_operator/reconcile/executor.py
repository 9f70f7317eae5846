"""Carrying out a plan: one write per action, each with the preconditions that make it safe."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import msgspec

from nginx_operator.api import names
from nginx_operator.api.types import Child, Nginx, ObjectMeta
from nginx_operator.decide import plan as planning
from nginx_operator.decide.conditions import Failure
from nginx_operator.decide.plan import Apply, Conflict, Delete, UpdateOwnerReference
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.reflector import Key
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.runtime.workqueue import RetryLater

log = logging.getLogger(__name__)

_RESOURCES = {resource.plural: resource for resource in (DEPLOYMENTS, SERVICES)}


class Written(Protocol):
    """Where the answers to our own writes go."""

    def observe_write(self, plural: str, key: Key, raw: bytes) -> None:
        """Takes over the answer to a write, before the watch tells."""

    def forget(self, plural: str, key: Key) -> None:
        """Takes over a deletion, before the watch tells."""


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        done: the actions that took effect.
        conflicts: names that are taken.
        failures: what was refused for a reason that a user can do something about.
        transient: number of errors that pass by themselves.
        retry_after: seconds that the API server asked us to wait.
        trouble: what the API server says is wrong with itself or with a webhook of somebody else's; it may last.
    """

    done: list[planning.Action] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    transient: int = 0
    retry_after: float = 0.0
    trouble: str = ""

    @property
    def complete(self) -> bool:
        """Whether every action took effect."""
        return not (self.conflicts or self.failures or self.transient)

    def add(self, action: planning.Action, error: ApiError) -> None:
        """Records that an action was refused, or that there was no answer."""
        self.retry_after = max(self.retry_after, error.retry_after)
        if error.transient or error.namespace_terminating:
            self.transient += 1
            if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self.trouble = f"{action.kind.kind} {action.name}: {error.message}"
        else:
            self.failures.append(Failure(f"{action.kind.kind} {action.name}", error.reason, error.message))


@dataclass(frozen=True, slots=True)
class Executor:
    """Writes children."""

    client: Client
    caches: Written

    async def execute(self, nginx: Nginx, plan: planning.Plan) -> Outcome:
        """Carries out the plan as far as it goes: a child that cannot be written does not hold up the next.

        Raises:
            RetryLater: the plan was made for a state of the Nginx that is gone.
        """
        outcome = Outcome()
        if plan.actions:
            await self._check_current(nginx)
        for action in plan.actions:
            try:
                conflict = await self._act(nginx.metadata, action)
                if conflict is None:
                    outcome.done.append(action)
                else:
                    outcome.conflicts.append(conflict)
            except ApiError as error:
                outcome.add(action, error)
                level = logging.DEBUG if error.namespace_terminating else logging.WARNING
                log.log(level, "[%s/%s] %s %s: %s", *nginx.metadata.key, action.kind.kind, action.name, error.message)
        return outcome

    async def _act(self, owner: ObjectMeta, action: planning.Action) -> Conflict | None:
        """Carries out one action. Returns the conflict if the child's name is taken by somebody else's object."""
        if isinstance(action, Delete):
            await self._delete(owner.key, action)
        elif isinstance(action, UpdateOwnerReference):
            await self._readdress(owner, action)
        elif action.creates:
            return await self._create(owner, action)
        else:
            await self._update(owner.key, action)
        return None

    async def _create(self, owner: ObjectMeta, action: Apply) -> Conflict | None:
        """Applies what does not exist for all we know: the caches hold only what bears our labels.

        An apply may find nothing that it conflicts with in what somebody else made: a Service without a selector would
        get ours, and our ownerReference. So it asks for a version that nothing has (docs/decisions/0008).
        """
        try:
            await self._apply(owner.key, action, planning.only_if_absent(action.body), force=False)
        except ApiError as error:
            live = await self._live(owner.key, action) if error.code == HTTPStatus.CONFLICT else None
            if live is None:
                raise  # another reason, or it is gone again
            if not planning.is_owned(live, owner):
                return planning.conflict(action.kind, live, owner)
            await self._apply(owner.key, action, action.body, force=True)  # ours: the cache had not heard of it yet
        return None

    async def _update(self, key: Key, action: Apply) -> None:
        """Applies to what is ours, by force: drift is repaired."""
        try:
            await self._apply(key, action, action.body, force=True)
        except ApiError as error:
            if error.code != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            await self._put_back(key, action)
            await self._apply(key, action, action.body, force=True)

    async def _live(self, key: Key, action: Apply) -> ObjectMeta | None:
        """What stands under the child's name right now (a quorum read)."""
        try:
            return msgspec.json.decode(await self._read(key, action), type=Child).metadata
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _apply(self, key: Key, action: Apply, body: planning.Body, *, force: bool) -> None:
        resource = _RESOURCES[action.kind.plural]
        raw = await self.client.apply(resource, key[0], action.name, body, force=force)
        self.caches.observe_write(resource.plural, key, raw)

    async def _read(self, key: Key, action: Apply) -> bytes:
        return await self.client.get(_RESOURCES[action.kind.plural], key[0], action.name)

    async def _put_back(self, key: Key, action: Apply) -> None:
        """Makes room for ours where it is invalid together with what somebody else set."""
        live = msgspec.json.decode(await self._read(key, action))
        spec = planning.force_spec(action.kind, action.body, live)
        raw = await self._replace(key, action, live, "/spec", spec)
        # Such a patch owns what it changes, under our name but not by apply: it would stay when it leaves the spec.
        live = msgspec.json.decode(raw)
        await self._replace(key, action, live, "/metadata/managedFields", planning.without_our_updates(live))

    async def _replace(self, key: Key, action: Apply, live: planning.Body, path: str, value: object) -> bytes:
        resource = _RESOURCES[action.kind.plural]
        return await self.client.replace(
            resource, key[0], action.name, path, value, resource_version=live["metadata"]["resourceVersion"]
        )

    async def _delete(self, key: Key, action: Delete) -> None:
        resource = _RESOURCES[action.kind.plural]
        try:
            await self.client.delete(
                resource, key[0], action.name, uid=action.uid, resource_version=action.resource_version
            )
        except ApiError as error:
            if error.code != 404:
                raise
        self.caches.forget(resource.plural, key)

    async def _readdress(self, owner: ObjectMeta, action: UpdateOwnerReference) -> None:
        resource = _RESOURCES[action.kind.plural]
        body = {
            "metadata": {
                "resourceVersion": action.resource_version,
                "ownerReferences": [{"uid": owner.uid, "apiVersion": names.API_VERSION}],
            }
        }
        raw = await self.client.merge_by_key(resource, owner.namespace, action.name, body)
        self.caches.observe_write(resource.plural, owner.key, raw)

    async def _check_current(self, nginx: Nginx) -> None:
        """Reads the Nginx live: what a stale cache holds must not bring a deleted one's children back, or undo a
        newer spec. What is wanted now is right to apply, however old our view of the children is.
        """
        try:
            raw = await self.client.get(NGINXES, nginx.metadata.namespace, nginx.metadata.name)
        except ApiError as error:
            if error.code == 404:
                raise RetryLater("the Nginx is gone; waiting for the watch to tell") from error
            raise
        live, known = msgspec.json.decode(raw, type=Nginx).metadata, nginx.metadata
        if live.uid != known.uid or live.deletion_timestamp is not None:
            raise RetryLater("the Nginx was deleted; waiting for the watch to tell")
        if live.generation != known.generation:
            raise RetryLater("the spec has changed; waiting for the watch to tell")
