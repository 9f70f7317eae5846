"""Connections with limits: so many at once, so much time for each stage, so many bytes that wait for the rest.

Whoever keeps the server waiting longest makes room for whoever comes: first what has not finished a handshake or a
request, then what is idle. An honest client is done within milliseconds, so it is never the one that waited longest.
"""

import asyncio
import resource
import socket
import ssl
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from nginx_operator.serving.accepting import Acceptor
from nginx_operator.serving.application import Application, Response, failure
from nginx_operator.serving.http_protocol import Connection, Stage, Turn
from nginx_operator.serving.limits import Deadlines, Limits

#: File descriptors that are left for everything but connections.
_SPARE_FILES: Final = 64
#: An answer comes this many seconds before the client stops waiting.
_MARGIN: Final = 0.5


class Connections:
    """Looks after connections from their handshake until they end.

    Args:
        application: answers requests.
        limited: called with one word for each connection that is cut and each request that is refused for a limit:
            handshake, header, request, answer (the stage whose deadline passed), crowded, or the status 413, 429, 431.
    """

    def __init__(
        self,
        application: Application,
        *,
        deadlines: Deadlines | None = None,
        limits: Limits | None = None,
        limited: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.application = application
        self.deadlines = deadlines or Deadlines()
        self.limits = limits or Limits()
        self.limited = limited
        self.draining = False
        #: loop.time() of the end of the latest request.
        self.last_used = 0.0
        self._loop = asyncio.get_running_loop()
        self._most = min(self.limits.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES)
        self._acceptor = Acceptor(self)
        # Both in the order in which they came to where they are.
        self._unfinished: OrderedDict[Connection, None] = OrderedDict()
        self._settled: OrderedDict[Connection, None] = OrderedDict()
        self._turns: deque[Connection] = deque()
        self._large = 0
        self._buffered = 0
        self._released = asyncio.Event()
        self._clock: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Connections at this moment, those within their handshake included."""
        return len(self._acceptor) + len(self._unfinished) + len(self._settled)

    @property
    def in_flight(self) -> int:
        """Requests with a whole header and no answer yet."""
        return sum(connection.stage is Stage.BODY for connection in self._unfinished)

    # --- coming and going ---

    def listen(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Takes connections from a socket from now on; without a context, plain TCP."""
        self._acceptor.listen(listener, context)

    def make_way(self) -> None:
        """Somebody comes: cuts what has kept us waiting longest where there is no room."""
        if len(self) < self._most:
            return
        self.limited("crowded")
        connection = next(iter(self._unfinished or self._settled), None)
        since = self._acceptor.oldest
        if since is not None and (connection is None or connection.stage is Stage.IDLE or since < connection.since):
            self._acceptor.cut_oldest()
        elif connection is not None:
            self._drop(connection)

    def opened(self, connection: Connection) -> None:
        """A connection is there, after its handshake."""
        self.enter(connection, Stage.HEAD)
        if self._clock is None:
            self._clock = self._loop.call_later(self.deadlines.look, self._look)

    def closed(self, connection: Connection) -> None:
        """It is gone."""
        self._release(connection)
        self._unfinished.pop(connection, None)
        self._settled.pop(connection, None)

    def _drop(self, connection: Connection) -> None:
        self.closed(connection)
        connection.stage = Stage.ENDING
        connection.cut()

    # --- stages ---

    def enter(self, connection: Connection, stage: Stage) -> None:
        """A connection comes to a stage, and its clock starts anew."""
        self._release(connection)
        self._unfinished.pop(connection, None)
        self._settled.pop(connection, None)
        connection.stage, connection.since = stage, self._loop.time()
        match stage:
            case Stage.HEAD:
                seconds = self.deadlines.header
            case Stage.UNREAD:
                seconds = self.deadlines.answer
            case Stage.BODY:
                seconds = self._patience(connection)
            case Stage.IDLE:
                seconds, self.last_used = self.deadlines.idle, connection.since
            case Stage.ENDING:
                seconds = self.deadlines.linger
        connection.deadline = connection.since + seconds
        (self._settled if stage is Stage.IDLE else self._unfinished)[connection] = None

    def _patience(self, connection: Connection) -> float:
        """An answer that comes after the client has gone helps nobody."""
        told = connection.head.patience if connection.head is not None else None
        return self.deadlines.request if told is None else min(self.deadlines.request, max(told - _MARGIN, _MARGIN))

    def admit(self, connection: Connection) -> None:
        """A body is about to come: refuse it, let it come, or let it wait for its turn."""
        length = connection.head.length if connection.head is not None else None
        if length is not None and length > self.limits.body:
            connection.end_with(self._too_long)
        elif length is not None and length <= self.limits.usual:
            return
        elif self._large < self.limits.large:
            self._large += 1
            connection.turn = Turn.HAS
        elif len(self._turns) < self.limits.waiting:
            self._turns.append(connection)
            connection.turn = Turn.WAITS
            connection.deadline = connection.since + self.deadlines.turn
            connection.pause()
        else:
            connection.end_with(_BUSY)

    def received(self, connection: Connection, size: int) -> None:
        """So many bytes of a body have come, and are kept."""
        if connection.size > self.limits.body:
            connection.end_with(self._too_long)
        elif connection.turn is Turn.NONE:
            connection.buffered += size
            self._buffered += size
            while self._buffered > self.limits.buffered:
                self.limited("crowded")
                self._drop(next(other for other in self._unfinished if other.buffered))

    @property
    def _too_long(self) -> Response:
        return Response(413, f"a body has at most {self.limits.body} bytes\n".encode())

    def _release(self, connection: Connection) -> None:
        """Gives back what the body of a request held."""
        self._buffered -= connection.buffered
        connection.buffered = 0
        if connection.turn is Turn.WAITS:
            self._turns.remove(connection)
        elif connection.turn is Turn.HAS:
            self._large -= 1
            if self._turns:
                self._next_turn(self._turns.popleft())
        connection.turn = Turn.NONE
        self._released.set()

    def _next_turn(self, connection: Connection) -> None:
        self._large += 1
        connection.turn = Turn.HAS
        connection.deadline = connection.since + self._patience(connection)
        connection.resume()

    # --- time ---

    def _look(self) -> None:
        """Ends what is over its time."""
        now = self._loop.time()
        for connection in [*self._unfinished, *self._settled]:
            if connection.deadline > now:
                continue
            if connection.turn is Turn.WAITS:
                connection.end_with(_BUSY)
            elif connection.stage is Stage.IDLE:
                self.enter(connection, Stage.ENDING)
                connection.close()
            else:
                if connection.stage is not Stage.ENDING:
                    self.limited(connection.stage.value)
                self._drop(connection)
        again = bool(self._unfinished or self._settled)
        self._clock = self._loop.call_later(self.deadlines.look, self._look) if again else None

    async def stop(self, seconds: float) -> None:
        """Takes no connections any more and ends those that there are.

        Each ends after the request that is under way in it, and all of them after so many seconds.
        """
        self._acceptor.stop()
        self.draining = True
        for connection in [*self._settled, *self._unfinished]:
            if connection.stage is not Stage.BODY:
                connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.in_flight:
                    self._released.clear()
                    await self._released.wait()
        for connection in [*self._settled, *self._unfinished]:
            self._drop(connection)
        if self._clock is not None:
            self._clock.cancel()


_BUSY: Final = failure(429, "TooManyRequests", "too many requests over 64 KiB at once; try again", "Retry-After: 1\r\n")
