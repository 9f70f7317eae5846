"""One reconcile: observe, guard, plan, execute, report.

Level-triggered: it sees only the present. Running it twice changes nothing the second time.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Protocol

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.api.types import Child, Nginx, Pod
from nginx_operator.decide import event_messages as changes
from nginx_operator.decide import plan as planning
from nginx_operator.decide import status as reporting
from nginx_operator.decide.conditions import Observation, decide
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.reflector import Key
from nginx_operator.kube.resources import NGINXES
from nginx_operator.reconcile.executor import Executor, Outcome, Written
from nginx_operator.reconcile.guard import Guard, Guarded, owned_deployment
from nginx_operator.reconcile.memo import Settled
from nginx_operator.reconcile.status_throttle import Pace
from nginx_operator.reconcile.write_conflicts import AT_ONCE, PERIOD, Contest
from nginx_operator.runtime.events import EventRecorder
from nginx_operator.runtime.workqueue import RetryLater

log = logging.getLogger(__name__)

_CONTESTED = changes.EventMessage(
    "Warning",
    "Contested",
    f"what the operator writes was undone more than {AT_ONCE} times, by a second nginx-operator that looks after "
    f"this namespace too, or by whoever else changes or deletes it; from now on it is put back once in {PERIOD:.0f} s",
)


class Caches(Written, Protocol):
    """What was observed, and where the answers to our own writes go."""

    def nginx(self, key: Key) -> Nginx | None:
        """The Nginx, if there is one."""

    def children(self, key: Key) -> dict[str, Child]:
        """Children under the Nginx's name, by plural."""

    def pods(self, key: Key) -> Iterable[Pod]:
        """Pods that bear the Nginx's labels."""

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        """Labels of a namespace; None while it is not known. Asked only if a policy hangs on them."""


class Reconciler:
    """Makes reality match one Nginx at a time.

    Args:
        client: for writes, and for the reads that make them safe.
        caches: what was observed.
        recorder: writes the Events.
        policies: the administrator's.
        in_motion: how many Nginx wait to be reconciled, now or soon.

    Attributes:
        policies: read at each pass, so that a new policy holds at once.
        contest: which Nginx somebody else writes, too.
    """

    def __init__(
        self, client: Client, caches: Caches, recorder: EventRecorder, policies: Policies, in_motion: Callable[[], int]
    ) -> None:
        self.policies = policies
        self.contest = Contest(time.monotonic)
        self._client = client
        self._caches = caches
        self._recorder = recorder
        self._executor = Executor(client, caches)
        self._guard = Guard()
        self._settled = Settled()
        self._pace = Pace(time.monotonic, in_motion)

    async def reconcile(self, key: Key) -> float:
        """Brings one Nginx to what it asks for.

        Returns:
            Seconds after which to call again although nothing changed; 0 if that is not needed.

        Raises:
            RetryLater: call again later; everything that can be known about it is in the status, or will be soon.
            ApiError: the status could not be written.
        """
        nginx = self._caches.nginx(key)
        if nginx is None:
            self._guard.forget(key)
            self._settled.forget(key)
            self._pace.forget(key)
            self.contest.forget(key)
            return 0.0  # the garbage collector removes the children
        goes = nginx.metadata.deletion_timestamp is not None  # the garbage collector removes the children
        guarded, plan = (Guarded(None), planning.Plan()) if goes else self._decide(nginx)
        if not (plan.actions or plan.conflicts):
            log.debug("[%s/%s] the children are as they should be", *key)
        outcome = await self._execute(nginx, guarded, plan)
        situation = Observation(
            spec=guarded.spec,
            invalid=guarded.invalid,
            deployment=owned_deployment(nginx, self._caches.children(key)),
            settled=not plan.conflicts and outcome.complete,
            pods=reporting.own_pods(nginx.metadata.name, self._caches.pods(key)),
            conflicts=(*plan.conflicts, *outcome.conflicts),
            failures=tuple(outcome.failures),
            trouble=outcome.trouble,
            goes=goes,
            was_ready=reporting.was_ready(nginx.metadata, nginx.status),
        )
        try:
            left = await self._report(nginx, situation)
        except (RetryLater, ApiError) as error:
            error.retry_after = max(error.retry_after, outcome.retry_after)
            raise
        if not situation.settled:
            raise RetryLater(decide(situation).message, outcome.retry_after)
        return left

    def _decide(self, nginx: Nginx) -> tuple[Guarded, planning.Plan]:
        """What the spec asks for, and what there is to do; remembered as long as neither side changes."""
        observed = self._caches.children(nginx.metadata.key)
        policy = self._policy(nginx.metadata.namespace)
        seen = self._settled.fingerprint(nginx.metadata, observed, policy)
        guarded = self._settled.known(nginx.metadata.key, seen)
        if guarded is not None:
            return guarded, planning.Plan()
        guarded = self._guard.check(nginx, observed, policy)
        if guarded.spec is not None:
            plan = planning.plan(nginx.metadata, guarded.spec, observed)
        else:
            plan = planning.plan_paused(nginx.metadata, observed)
        if not (plan.actions or plan.conflicts):
            self._settled.remember(nginx.metadata.key, seen, guarded)
        return guarded, plan

    def _policy(self, namespace: str) -> Policy:
        """The policy that the webhooks judge by."""
        if not self.policies.depends_on_labels(namespace):
            return self.policies.for_namespace(namespace)
        labels = self._caches.labels(namespace)
        if labels is None:
            raise RetryLater(f"the watch of namespaces has not told of {namespace} yet")
        return self.policies.for_namespace(namespace, self.policies.class_of(labels))

    async def _execute(self, nginx: Nginx, guarded: Guarded, plan: planning.Plan) -> Outcome:
        meta = nginx.metadata
        due = [action.kind.plural for action in plan.actions]
        await self._hold_back(nginx, self.contest.children_undone(meta.key, meta.uid, guarded.spec, due))
        outcome = await self._executor.execute(nginx, plan)
        if due:
            done = {action.kind.plural for action in outcome.done}
            written = {plural: plural in done for plural in due}
            self.contest.wrote_children(meta.key, meta.uid, guarded.spec, written)
        await self._tell(nginx, changes.of_actions(outcome.done))
        return outcome

    async def _hold_back(self, nginx: Nginx, wait: float | None) -> None:
        """Raises RetryLater where somebody else has undone the same write too often."""
        if wait:
            if self.contest.is_news(nginx.metadata.key):
                log.warning("[%s/%s] %s", *nginx.metadata.key, _CONTESTED.message)
                await self._tell(nginx, _CONTESTED)
            raise RetryLater("somebody else undoes what is written", wait)

    async def _report(self, nginx: Nginx, situation: Observation) -> float:
        """Writes the status and tells the user, only if something changed. Returns the seconds that it is put off."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        new = reporting.compute(nginx.metadata, nginx.status, situation, now)
        if new == nginx.status:
            return 0.0
        if reporting.says_the_same(nginx.status, new, situation.count):
            left = self._pace.left(nginx.metadata.key)
            if left > 0:
                return left
        meta = nginx.metadata
        await self._hold_back(nginx, self.contest.status_undone(meta.key, nginx.status))
        gone = {field: None for field in nginx.status if field not in new}
        # Preconditions: what was computed of one state never lands on a later one, or on a successor of the same name.
        metadata = {"uid": meta.uid, "resourceVersion": meta.resource_version}
        body = {"metadata": metadata, "status": {**new, **gone}}
        try:
            raw = await self._client.merge(NGINXES, meta.namespace, meta.name, body, "status")
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return 0.0  # deleted meanwhile: the watch will tell
            if error.code == HTTPStatus.CONFLICT:
                raise RetryLater("the Nginx has changed; waiting for the watch to tell") from error
            raise
        self._caches.observe_write(NGINXES.plural, meta.key, raw)
        self.contest.wrote_status(meta.key, new)
        if reporting.stored_condition(new, "Ready")["status"] == "True":
            self._pace.forget(meta.key)
        else:
            self._pace.wait(meta.key)
        await self._tell(nginx, changes.of_status(nginx.status, new))
        return 0.0

    async def _tell(self, nginx: Nginx, told: changes.EventMessage | None) -> None:
        if told is not None:
            await self._recorder.record(nginx, *told)
