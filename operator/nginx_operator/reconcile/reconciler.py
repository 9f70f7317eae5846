"""One reconcile: observe, guard, plan, execute, report.

Level-triggered: it sees only the present. Running it twice changes nothing the second time.
"""

import time
from itertools import chain

from nginx_operator.api.types import Key, Nginx
from nginx_operator.cache.caches import Caches
from nginx_operator.children.configuration import written_hash
from nginx_operator.decide import conditions, drift, status
from nginx_operator.decide.observation import Guarded, Observation
from nginx_operator.decide.outcome import Outcome
from nginx_operator.decide.plan import Plan, held_changes, plan, plan_paused
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.reconcile import guard
from nginx_operator.reconcile.child_writer import ChildWriter
from nginx_operator.reconcile.memo import ReconcileMemo, fingerprint
from nginx_operator.reconcile.pod_events import PodEvents
from nginx_operator.reconcile.status_writer import StatusWriter
from nginx_operator.reconcile.unused_config_maps import UnusedConfigMaps
from nginx_operator.runtime.events import EventRecorder
from nginx_operator.runtime.workqueue import RetryLater


class Reconciler:
    """Makes reality match one Nginx at a time: by `client`, from what `caches` hold, told of by `recorder`."""

    def __init__(self, client: Client, caches: Caches, recorder: EventRecorder) -> None:
        self._caches = caches
        self._child_writer = ChildWriter(client, caches, recorder)
        self._status_writer = StatusWriter(client, caches, recorder)
        self._pod_events = PodEvents(client)
        self._unused_config_maps = UnusedConfigMaps(client, caches)
        self._memos: dict[Key, ReconcileMemo] = {}

    async def reconcile(self, key: Key, pending: int = 0) -> float:
        """Brings one Nginx to what it asks for, while `pending` Nginx wait to be reconciled.

        Returns:
            Seconds after which to call again although nothing changed; 0 if that is not needed.

        Raises:
            RetryLater: call again later; everything that can be known about it is in the status, or will be soon.
            ApiError: the status could not be written.
        """
        nginx = self._caches.nginx(key)
        if nginx is None:  # the garbage collector removes the children
            self._memos.pop(key, None)
            return 0.0
        memo = self._memos.setdefault(key, ReconcileMemo())
        guarded, due = self._decide(nginx, memo)
        outcome = await self._child_writer.write(nginx, memo, guarded.spec, due)
        observation = self._observe(nginx, memo, guarded, due, outcome)
        memo.pod_events, observation = await self._pod_events.explain(nginx, memo.pod_events, observation)
        delay = await self._report(nginx, memo, observation, outcome, pending)
        await self._unused_config_maps.delete(nginx, memo, observation)
        if outcome.held_back:
            return _earliest(outcome.held_back, delay)
        if not observation.applied:
            raise RetryLater(conditions.ready(observation).message, outcome.retry_after)
        return _earliest(delay, memo.conflicts.over_in(time.monotonic()) if observation.contested else 0.0)

    def contested(self) -> int:
        """How many Nginx somebody else keeps writing, too."""
        now = time.monotonic()
        return sum(memo.conflicts.exhausted(now) for memo in self._memos.values())

    def _decide(self, nginx: Nginx, memo: ReconcileMemo) -> tuple[Guarded, Plan]:
        """What the spec asks for, and what there is to do; remembered as long as neither side changes."""
        if nginx.metadata.deletion_timestamp is not None:
            return Guarded(None), Plan()  # the garbage collector removes the children
        policy = self._caches.policy(nginx.metadata.namespace)
        if policy is None:
            raise RetryLater(f"namespace {nginx.metadata.namespace} is not in the cache yet")
        observed = self._caches.children(nginx.metadata.key)
        config_maps = self._caches.config_maps(nginx.metadata.key)
        present = fingerprint(nginx.metadata, observed, config_maps, policy)
        if (settled := memo.settled(present)) is not None:
            return settled, Plan()
        memo.checked = guard.check(nginx, observed, policy, memo.checked, memo.rewrites)
        guarded = memo.checked.guarded
        meta, spec = nginx.metadata, guarded.spec
        if spec is None:
            due = plan_paused(meta, observed, config_maps)
        else:
            due = plan(meta, spec, observed, memo.applied(nginx, spec), memo.rewrites, config_maps)
        if due.empty:
            memo.settle(present, guarded)
        return guarded, due

    def _observe(self, nginx: Nginx, memo: ReconcileMemo, guarded: Guarded, due: Plan, outcome: Outcome) -> Observation:
        key = nginx.metadata.key
        children, config_maps = self._caches.children(key), self._caches.config_maps(key)
        held = held_changes(nginx.metadata, guarded.spec, children, memo.rewrites, config_maps)
        return Observation(
            spec=guarded.spec,
            invalid=guarded.invalid,
            deployment=guard.owned_deployment(nginx, children),
            applied=not due.name_conflicts and outcome.complete,
            rewritten=tuple(chain.from_iterable(memo.rewrites.values())),
            pods=status.own_pods(nginx.metadata.name, self._caches.pods(key)),
            name_conflicts=(*due.name_conflicts, *outcome.name_conflicts),
            failures=tuple(outcome.failures),
            server_error=outcome.server_error,
            deleting=nginx.metadata.deletion_timestamp is not None,
            finalizers=nginx.metadata.finalizers,
            was_ready=status.was_ready(nginx.metadata, nginx.status),
            contested=memo.conflicts.contested(time.monotonic()),
            held=tuple(map(drift.waiting, held)),
            written=written_hash(guarded.spec) if guarded.spec is not None else "",
            now=time.time(),
        )

    async def _report(
        self, nginx: Nginx, memo: ReconcileMemo, observation: Observation, outcome: Outcome, pending: int
    ) -> float:
        try:
            return await self._status_writer.write(nginx, memo, observation, pending)
        except (RetryLater, ApiError) as error:
            error.retry_after = max(error.retry_after, outcome.retry_after)
            raise


def _earliest(*delays: float) -> float:
    """The shortest delay; 0 stands for none."""
    return min((delay for delay in delays if delay > 0), default=0.0)
