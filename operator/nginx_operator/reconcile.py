"""One reconcile: observe, guard, plan, apply, report.

Level-triggered: it sees only the present. Running it twice changes nothing the second time.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from nginx_operator import changes
from nginx_operator import plan as planning
from nginx_operator import status as reporting
from nginx_operator.api import defaults, names, validation
from nginx_operator.api.policy import Policy
from nginx_operator.api.types import Child, Nginx, NginxSpec, ObjectMeta, Pod
from nginx_operator.cluster.client import ApiError, Client
from nginx_operator.cluster.events import Recorder
from nginx_operator.cluster.reflector import Key
from nginx_operator.cluster.resources import DEPLOYMENTS, NGINXES, SERVICES
from nginx_operator.plan import Apply, Conflict, Delete
from nginx_operator.status import Failure, Situation

log = logging.getLogger(__name__)

_RESOURCES = {resource.plural: resource for resource in (DEPLOYMENTS, SERVICES)}


class Caches(Protocol):
    """What was observed, and where the answers to our own writes go."""

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""

    def pods(self, key: Key) -> Iterable[Pod]:
        """Pods that bear the Nginx's labels."""

    def assume(self, plural: str, raw: bytes) -> None:
        """Takes over the answer to a write, before the watch tells."""

    def forget(self, plural: str, key: Key) -> None:
        """Takes over a deletion, before the watch tells."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """The spec after defaulting and the checks: `spec` is None when it must not be acted on."""

    spec: NginxSpec | None
    invalid: str = ""


class RetryLater(Exception):  # noqa: N818 - no error: a state of the cluster
    """Something is left to do that no event will announce. `after` is the least delay, seconds."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


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


@dataclass(slots=True)
class Reconciler:
    """Makes reality match one Nginx at a time.

    Attributes:
        policy: read at each pass, so that a new policy holds at once.
    """

    client: Client
    caches: Caches
    recorder: Recorder
    policy: Policy

    async def reconcile(self, key: Key) -> None:
        """Brings one Nginx to what it asks for.

        Raises:
            RetryLater: call again later; everything that can be known about it is in the status.
            ApiError: the status could not be written.
        """
        nginx = self.caches.nginx(key)
        if nginx is None or nginx.metadata.deletion_timestamp is not None:
            return  # the garbage collector removes the children
        observed = self.caches.children(key)
        guarded = guard(nginx, observed, self.policy)
        plan = planning.Plan()
        if guarded.spec is not None:
            plan = planning.plan(nginx.metadata, guarded.spec, observed)
        if not (plan.actions or plan.conflicts):
            log.debug("[%s/%s] the children are as they should be", *key)
        outcome = await self._execute(nginx, plan)
        situation = Situation(
            spec=guarded.spec,
            invalid=guarded.invalid,
            deployment=owned_deployment(nginx, self.caches.children(key)),
            settled=not plan.conflicts and outcome.complete,
            pods=reporting.own_pods(nginx.metadata.name, self.caches.pods(key)),
            conflicts=(*plan.conflicts, *outcome.conflicts),
            failures=tuple(outcome.failures),
            was_ready=reporting.was_ready(nginx.metadata, nginx.status),
        )
        await self._report(nginx, situation)
        if not situation.settled:
            raise RetryLater(reporting.decide(situation).message, outcome.retry_after)

    async def _execute(self, nginx: Nginx, plan: planning.Plan) -> Outcome:
        """Carries out the plan as far as it goes: a child that cannot be written does not hold up the next."""
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
        await self._tell(nginx, changes.of_actions(outcome.done))
        return outcome

    async def _act(self, owner: ObjectMeta, action: planning.Action) -> Conflict | None:
        """Carries out one action. Returns the conflict if the child's name is taken by somebody else's object."""
        if isinstance(action, Delete):
            await self._delete(owner.key, action)
            return None
        # Force where the child is ours already: drift is repaired. Not where it does not exist for all we know:
        # if an object of somebody else stands there, its fields differ and the API server answers with a conflict.
        try:
            await self._apply(owner.key, action, force=not action.creates)
        except ApiError as error:
            if action.creates and "FieldManagerConflict" in error.causes:
                live = msgspec.json.decode(await self._read(owner.key, action), type=Child).metadata
                if not planning.is_owned(live, owner):
                    return planning.conflict(action.kind, live, owner)
                # Ours after all: the cache had not heard of it yet.
                await self._apply(owner.key, action, force=True)
            elif not action.creates and error.code == HTTPStatus.UNPROCESSABLE_ENTITY:
                await self._put_back_ports(owner.key, action)
                await self._apply(owner.key, action, force=True)
            else:
                raise
        return None

    async def _apply(self, key: Key, action: Apply, *, force: bool) -> None:
        resource = _RESOURCES[action.kind.plural]
        raw = await self.client.apply(resource, key[0], action.name, action.body, force=force)
        self.caches.assume(resource.plural, raw)

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

    async def _report(self, nginx: Nginx, situation: Situation) -> None:
        """Writes the status and tells the user, only if something changed."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        new = reporting.compute(nginx.metadata, nginx.status, situation, now)
        if new == nginx.status:
            return
        gone = {field: None for field in nginx.status if field not in new}
        meta = nginx.metadata
        # Preconditions: what was computed of one state never lands on a later one, or on a successor of the same name.
        metadata = {"uid": meta.uid, "resourceVersion": meta.resource_version}
        body = {"metadata": metadata, "status": {**new, **gone}}
        try:
            raw = await self.client.merge(NGINXES, meta.namespace, meta.name, body, "status")
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return  # deleted meanwhile: the watch will tell
            if error.code == HTTPStatus.CONFLICT:
                raise RetryLater("the Nginx has changed; waiting for the watch to tell") from error
            raise
        self.caches.assume(NGINXES.plural, raw)
        await self._tell(nginx, changes.of_status(nginx.status, new))

    async def _tell(self, nginx: Nginx, told: changes.Told | None) -> None:
        if told is not None:
            await self.recorder.record(nginx, *told)


def guard(nginx: Nginx, observed: dict[str, Child], policy: Policy) -> Guarded:
    """Defaults and checks a stored spec again, so that behaviour does not depend on the webhooks being up.

    What the pods run already counts as the old spec: a count that a policy came to forbid stays in force, a new one
    that it forbids is not acted on.
    """
    if not isinstance(nginx.spec, dict):
        return Guarded(None, "spec: must be a mapping")
    deployment = owned_deployment(nginx, observed)
    running = _running(deployment) if deployment is not None else None
    if running is not None and nginx.spec.get("image") is None:
        policy = replace(
            policy, default_image=running["image"] or policy.default_image
        )  # a new default restarts no pod
    spec = defaults.defaulted(nginx.spec, policy)
    verdict = validation.check(validation.Subject(nginx.metadata.name, spec, policy, old_spec=running))
    if verdict.faults:
        return Guarded(None, verdict.sentence)
    return Guarded(NginxSpec.of(spec))


def _running(deployment: Child) -> dict[str, Any]:
    """The spec in force, as far as the Deployment tells."""
    spec = msgspec.json.decode(deployment.spec)
    containers = spec["template"]["spec"]["containers"]
    image = next((c["image"] for c in containers if c["name"] == names.CONTAINER), None)
    return {"count": spec.get("replicas"), "image": image}


def owned_deployment(nginx: Nginx, observed: dict[str, Child]) -> Child | None:
    """The Deployment, if it is this Nginx's own."""
    child = observed.get(DEPLOYMENTS.plural)
    return child if child is not None and planning.is_owned(child.metadata, nginx.metadata) else None
