"""What /metrics tells. Names follow controller-runtime's where the thing is the same, under our own prefix."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

#: Seconds, from a write that changes nothing to an API server in trouble.
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class State:
    """What is so at this moment.

    Attributes:
        leads: whether this process writes.
        queue: number of Nginx that wait to be reconciled.
        nginxes: number of Nginx by (status, reason) of their condition Ready.
        watches: how often a watch was started, by plural.
        contested: number of Nginx that somebody else keeps writing, too.
        stored_versions: versions that an Nginx may be stored in; none where that is not watched.
    """

    leads: bool = False
    queue: int = 0
    nginxes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    watches: Mapping[str, int] = field(default_factory=dict)
    contested: int = 0
    stored_versions: Iterable[str] = ()


class Metrics:
    """The counters of one process, with a registry of its own, so that two of them fit into one test.

    Attributes:
        reconciles: by result: success, requeue (something is left to do), error.
        reconcile_seconds: how long a reconcile took.
        queue_seconds: how long an Nginx waited until a worker took it.
        queue_retries: how often one came back because something was left to do.
        api_requests: answers of the API server, by method, resource (plural) and code; 0 where no answer came.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = self._counter("reconcile_total", "Reconciles.", "result")
        self.reconcile_seconds = self._histogram("reconcile_time_seconds", "Seconds that a reconcile took.")
        self.queue_seconds = self._histogram(
            "workqueue_queue_duration_seconds", "Seconds that an Nginx waited for a worker."
        )
        self.queue_retries = self._counter("workqueue_retries_total", "Nginx that came back: something was left to do.")
        self.api_requests = self._counter(
            "api_requests_total", "Answers of the API server; code 0: none came.", "method", "resource", "code"
        )

    def answered(self, method: str, resource: str, code: int) -> None:
        """Count an answer of the API server."""
        self.api_requests.labels(method, resource, str(code)).inc()

    def show(self, state: Callable[[], State]) -> None:
        """Tell what `state` gives at each scrape."""
        self.registry.register(_Live(state))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"nginx_operator_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(f"nginx_operator_{name}", text, buckets=_BUCKETS, registry=self.registry)


class _Live(Collector):
    """Tells the state of the moment of the scrape, so that nothing has to be kept up to date in between."""

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
        nginxes = GaugeMetricFamily(
            "nginx_operator_nginxes", "Nginx by status and reason of Ready.", labels=("ready", "reason")
        )
        for labels, number in state.nginxes.items():
            nginxes.add_metric(labels, number)
        yield nginxes
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
