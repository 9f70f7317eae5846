"""One HTTP/1.1 connection of a client (RFC 9112), on httptools."""

import asyncio
import enum
from collections.abc import AsyncIterator, Mapping
from typing import Final, NamedTuple, cast

import httptools

#: Bytes of a body that are buffered before reading pauses, and the server has to wait.
_READ_HIGH_WATER: Final = 1 << 20


class Response(NamedTuple):
    """A complete response.

    Attributes:
        status: its code.
        phrase: the reason phrase, which follows the code in the status line.
        headers: names in lower case.
        body: empty if there was none.
    """

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes


class ServerDisconnectedError(ConnectionError):
    """The connection ended before the response was complete."""


class _State(enum.Enum):
    """Where a connection is in an exchange, as in h11."""

    IDLE = enum.auto()  # ready for a request
    AWAITING_HEAD = enum.auto()  # a request was sent
    RECEIVING_BODY = enum.auto()
    MUST_CLOSE = enum.auto()  # the response is complete, and no other request may follow


class Http1Connection(asyncio.Protocol):
    """One connection, with one request at a time.

    Attributes:
        closed: done when the connection has ended.
        status, phrase, headers: of the response, once its head has arrived.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()  # kept: to look it up is a system call in Python 3.11
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self.status, self.phrase = 0, ""
        self.headers: dict[str, str] = {}
        self._parser = httptools.HttpResponseParser(self)
        self._state = _State.IDLE
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last_received = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._error: OSError | None = None

    @property
    def reusable(self) -> bool:
        """Whether it can take another request."""
        return self._state is _State.IDLE and not self._transport.is_closing()

    @property
    def idle_seconds(self) -> float:
        """Seconds since anything was received."""
        return self._loop.time() - self._last_received

    async def send(self, message: bytes, timeout: float) -> None:
        """Sends a request, and waits for the head of its response.

        Args:
            message: head and body.
            timeout: seconds for the whole response, or for the head of one that is read by `iter_bytes`.
        """
        self._timer = self._loop.call_later(timeout, self._fail, TimeoutError(f"no answer within {timeout:g} s"))
        self.phrase, self.headers = "", {}
        self._state = _State.AWAITING_HEAD
        self._transport.write(message)
        while self._state is _State.AWAITING_HEAD:
            await self._wait()

    async def read(self) -> Response:
        """The whole response."""
        chunks = [self._take()]
        while self._state is _State.RECEIVING_BODY:
            await self._wait()
            chunks.append(self._take())
        return Response(self.status, self.phrase, self.headers, b"".join(chunks))

    async def iter_bytes(self, read_timeout: float) -> AsyncIterator[bytes]:
        """The body as it arrives. It counts as complete after `read_timeout` seconds without a byte."""
        self._check_read_timeout(read_timeout)
        while True:
            if self._chunks:
                yield self._take()
            elif self._state is _State.RECEIVING_BODY:
                await self._wait()
            else:
                return

    def abort(self) -> None:
        """Ends the connection at once; what is unsent is lost."""
        self._stop_timer()
        self._transport.abort()

    async def _wait(self) -> None:
        """Waits for the next event of the connection. Raises what has ended it, if something has."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: OSError) -> None:
        self._error = error
        self.abort()
        self._wake()

    def _check_read_timeout(self, read_timeout: float) -> None:
        """Ends the body if nothing was received for too long; else checks again when that could be so."""
        self._stop_timer()
        left = read_timeout - self.idle_seconds
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_read_timeout, read_timeout)
        else:
            self._state = _State.MUST_CLOSE
            self._wake()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take(self) -> bytes:
        """What is buffered of the body."""
        body = b"".join(self._chunks)
        self._chunks.clear()
        if self._buffered > _READ_HIGH_WATER and not self._transport.is_closing():
            self._transport.resume_reading()
        self._buffered = 0
        return body

    # --- called by the transport ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # as which create_connection is documented

    def data_received(self, data: bytes) -> None:
        if self._state in _UNSOLICITED:
            self.abort()  # RFC 9112, 9.2
            return
        self._last_received = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._state not in _UNSOLICITED:
                self._error = ConnectionError(f"what came is no HTTP/1.1: {error}")
            self.abort()
        if self._buffered > _READ_HIGH_WATER:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if error is None and self._state is _State.RECEIVING_BODY and not framed:
            self._state = _State.MUST_CLOSE  # such a body ends with its connection (RFC 9112, 6.3)
        elif self._error is None:
            reason = str(error or "") or "the server ended the connection before its answer"
            self._error = ServerDisconnectedError(reason)
        self._stop_timer()
        if not self.closed.done():
            self.closed.set_result(None)
        self._wake()

    # --- called by the parser ---

    def on_message_begin(self) -> None:
        if self._state in _UNSOLICITED:
            raise ValueError("unsolicited response")  # the parser passes it on to data_received

    def on_status(self, phrase: bytes) -> None:
        self.phrase += phrase.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._state = _State.RECEIVING_BODY

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._buffered += len(chunk)

    def on_message_complete(self) -> None:
        if self._state is _State.RECEIVING_BODY:
            self._state = _State.IDLE if self._parser.should_keep_alive() else _State.MUST_CLOSE
            self._stop_timer()
        else:  # an interim response (RFC 9110, 15.2)
            self.phrase, self.headers = "", {}


#: States in which nothing that arrives belongs to a request.
_UNSOLICITED: Final = (_State.IDLE, _State.MUST_CLOSE)
