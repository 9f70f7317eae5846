"""Writes the children of an Nginx as a plan asks for, unless somebody else keeps undoing that; then tells the user."""

import logging
import time

from nginx_operator.api.types import Nginx, NginxSpec
from nginx_operator.cache.caches import Caches
from nginx_operator.cache.store import Baseline
from nginx_operator.decide import event_messages
from nginx_operator.decide.outcome import Outcome
from nginx_operator.decide.plan import Apply, Plan
from nginx_operator.decide.status import stored_condition
from nginx_operator.kube.client import Client
from nginx_operator.kube.resource_version import is_newer
from nginx_operator.reconcile.executor import Executor
from nginx_operator.reconcile.memo import ReconcileMemo
from nginx_operator.reconcile.write_conflicts import record_contested
from nginx_operator.runtime.events import EventRecorder

log = logging.getLogger(__name__)


class ChildWriter:
    """Writes children."""

    def __init__(self, client: Client, caches: Caches, recorder: EventRecorder) -> None:
        self._caches = caches
        self._executor = Executor(client, caches)
        self._recorder = recorder

    async def write(self, nginx: Nginx, memo: ReconcileMemo, spec: NginxSpec | None, due: Plan) -> Outcome:
        """Carries out a plan.

        Args:
            nginx: whose children they are.
            memo: of this Nginx.
            spec: what the plan was made for; None where the stored spec is invalid.
            due: the plan.

        Raises:
            RetryLater: the plan was made for a state of the Nginx that is gone.
        """
        if due.empty:
            log.debug("[%s/%s] the children are as they should be", *nginx.metadata.key)
        uid, plurals = nginx.metadata.uid, [action.kind.plural for action in due.actions]
        if wait := memo.conflicts.retry_children(uid, spec, plurals, time.monotonic()):
            await record_contested(self._recorder, nginx, memo.conflicts)
            return Outcome(held_back=wait)
        await self._confirm(nginx, memo, due)
        outcome = await self._executor.execute(nginx, due)
        done = {each.action.kind.plural for each in outcome.done}
        memo.conflicts.wrote_children(uid, spec, {plural: plural in done for plural in plurals})
        changes = [each.action for each in outcome.done if each.changed]
        if last := event_messages.of_repairs(changes):
            memo.conflicts.last_repair = last
        await self._recorder.record_event(nginx, event_messages.of_actions(changes))
        news = [
            (each.action, memo.learn(each.action.kind.plural, each.rewritten)) for each in outcome.done if each.stored
        ]
        await self._recorder.record_event(nginx, event_messages.of_rewrites(news))
        return outcome

    async def _confirm(self, nginx: Nginx, memo: ReconcileMemo, due: Plan) -> None:
        """Reads the Nginx live where what the caches hold of it may be old news (docs/decisions/0009).

        Raises:
            RetryLater: it is.
        """
        baseline = self._caches.baseline(nginx.metadata.key)
        if not due.actions or _is_news(nginx, memo, due, baseline):
            return
        await self._executor.check_current(nginx)
        memo.confirmed = baseline


def _is_news(nginx: Nginx, memo: ReconcileMemo, due: Plan, baseline: Baseline | None) -> bool:
    """Whether nobody can have acted on a later state of the Nginx.

    Where a child is missing that was there before, the Nginx may have been deleted, and its watch is about to tell.
    """
    known = bool(stored_condition(nginx.status, "Ready"))
    if baseline is None or (known and any(isinstance(each, Apply) and each.creates for each in due.actions)):
        return False
    return memo.confirmed == baseline or is_newer(nginx.metadata.resource_version, baseline.version)
