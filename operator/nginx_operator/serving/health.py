"""The plain HTTP port for the kubelet and for Prometheus: GET /healthz, /readyz, /metrics."""

import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from nginx_operator.serving.application import Application, RequestHead, Response
from nginx_operator.serving.http_server import HttpServer
from nginx_operator.serving.limits import Limits
from nginx_operator.serving.listening import Address, listen

log = logging.getLogger(__name__)

#: The kubelet, and a few Prometheus servers. None of them sends a request before the last one is answered.
_LIMITS: Final = Limits(connections=64, pipelining=False)
#: Seconds for which the metrics are not rendered again. Rendering takes 30 ms with 10,000 Nginx, and anybody may ask.
METRICS_SECONDS: Final = 1.0
#: Seconds without an attempt or an event after which a watch is stuck: each ends by itself sooner, and is tried again.
_STUCK_SECONDS: Final = 600.0


def standstill(watches: Iterable[tuple[str, float]]) -> str | None:
    """Why only a restart can help: a watch is stuck. None if none is; an API server that is down is no such reason.

    Args:
        watches: what each one watches, and when it last tried or received something, or will after a pause, by the
            monotonic clock; infinite for one that does not run yet.
    """
    for what, last_active in watches:
        silence = time.monotonic() - last_active
        if silence > _STUCK_SECONDS:
            return f"the watch of {what} has stood still for {silence:.0f} s"
    return None


def _healthy() -> str | None:
    return None


def _no_notice() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks behind /readyz and /healthz. Any response at all shows that the event loop runs.

    Attributes:
        unready: why the process is not ready, or None when it is.
        unhealthy: why only a restart can help, or None.
        notice: what /readyz adds to its "ok", or "".
    """

    unready: Callable[[], str | None]
    unhealthy: Callable[[], str | None] = _healthy
    notice: Callable[[], str] = _no_notice


@contextlib.asynccontextmanager
async def serve(bind: Address | None, checks: Checks, registry: CollectorRegistry) -> AsyncIterator[Address | None]:
    """Serves while the context is open, and yields the address that it serves on.

    Args:
        bind: None serves nothing.
        checks: behind /readyz and /healthz.
        registry: behind /metrics.

    Raises:
        OSError: the address cannot be bound; the message names it.
    """
    if bind is None:
        yield None
        return

    socket, address = listen(bind)
    exposition = _Exposition(registry)
    application = Application(refuse=lambda _head: None, respond=lambda head, _body: _respond(head, checks, exposition))
    server = HttpServer(application, limits=_LIMITS)
    server.listen(socket)
    log.info("health on http://%s", address)
    try:
        yield address
    finally:
        await server.stop(1.0)


class _Exposition:
    """The text of /metrics, at most METRICS_SECONDS old."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._text = b""
        self._rendered = -math.inf

    def text(self) -> bytes:
        now = time.monotonic()
        if now - self._rendered >= METRICS_SECONDS:
            self._text, self._rendered = generate_latest(self._registry), now
        return self._text


def _respond(head: RequestHead, checks: Checks, exposition: _Exposition) -> Response:
    if head.method not in ("GET", "HEAD"):
        return Response(405, b"ask by GET\n", headers="Allow: GET, HEAD\r\n")
    match head.path:
        case "/healthz":
            return _check(checks.unhealthy())
        case "/readyz":
            return _check(checks.unready(), checks.notice())
        case "/metrics":
            return Response(200, exposition.text(), CONTENT_TYPE_LATEST)
        case _:
            return Response(404, b"the paths are /healthz, /readyz and /metrics\n")


def _check(fault: str | None, notice: str = "") -> Response:
    if fault:
        return Response(503, f"{fault}\n".encode())
    return Response(200, f"ok; {notice}\n".encode() if notice else b"ok\n")
