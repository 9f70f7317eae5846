"""The metrics of the operator, with the prefix nginx_operator_.

Where controller-runtime or client-go measure the same, the rest of the name and its labels are theirs:

    reconcile_total, reconcile_time_seconds                                controller_runtime_*
    workqueue_depth, workqueue_retries_total, workqueue_queue_duration_*   workqueue_*
    api_requests_total                                                     rest_client_requests_total

admission_works, leader, nginxes, progressing_seconds, contested, watch_starts_total, watch_failing, stored_versions and
namespaces_left_out are our own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from nginx_operator import __version__
from nginx_operator.serving import process_metrics

#: Seconds, from a reconcile that writes nothing to an API server in trouble.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class State:
    """The values of the gauges at the moment of a scrape.

    Attributes:
        leads: whether this process is the leader.
        queue: number of Nginx that wait to be reconciled.
        nginxes: number of Nginx by (status, reason) of their condition Ready.
        progressing_seconds: how long an Nginx whose pods are on their way has not been ready, at the most.
        watches: how often a watch was started, by plural.
        contested: number of Nginx with a write conflict: somebody else keeps writing their children, too.
        stored_versions: status.storedVersions of the CRD; none where the CRD is not watched.
        left_out: number of namespaces given by --namespace that may not be read.
        admission: whether admission did what it must when it was last tried; None while this process does not try.
        failing: whether a watch fails at this moment, by plural.
    """

    leads: bool = False
    queue: int = 0
    nginxes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    watches: Mapping[str, int] = field(default_factory=dict)
    progressing_seconds: float = 0.0
    contested: int = 0
    stored_versions: Iterable[str] = ()
    left_out: int = 0
    admission: bool | None = None
    failing: Mapping[str, bool] = field(default_factory=dict)


class Metrics:
    """The metrics of one process, in a registry of their own: two processes fit into one test.

    Attributes:
        reconciles: count by result: success, requeue (something is left to do), error.
        reconcile_seconds: duration of a reconcile.
        queue_seconds: time from the addition of a key to the queue until a worker takes it.
        queue_retries: count of requeues.
        api_requests: count by method, resource (plural) and status code; code 0 where no answer came.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        process_metrics.register(self.registry, "nginx_operator", __version__)
        self.reconciles = self._counter("reconcile_total", "Reconciles.", "result")
        self.reconcile_seconds = self._histogram("reconcile_time_seconds", "Seconds that a reconcile took.")
        self.queue_seconds = self._histogram(
            "workqueue_queue_duration_seconds", "Seconds that an Nginx waited for a worker."
        )
        self.queue_retries = self._counter("workqueue_retries_total", "Nginx that came back: something was left to do.")
        self.api_requests = self._counter(
            "api_requests_total", "Answers of the API server; code 0: none came.", "method", "resource", "code"
        )

    def count_api_request(self, method: str, resource: str, code: int) -> None:
        """Counts one request to the API server by its answer."""
        self.api_requests.labels(method, resource, str(code)).inc()

    def expose(self, state: Callable[[], State]) -> None:
        """Calls `state` at each scrape and exposes what it returns."""
        self.registry.register(_StateCollector(state))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"nginx_operator_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"nginx_operator_{name}", text, buckets=_BUCKETS, registry=self.registry)


class _StateCollector(Collector):
    """Reads the state at each scrape, so that no gauge has to be kept up to date in between."""

    def __init__(self, state: Callable[[], State]) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        return self._families(State())

    def collect(self) -> Iterable[Metric]:
        return self._families(self._state())

    @staticmethod
    def _families(state: State) -> Iterable[Metric]:
        yield GaugeMetricFamily("nginx_operator_leader", "1 while this process leads.", float(state.leads))
        yield GaugeMetricFamily("nginx_operator_workqueue_depth", "Nginx that wait to be reconciled.", state.queue)
        yield GaugeMetricFamily(
            "nginx_operator_contested", "Nginx that somebody else keeps writing, too.", state.contested
        )
        yield GaugeMetricFamily(
            "nginx_operator_progressing_seconds",
            "Seconds for which an Nginx with reason Progressing has not been ready, at the most.",
            state.progressing_seconds,
        )
        nginxes = GaugeMetricFamily(
            "nginx_operator_nginxes", "Nginx by status and reason of Ready.", labels=("ready", "reason")
        )
        for labels, number in state.nginxes.items():
            nginxes.add_metric(labels, number)
        yield nginxes
        admission = GaugeMetricFamily(
            "nginx_operator_admission_works",
            "1 while a dry-run create is defaulted and an invalid one refused; 0 while not. The leader tries.",
            labels=(),
        )
        if state.admission is not None:
            admission.add_metric((), float(state.admission))
        yield admission
        failing = GaugeMetricFamily(
            "nginx_operator_watch_failing", "1 while a resource cannot be watched.", labels=("resource",)
        )
        for resource, fails in state.failing.items():
            failing.add_metric((resource,), float(fails))
        yield failing
        watches = CounterMetricFamily("nginx_operator_watch_starts", "Watches that were started.", labels=("resource",))
        for resource, number in state.watches.items():
            watches.add_metric((resource,), number)
        yield watches
        stored = GaugeMetricFamily(
            "nginx_operator_stored_versions", "1 for each version that an Nginx may be stored in.", labels=("version",)
        )
        for version in state.stored_versions:
            stored.add_metric((version,), 1.0)
        yield stored
        yield GaugeMetricFamily(
            "nginx_operator_namespaces_left_out", "Namespaces of --namespace that may not be read.", state.left_out
        )
