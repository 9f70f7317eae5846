"""The metrics of the webhooks, for Prometheus. The registry is their own, so that two of them fit into one test."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nginx_operator import __version__
from nginx_operator.serving import process_metrics

#: Seconds. A decision takes well under a millisecond; only a body of megabytes takes longer.
_BUCKETS = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
_CA_CHANGES = ("created", "published", "promoted", "dropped", "restored")


class Metrics:
    """The metrics of one process.

    Attributes:
        admissions: reviews by webhook (mutate, validate) and verdict (allowed, patched, denied, malformed).
        seconds: time that a decision took, from the whole body to the answer's, by webhook.
        clients_refused: clients whose verified certificate has none of the allowed names.
        connections: open at this moment, those within their TLS handshake included.
        limited: connections that were cut and requests that were refused for a limit, by which one.
        certificate_expiry: when the served certificate expires, seconds since 1970; 0 while there is none.
        certificate_refused: 1 while the Secret holds a certificate that cannot be served, else 0.
        watch_failing: 1 while an object that admission depends on cannot be watched, by its kind.
        object_faults: 1 while an object that admission depends on is missing or not as it must be, by its kind.
        ca_expiry: when its CA expires, the first of several; 0 while there is none.
        ca_bundle_writes: writes of clientConfig.caBundle, by the kind of the configuration.
        ca_changes: changes of the CAs in the Secret, by what was done; promoted is a rotation.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        process_metrics.register(self.registry, "nginx_webhooks", __version__)
        self.admissions = Counter(
            "nginx_webhooks_admissions",
            "Admission reviews answered.",
            ["webhook", "verdict"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "nginx_webhooks_admission_seconds",
            "Seconds that a decision took.",
            ["webhook"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.clients_refused = Counter(
            "nginx_webhooks_clients_refused",
            "Clients whose verified certificate has none of the allowed names.",
            registry=self.registry,
        )
        self.connections = Gauge(
            "nginx_webhooks_connections",
            "Open connections, those within their TLS handshake included.",
            registry=self.registry,
        )
        self.limited = Counter(
            "nginx_webhooks_limited",
            "Connections cut and requests refused for a limit.",
            ["limit"],
            registry=self.registry,
        )
        self.certificate_expiry = Gauge(
            "nginx_webhooks_certificate_expiry_timestamp_seconds",
            "When the served certificate expires; 0 while there is none.",
            registry=self.registry,
        )
        self.certificate_refused = Gauge(
            "nginx_webhooks_certificate_refused",
            "1 while the Secret holds a certificate that cannot be served.",
            registry=self.registry,
        )
        self.object_faults = Gauge(
            "nginx_webhooks_object_faults",
            "1 while the object is missing, or the API server would not trust the served certificate by it.",
            ["kind"],
            registry=self.registry,
        )
        self.watch_failing = Gauge(
            "nginx_webhooks_watch_failing",
            "1 while the object cannot be watched.",
            ["kind"],
            registry=self.registry,
        )
        self.ca_expiry = Gauge(
            "nginx_webhooks_ca_expiry_timestamp_seconds",
            "When the certificate authority expires, the first of several; 0 while there is none.",
            registry=self.registry,
        )
        self.ca_bundle_writes = Counter(
            "nginx_webhooks_cabundle_writes",
            "Writes of clientConfig.caBundle.",
            ["kind"],
            registry=self.registry,
        )
        self.ca_changes = Counter(
            "nginx_webhooks_ca_changes",
            "Changes of the certificate authority in the Secret.",
            ["change"],
            registry=self.registry,
        )
        for change in _CA_CHANGES:  # a rate needs a value before the first change
            self.ca_changes.labels(change)
