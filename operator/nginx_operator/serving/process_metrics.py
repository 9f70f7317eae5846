"""What every process tells of itself, by Prometheus' conventions: process_* of the operating system, and its build.

https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
"""

import platform

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.process_collector import ProcessCollector


def register(registry: CollectorRegistry, prefix: str, version: str) -> None:
    """Adds process_* (CPU seconds, memory, open files, start time) and <prefix>_build_info.

    Args:
        registry: of the process.
        prefix: such as nginx_operator.
        version: of the release.
    """
    ProcessCollector(registry=registry)
    labels = ("version", "python_version")
    build = Gauge(f"{prefix}_build_info", "1; the labels tell what runs.", labels, registry=registry)
    build.labels(version, platform.python_version()).set(1)
