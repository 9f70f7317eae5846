"""HTTP connections with deadlines: a slow client is cut, an idle one is kept.

aiohttp waits for a request's header without an end, except while the connection is idle altogether. Here a clock
starts with the connection and with the first byte of each further request, and again when the header is complete.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds.

    Attributes:
        handshake: for the TLS handshake.
        header: from the first byte of a request (or from the connection) to the end of its header.
        request: from there to the last byte of the answer.
        idle: between two requests. Longer than the 90 s after which an API server drops an idle connection,
            so that it is never this side that closes one which the API server is about to use.
        linger: a refused body is read on and thrown away this long, or the client might never see the answer.
    """

    handshake: float = 5.0
    header: float = 5.0
    request: float = 10.0
    idle: float = 120.0
    linger: float = 1.0


class Connection(web.RequestHandler):
    """One connection. Its alarm cuts it, whatever it is doing."""

    __slots__ = ("_alarm", "deadlines")

    def __init__(self, server: "Connections", *, loop: asyncio.AbstractEventLoop, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self._alarm: asyncio.TimerHandle | None = None
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=deadlines.idle,
            lingering_time=deadlines.linger,
            auto_decompress=False,  # the API server never compresses, and a bomb stays small
            access_log=None,  # type: ignore[arg-type]  # how aiohttp spells "none"
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TLS handshake is over."""
        super().connection_made(transport)
        self._set_alarm(self.deadlines.header)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended, on either side."""
        self._clear_alarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        if self._alarm is None:
            self._set_alarm(self.deadlines.header)
        super().data_received(data)

    def header_complete(self) -> None:
        """The handler has the request now; its body may be on its way still."""
        self._set_alarm(self.deadlines.request)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends the answer."""
        result = await super().finish_response(request, resp, start_time)
        self._clear_alarm()
        return result

    def _set_alarm(self, seconds: float) -> None:
        self._clear_alarm()
        self._alarm = self._loop.call_later(seconds, self._cut)

    def _clear_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # close() would wait for a client that reads nothing


class Connections(web.Server):
    """Makes a `Connection` of each socket that is accepted, and remembers it until it ends."""

    def __init__(self, handler: Handler, deadlines: Deadlines) -> None:
        super().__init__(handler)
        self._deadlines = deadlines

    def __call__(self) -> web.RequestHandler:
        """The protocol of a new connection."""
        return Connection(self, loop=self._loop, deadlines=self._deadlines)
