"""The running operator: caches feed the workqueue, workers empty it while this process leads.

start -> preflight -> reflectors, elector, probe -> (leading) workers, migration, resync -> stop
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from nginx_operator.api import names
from nginx_operator.api.types import Key
from nginx_operator.cache.caches import Caches
from nginx_operator.cache.scope import Scope
from nginx_operator.decide import timestamps
from nginx_operator.decide.plan import plan_paused
from nginx_operator.decide.status import stored_condition
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.reflector import Reflector
from nginx_operator.metrics import Metrics, State
from nginx_operator.migration.storage_version import Migration
from nginx_operator.policy_file import PolicyFile
from nginx_operator.reconcile.reconciler import Reconciler
from nginx_operator.runtime.admission_probe import wait_for_admission, watch_admission
from nginx_operator.runtime.events import EventRecorder
from nginx_operator.runtime.leader_election import LeaderElector, LeaseTimings, LostLeaseError
from nginx_operator.runtime.preflight import preflight
from nginx_operator.runtime.workqueue import LONGEST_DELAY, RetryLater, Workqueue
from nginx_operator.serving import health
from nginx_operator.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between looks at the policy file.
_POLICY_PERIOD: Final = 2.0


class Controller:
    """The operator's parts, wired. Belongs to one event loop.

    Args:
        settings: how to run.
        client: open for as long as the controller lives.
        policy: the administrator's.
        metrics: where to count.
        fail: called with a sentence when the process has to end.
    """

    def __init__(
        self, settings: Settings, client: Client, policy: PolicyFile, metrics: Metrics, fail: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._client = client
        self._policy_file = policy
        self._metrics = metrics
        self._fail = fail
        self._queue: Workqueue[Key] = Workqueue(metrics.queue_seconds.observe)
        self._caches = Caches(client, settings.namespaces, policy.current)
        lease_namespace = settings.lease_namespace or client.config.namespace
        timings = LeaseTimings.of(settings.lease_duration)
        self._elector = LeaderElector(client, lease_namespace, settings.lease_name, settings.identity, timings)
        writer = client.fenced(self._elector.is_leader) if settings.leader_election else client
        self._reconciler = Reconciler(writer, self._caches, EventRecorder(writer, settings.identity))
        # Who sees some namespaces only cannot say of all Nginx how they are stored.
        self._migration = None if settings.namespaces else Migration(writer, self._stale_owner_reference)
        self._ready_for_admission = not settings.admission_probe
        self._admission_works: bool | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._namespace_tasks: list[asyncio.Task[None]] = []
        metrics.expose(self.state)

    def state(self) -> State:
        """What /metrics tells of this moment."""
        ready = [stored_condition(nginx.status, "Ready") for nginx in self._caches.nginxes()]
        return State(
            leads=self._leads(),
            queue=len(self._queue),
            nginxes=Counter((each.get("status", "Unknown"), each.get("reason", "")) for each in ready),
            progressing_seconds=_longest_progressing(ready, time.time()),
            admission=self._admission_works,
            failing={plural: bool(fault) for plural, fault in self._caches.faults().items()},
            watches=self._caches.watch_starts(),
            contested=self._reconciler.contested(),
            stored_versions=self._migration.stored_versions if self._migration else (),
            left_out=len(self._caches.left_out()),
        )

    def _leads(self) -> bool:
        return self._elector.is_leader() or not self._settings.leader_election

    def unhealthy(self) -> str | None:
        """Why only a restart can help, or None."""
        return health.standstill((str(reflector), reflector.turned) for reflector in self._reflectors)

    def unready(self) -> str | None:
        """Why the process is not ready, or None."""
        if not self._caches.synced:
            return "the caches are not filled yet"
        if not self._ready_for_admission:
            return "admission does not work yet"
        if self._caches.definition_missing:
            return f"CustomResourceDefinition {names.CRD} is not installed"
        return None

    def notice(self) -> str:
        """What /readyz adds for a process that is ready."""
        left_out = ", ".join(self._caches.left_out())
        if not left_out:
            return ""
        return (
            f"left out, because their objects may not be read: namespaces {left_out}. Where one was recreated, helm "
            "upgrade with the same values creates the operator's Role in it"
        )

    async def start(self) -> None:
        """Waits until the API server and the CRD are there, then starts all parts."""
        await preflight(self._client, self._settings.namespaces)
        for reflector in self._reflectors:
            self._spawn(reflector.run())
        self._watch_namespaces(bool(self._policy_file.current.classes))
        if self._settings.leader_election:
            self._spawn(self._elector.run())
        self._spawn(self._work_when_leading())
        if self._migration is None:
            log.info("with --namespace stored Nginx are not migrated to another version (docs/versions.md)")
        self._spawn(self._keep_policy())
        if self._settings.admission_probe:
            self._spawn(self._probe())

    async def stop(self) -> None:
        """Ends all parts, then gives up the Lease."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queue.close()
        await self._elector.release()

    def _stale_owner_reference(self) -> str | None:
        """The first Nginx with a child that names it in another version of the API than ours."""
        for nginx in self._caches.nginxes():
            key = nginx.metadata.key
            if plan_paused(nginx.metadata, self._caches.children(key)).actions:
                return "/".join(key)
        return None

    @property
    def _reflectors(self) -> list[Reflector[Any]]:
        """Every watch."""
        return [*self._caches.reflectors, *([self._migration.reflector] if self._migration else [])]

    def _spawn(self, part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(part)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    def _watch_namespaces(self, needed: bool) -> None:
        """Watches the labels of namespaces only while a policy selects by them."""
        if needed and not self._namespace_tasks:
            self._caches.namespaces.start()
            self._namespace_tasks = [self._spawn(each.run()) for each in self._caches.namespaces.reflectors]
        elif self._namespace_tasks and not needed:
            for task in self._namespace_tasks:
                task.cancel()
            self._namespace_tasks = []
            self._caches.namespaces.stop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part that fails takes the process with it: it is restarted with clean caches, and nothing is lost."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        for other in self._tasks:  # at once: after the loss of the Lease nothing more may be written
            other.cancel()
        if isinstance(error, LostLeaseError):
            self._fail(str(error))
        else:
            log.error("the operator stops because of a bug", exc_info=error)
            self._fail(f"a bug: {error!r}")

    async def _work_when_leading(self) -> None:
        if self._settings.leader_election:
            await self._elector.leading.wait()
        async with asyncio.TaskGroup() as group:
            for scope in self._caches.scopes:
                group.create_task(self._feed(scope))
            if self._migration:
                group.create_task(self._migration.run())
            group.create_task(self._resync())
            for _ in range(self._settings.workers):
                group.create_task(self._worker())

    async def _feed(self, scope: Scope) -> None:
        """Feeds the queue once all of a scope is known: a namespace that may not be read delays no other."""
        for reflector in scope.reflectors:
            await reflector.synced.wait()
        scope.feed(self._queue)
        backoff = Backoff(first=1.0, longest=30.0, jitter=0.2)
        while scope.baseline is None:  # until then, each Nginx is read live before a write
            try:
                await scope.take_baseline()
            except ApiError as error:
                await asyncio.sleep(backoff.step(error.retry_after))

    async def _reconcile(self, key: Key) -> float:
        if self._caches.is_left_out(key[0]):
            raise RetryLater(f"namespace {key[0]} may not be read")
        return await self._reconciler.reconcile(key, self._queue.pending)

    async def _worker(self) -> None:
        while True:
            key = await self._queue.get()
            started = time.monotonic()
            try:
                delay = await self._reconcile(key)
                self._queue.forget(key)
                if delay > LONGEST_DELAY:  # a deadline, and nothing that the cluster is busy with
                    self._queue.set_alarm(key, delay)
                elif delay > 0:
                    self._queue.add_after(key, delay)
                self._metrics.reconciles.labels("success").inc()
            except RetryLater as later:
                delay = self._queue.add_rate_limited(key, later.retry_after)
                self._metrics.queue_retries.inc()
                self._metrics.reconciles.labels("requeue").inc()
                log.debug("[%s/%s] not reconciled; retrying in %.1f s: %s", *key, delay, later)
            except ApiError as error:
                delay = self._queue.add_rate_limited(key, error.retry_after)
                self._metrics.reconciles.labels("error").inc()
                log.warning("[%s/%s] not reconciled; retrying in %.1f s: %s", *key, delay, error.explained)
            except Exception:
                delay = self._queue.add_rate_limited(key)
                self._metrics.reconciles.labels("error").inc()
                log.exception("[%s/%s] not reconciled, because of a bug; retrying in %.1f s", *key, delay)
            finally:
                self._queue.done(key)
                self._metrics.reconcile_seconds.observe(time.monotonic() - started)

    async def _keep_policy(self) -> None:
        while True:
            await asyncio.sleep(_POLICY_PERIOD)
            self._policy_file.refresh()
            policies = self._policy_file.current
            if policies == self._caches.policies:
                continue
            self._watch_namespaces(bool(policies.classes))
            if self._caches.synced:  # until the labels are known, the old policy holds
                self._caches.set_policies(policies)

    async def _probe(self) -> None:
        namespace = self._settings.probe_namespace or self._client.config.namespace
        await wait_for_admission(self._client, namespace)
        self._ready_for_admission = True
        async for works in watch_admission(self._client, namespace, self._leads):
            self._admission_works = works

    async def _resync(self) -> None:
        """Reconciles everything once in a period, evenly over half of it; it writes nothing if nothing was missed."""
        while True:
            await asyncio.sleep(self._settings.resync_period / 2)
            keys = [nginx.metadata.key for nginx in self._caches.nginxes()]
            log.debug("resync of %d nginxes", len(keys))
            for key in keys:
                self._queue.add(key)
                await asyncio.sleep(self._settings.resync_period / 2 / len(keys))
            if not keys:
                await asyncio.sleep(self._settings.resync_period / 2)


def _longest_progressing(ready: Iterable[Mapping[str, Any]], now: float) -> float:
    """Seconds for which an Nginx whose pods are on their way has not been ready, at the most.

    By the last transition of Ready, which a change of its reason alone does not move.
    """
    since = (each["lastTransitionTime"] for each in ready if each.get("reason") == "Progressing")
    first = timestamps.parse(min(since, default=None))
    return max(now - first, 0.0) if first is not None else 0.0
