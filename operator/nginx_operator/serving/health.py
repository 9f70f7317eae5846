"""The plain HTTP port for the kubelet and for Prometheus: GET /healthz, /readyz, /metrics."""

import contextlib
import logging
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

#: The kubelet, and a few Prometheus servers.
_LIMITS: Final = Limits(connections=64)
#: Seconds without an attempt or an event after which a watch is stuck: each ends by itself sooner, and is tried again.
_STUCK_SECONDS: Final = 600.0


def standstill(watches: Iterable[tuple[str, float]]) -> str | None:
    """Why only a restart can help: a watch is stuck. None if none is; an API server that is down is no such reason.

    Args:
        watches: what each one watches, and when it last tried or received something, by the monotonic clock.
    """
    for what, last_active in watches:
        silence = time.monotonic() - last_active
        if silence > _STUCK_SECONDS:
            return f"the watch of {what} has stood still for {silence:.0f} s"
    return None


def _healthy() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks behind /readyz and /healthz. Any response at all shows that the event loop runs.

    Attributes:
        unready: why the process is not ready, or None when it is.
        unhealthy: why only a restart can help, or None.
    """

    unready: Callable[[], str | None]
    unhealthy: Callable[[], str | None] = _healthy


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
    application = Application(refuse=lambda _head: None, respond=lambda head, _body: _respond(head, checks, registry))
    server = HttpServer(application, limits=_LIMITS)
    server.listen(socket)
    log.info("health on http://%s", address)
    try:
        yield address
    finally:
        await server.stop(1.0)


def _respond(head: RequestHead, checks: Checks, registry: CollectorRegistry) -> Response:
    if head.method not in ("GET", "HEAD"):
        return Response(405, b"ask by GET\n", headers="Allow: GET, HEAD\r\n")
    match head.path:
        case "/healthz" | "/readyz":
            reason = checks.unhealthy() if head.path == "/healthz" else checks.unready()
            return Response(503 if reason else 200, f"{reason or 'ok'}\n".encode())
        case "/metrics":
            return Response(200, generate_latest(registry), CONTENT_TYPE_LATEST)
        case _:
            return Response(404, b"the paths are /healthz, /readyz and /metrics\n")
