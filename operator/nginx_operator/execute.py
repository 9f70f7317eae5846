"""Carrying out a plan: one write per action, each with the preconditions that make it safe."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

import msgspec

from nginx_operator import plan as planning
from nginx_operator.api.types import Child, Nginx, ObjectMeta
from nginx_operator.cluster.client import ApiError, Client
from nginx_operator.cluster.reflector import Key
from nginx_operator.cluster.resources import DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.plan import Apply, Conflict, Delete
from nginx_operator.readiness import Failure
from nginx_operator.workqueue import RetryLater

log = logging.getLogger(__name__)

_RESOURCES = {resource.plural: resource for resource in (DEPLOYMENTS, SERVICES)}


class Written(Protocol):
    """Where the answers to our own writes go."""

    def assume(self, plural: str, key: Key, raw: bytes) -> None:
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
        passing: number of errors that pass by themselves.
        retry_after: seconds that the API server asked us to wait.
    """

    done: list[planning.Action] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    passing: int = 0
    retry_after: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every action took effect."""
        return not (self.conflicts or self.failures or self.passing)

    def add(self, action: planning.Action, error: ApiError) -> None:
        """Records that an action was refused, or that there was no answer."""
        self.retry_after = max(self.retry_after, error.retry_after)
        if error.passing or error.namespace_goes:
            self.passing += 1
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
                level = logging.DEBUG if error.namespace_goes else logging.WARNING
                log.log(level, "[%s/%s] %s %s: %s", *nginx.metadata.key, action.kind.kind, action.name, error.message)
        return outcome

    async def _act(self, owner: ObjectMeta, action: planning.Action) -> Conflict | None:
        """Carries out one action. Returns the conflict if the child's name is taken by somebody else's object."""
        if isinstance(action, Delete):
            await self._delete(owner.key, action)
        elif action.creates:
            return await self._create(owner, action)
        else:
            await self._update(owner.key, action)
        return None

    async def _create(self, owner: ObjectMeta, action: Apply) -> Conflict | None:
        """Applies what does not exist for all we know.

        The caches hold only what bears our labels, and an apply without force may find nothing that it conflicts with:
        a Service without a selector would get ours, and our ownerReference. So we look before we write.
        """
        live = await self._live(owner.key, action)
        if live is not None and not planning.is_owned(live, owner):
            return planning.conflict(action.kind, live, owner)
        # Ours already if the cache had not heard of it yet. If it comes between look and write, the apply conflicts,
        # and the next look tells whose it is.
        await self._apply(owner.key, action, force=live is not None)
        return None

    async def _update(self, key: Key, action: Apply) -> None:
        """Applies to what is ours, by force: drift is repaired."""
        try:
            await self._apply(key, action, force=True)
        except ApiError as error:
            if error.code != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
            await self._put_back_ports(key, action)
            await self._apply(key, action, force=True)

    async def _live(self, key: Key, action: Apply) -> ObjectMeta | None:
        """What stands under the child's name right now (a quorum read)."""
        try:
            return msgspec.json.decode(await self._read(key, action), type=Child).metadata
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _apply(self, key: Key, action: Apply, *, force: bool) -> None:
        resource = _RESOURCES[action.kind.plural]
        raw = await self.client.apply(resource, key[0], action.name, action.body, force=force)
        self.caches.assume(resource.plural, key, raw)

    async def _read(self, key: Key, action: Apply) -> bytes:
        return await self.client.get(_RESOURCES[action.kind.plural], key[0], action.name)

    async def _put_back_ports(self, key: Key, action: Apply) -> None:
        live = msgspec.json.decode(await self._read(key, action))
        patch = planning.put_back_ports(action.kind, action.body, live)
        # The version is a precondition: what was computed from this state must not land on another.
        patch["metadata"] = {"resourceVersion": live["metadata"]["resourceVersion"]}
        await self.client.merge(_RESOURCES[action.kind.plural], key[0], action.name, patch)

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
