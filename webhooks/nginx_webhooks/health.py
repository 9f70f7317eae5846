"""The plain HTTP port for the kubelet and for Prometheus: GET /healthz, /readyz, /metrics."""

import asyncio
import socket

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from nginx_webhooks.connections import Connection, Connections, Deadlines
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.readiness import Readiness


class HealthServer:
    """Tells how the process is. An answer to /healthz means that its event loop turns."""

    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._connections = Connections(self._handle, Deadlines())
        self._listener: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Takes connections from a listening socket."""
        self._listener = await asyncio.get_running_loop().create_server(self._connections, sock=listener)

    async def stop(self) -> None:
        """Ends at once."""
        if self._listener is not None:
            self._listener.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(timeout=1.0)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.header_complete()
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/healthz":
                return web.Response(text="ok\n")
            case "/readyz":
                fault = self._readiness.fault
                return web.Response(status=503 if fault else 200, text=f"{fault or 'ok'}\n")
            case "/metrics":
                return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
            case _:
                return web.Response(status=404, text="the paths are /healthz, /readyz and /metrics\n")
