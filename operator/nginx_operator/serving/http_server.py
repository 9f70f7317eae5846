"""An HTTP server with limits: on connections, on the time of each stage, on the bytes of incomplete requests.

The connection that has kept the server waiting longest makes room for a new one: first those within a handshake or a
request, then idle ones. An honest client is done within milliseconds, so it is never the one that has waited longest.
"""

import resource
import socket
import ssl
from collections.abc import Callable
from typing import Final

from nginx_operator.serving.acceptor import Acceptor
from nginx_operator.serving.application import Application
from nginx_operator.serving.connection import Stage
from nginx_operator.serving.connection_tracker import ConnectionTracker
from nginx_operator.serving.http_protocol import HttpProtocol
from nginx_operator.serving.limits import Limits, Timeouts

#: File descriptors reserved for everything but connections.
_RESERVED_FILES: Final = 64


class HttpServer:
    """Serves an application.

    Args:
        application: responds to requests.
        timeouts: of the stages of a connection.
        limits: of connections and bodies.
        on_limit: called with a label for each connection that is cut and each request that is rejected for a limit:
            handshake, header, request, answer (the stage that timed out), crowded, or the status 413, 429, 431.

    Attributes:
        connections: those after their handshake.
    """

    def __init__(
        self,
        application: Application,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        on_limit: Callable[[str], None] = lambda _: None,
    ) -> None:
        timeouts, limits = timeouts or Timeouts(), limits or Limits()
        open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._max_connections = min(limits.connections, open_files - _RESERVED_FILES)
        self._on_limit = on_limit
        self.connections = ConnectionTracker(timeouts, limits, on_limit)
        self._acceptor = Acceptor(
            lambda: HttpProtocol(application, self.connections, limits.body, pipelining=limits.pipelining),
            make_room=self._make_room,
            handshake_timeout=timeouts.handshake,
            on_timeout=lambda: on_limit("handshake"),
        )

    def __len__(self) -> int:
        """Open connections, those within their handshake included."""
        return len(self._acceptor) + len(self.connections)

    def listen(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Accepts connections from a socket from now on; without a context, plain TCP."""
        self._acceptor.listen(listener, context)

    async def stop(self, grace_seconds: float) -> None:
        """Closes the listening sockets, then each connection after its current request, or after `grace_seconds`."""
        self._acceptor.close()
        await self.connections.close(grace_seconds)

    def _make_room(self) -> None:
        if len(self) < self._max_connections:
            return
        self._on_limit("crowded")
        handshake, connection = self._acceptor.oldest, self.connections.longest_waiting
        if handshake is not None and (
            connection is None or connection.state.stage is Stage.IDLE or handshake < connection.state.since
        ):
            self._acceptor.abort_oldest()
        elif connection is not None:
            self.connections.abort(connection)
