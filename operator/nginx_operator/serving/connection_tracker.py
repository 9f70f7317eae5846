"""The stage of every connection, its deadline, and which connection has kept the server waiting longest."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from nginx_operator.serving.body_limiter import TOO_MANY_REQUESTS, BodyLimiter
from nginx_operator.serving.connection import Connection, Slot, Stage
from nginx_operator.serving.limits import Limits, Timeouts

#: Seconds by which a response precedes the timeout of its client: later it helps nobody.
_TIMEOUT_MARGIN: Final = 0.5


class ConnectionTracker:
    """Connections after their handshake. Iterates over them: first those with something under way, then idle ones.

    Args:
        timeouts: of the stages.
        limits: of bodies.
        on_limit: called with the label of a limit when a connection or a request is ended for it.

    Attributes:
        draining: whether each response is the last one of its connection.
        last_request: loop.time() at the end of the latest request.
    """

    def __init__(self, timeouts: Timeouts, limits: Limits, on_limit: Callable[[str], None]) -> None:
        self.timeouts = timeouts
        self.draining = False
        self.last_request = 0.0
        self._limits = limits
        self._on_limit = on_limit
        self._loop = asyncio.get_running_loop()
        self._bodies = BodyLimiter(limits)
        # Each in the order in which its connections entered their stage.
        self._active: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._active) + len(self._idle)

    def __iter__(self) -> Iterator[Connection]:
        return iter([*self._active, *self._idle])

    @property
    def in_flight(self) -> int:
        """Requests with a complete head and no response yet."""
        return sum(connection.state.stage is Stage.BODY for connection in self._active)

    @property
    def longest_waiting(self) -> Connection | None:
        """The connection that is to make room for another one: an idle one only if there is nothing else."""
        return next(iter(self._active or self._idle), None)

    # --- what a protocol reports ---

    def add(self, connection: Connection) -> None:
        """Tracks a new connection."""
        self.enter(connection, Stage.HEAD)
        if self._timer is None:
            self._timer = self._loop.call_later(self.timeouts.check_interval, self._check_deadlines)

    def discard(self, connection: Connection) -> None:
        """Forgets a connection."""
        self._bodies.release(connection)
        self._active.pop(connection, None)
        self._idle.pop(connection, None)
        if self.draining:
            self._changed.set()

    def enter(self, connection: Connection, stage: Stage, client_timeout: float | None = None) -> None:
        """Starts a stage and its timeout. In stage BODY, `client_timeout` is the number of seconds the client waits."""
        self.discard(connection)
        state, timeouts = connection.state, self.timeouts
        state.stage, state.since = stage, self._loop.time()
        match stage:
            case Stage.HEAD:
                state.timeout = timeouts.header
            case Stage.BODY:
                state.timeout = timeouts.request
                if client_timeout is not None:
                    state.timeout = min(state.timeout, max(client_timeout - _TIMEOUT_MARGIN, _TIMEOUT_MARGIN))
            case Stage.WRITING:
                state.timeout = timeouts.answer
            case Stage.IDLE:
                state.timeout, self.last_request = timeouts.idle, state.since
            case Stage.CLOSING:
                state.timeout = timeouts.linger
        (self._idle if stage is Stage.IDLE else self._active)[connection] = None

    def admit_body(self, connection: Connection, length: int | None) -> None:
        """Admits a body, queues it or rejects it. `length` is None if it is chunked."""
        self._bodies.admit(connection, length)

    def body_received(self, connection: Connection, size: int) -> None:
        """Counts bytes of a body. Where all bodies are too many, the connection that has waited longest is aborted."""
        self._bodies.received(connection, size)
        while self._bodies.buffered > self._limits.buffered:
            self._on_limit("crowded")
            self.abort(next(other for other in self._active if other.state.buffered))

    def rejected(self, connection: Connection, status: int) -> None:
        """A request is answered with an error before it is complete."""
        self.enter(connection, Stage.CLOSING)
        self._on_limit(str(status))

    # --- how connections end ---

    def abort(self, connection: Connection) -> None:
        """Ends a connection at once, and forgets it."""
        self.discard(connection)
        connection.state.stage = Stage.CLOSING
        connection.abort()

    def _check_deadlines(self) -> None:
        now = self._loop.time()
        for connection in self:
            state = connection.state
            queued = state.slot is Slot.QUEUED
            if state.since + (self.timeouts.queue if queued else state.timeout) > now:
                continue
            if queued:
                connection.reject(TOO_MANY_REQUESTS)
            elif state.stage is Stage.IDLE:
                self.enter(connection, Stage.CLOSING)
                connection.close()
            else:
                if state.stage is not Stage.CLOSING:
                    self._on_limit(state.stage.value)
                self.abort(connection)
        again = len(self) > 0
        self._timer = self._loop.call_later(self.timeouts.check_interval, self._check_deadlines) if again else None

    async def close(self, grace_seconds: float) -> None:
        """Ends all connections: each after the request that is under way in it, and all after `grace_seconds`."""
        self.draining = True
        for connection in self:
            if connection.state.stage is not Stage.BODY:
                connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self.in_flight:
                    self._changed.clear()
                    await self._changed.wait()
        for connection in self:
            self.abort(connection)
        if self._timer is not None:
            self._timer.cancel()
