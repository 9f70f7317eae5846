"""The plain HTTP port for the kubelet and for Prometheus: GET /healthz, /readyz, /metrics."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from nginx_operator.serving.connections import Connection, Connections, Deadlines
from nginx_operator.serving.listening import Address, listen, listen_on

log = logging.getLogger(__name__)


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

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.header_complete()
        return answer(request.method, request.path, checks, registry)

    socket, address = listen(bind)
    connections = Connections(handle, Deadlines())
    listener = await listen_on(socket, connections)
    log.info("health on http://%s", address)
    try:
        yield address
    finally:
        listener.close()
        connections.pre_shutdown()
        await connections.shutdown(timeout=1.0)


def answer(method: str, path: str, checks: Checks, registry: CollectorRegistry) -> web.Response:
    """The answer to one request."""
    if method not in ("GET", "HEAD"):
        return web.Response(status=405, headers={"Allow": "GET, HEAD"})
    match path:
        case "/healthz" | "/readyz":
            why = checks.unhealthy() if path == "/healthz" else checks.unready()
            return web.Response(status=503 if why else 200, text=f"{why or 'ok'}\n")
        case "/metrics":
            return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
        case _:
            return web.Response(status=404, text="the paths are /healthz, /readyz and /metrics\n")
