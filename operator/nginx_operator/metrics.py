"""What /metrics tells. Names follow controller-runtime's where the thing is the same, under our own prefix."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()

RECONCILES: Final = Counter(
    "nginx_operator_reconcile_total", "Reconciles, by result: success, requeue, error.", ["result"], registry=REGISTRY
)
RECONCILE_SECONDS: Final = Histogram(
    "nginx_operator_reconcile_time_seconds", "How long a reconcile took.", registry=REGISTRY
)
QUEUE_DEPTH: Final = Gauge("nginx_operator_workqueue_depth", "Nginx that wait to be reconciled.", registry=REGISTRY)
LEADER: Final = Gauge("nginx_operator_leader", "1 while this process leads.", registry=REGISTRY)
NGINXES: Final = Gauge("nginx_operator_nginxes", "Nginx that this process sees.", registry=REGISTRY)
WATCH_STARTS: Final = Gauge(
    "nginx_operator_watch_starts", "How often a watch of the children was started.", registry=REGISTRY
)
