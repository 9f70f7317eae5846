"""The plain HTTP port for the kubelet and for Prometheus: GET /healthz, /readyz, /metrics."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from nginx_operator.serving.application import Application, Head, Response
from nginx_operator.serving.connections import Connections
from nginx_operator.serving.limits import Limits
from nginx_operator.serving.listening import Address, listen

log = logging.getLogger(__name__)


#: The kubelet and a few that scrape.
_LIMITS: Final = Limits(connections=64)


#: Seconds without a try or a line after which a watch is stuck: each ends by itself sooner, and is tried again.
_STANDS_STILL: Final = 600.0


def standstill(watches: Iterable[tuple[str, float]]) -> str | None:
    """Why only a restart can help, or None: a watch stands still. That the API server is away is no such reason.

    Args:
        watches: what each one watches, and when it last asked or heard something, by the monotonic clock.
    """
    for what, turned in watches:
        silence = time.monotonic() - turned
        if silence > _STANDS_STILL:
            return f"the watch of {what} has stood still for {silence:.0f} s"
    return None


def _fine() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Checks:
    """What /readyz and /healthz ask. An answer at all means that the event loop turns.

    Attributes:
        unready: why the process is not ready, or None when it is.
        unhealthy: why only a restart can help, or None.
    """

    unready: Callable[[], str | None]
    unhealthy: Callable[[], str | None] = _fine


@contextlib.asynccontextmanager
async def serve(bind: Address | None, checks: Checks, registry: CollectorRegistry) -> AsyncIterator[Address | None]:
    """Serves while the context is open, and gives the address that it serves on.

    Args:
        bind: None to serve nothing.
        checks: what /readyz and /healthz ask.
        registry: what /metrics tells.

    Raises:
        OSError: the address cannot be bound; the text names it.
    """
    if bind is None:
        yield None
        return

    socket, address = listen(bind)
    connections = Connections(
        Application(refuse=_refuse, answer=lambda head, _body: answer(head.method, head.path, checks, registry)),
        limits=_LIMITS,
    )
    connections.listen(socket)
    log.info("health on http://%s", address)
    try:
        yield address
    finally:
        await connections.stop(1.0)


def _refuse(_head: Head) -> Response | None:
    return None


def answer(method: str, path: str, checks: Checks, registry: CollectorRegistry) -> Response:
    """The answer to one request."""
    if method not in ("GET", "HEAD"):
        return Response(405, b"ask by GET\n", headers="Allow: GET, HEAD\r\n")
    match path:
        case "/healthz" | "/readyz":
            why = checks.unhealthy() if path == "/healthz" else checks.unready()
            return Response(503 if why else 200, f"{why or 'ok'}\n".encode())
        case "/metrics":
            return Response(200, generate_latest(registry), CONTENT_TYPE_LATEST)
        case _:
            return Response(404, b"the paths are /healthz, /readyz and /metrics\n")
