"""One HTTP/1.1 connection of a client, on httptools: a request goes out, its answer comes in. RFC 9112 is the rule."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final, NamedTuple, cast

import httptools

#: Bytes of an answer that may wait to be taken before the server has to wait.
_HIGH_WATER: Final = 1 << 20


class Answer(NamedTuple):
    """A whole answer.

    Attributes:
        status: its code.
        phrase: what the status line says after the code.
        headers: names in lower case.
        body: empty where there was none.
    """

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes


class LostError(ConnectionError):
    """The connection ended before the answer did."""


class Http1Connection(asyncio.Protocol):
    """One connection, with one request at a time.

    Attributes:
        ended: done when the connection is gone.
        since: when it was used last, by the monotonic clock.
        status, phrase, headers: of the answer, once it has begun.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()  # kept: to ask for it is a system call in Python 3.11
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.since = 0.0
        self.status, self.phrase = 0, ""
        self.headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._untaken = 0
        self._begun, self._complete = False, True
        self._keep = True
        self._streams = self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._wake: asyncio.Future[None] | None = None
        self._error: OSError | None = None

    async def ask(self, message: bytes, seconds: float) -> None:
        """Sends a request, and waits until its answer begins.

        Args:
            message: head and body.
            seconds: that the whole answer may take, or the head of one that streams.
        """
        self._timer = self._loop.call_later(seconds, self._fail, TimeoutError(f"no answer within {seconds:g} s"))
        self.phrase, self.headers = "", {}
        self._begun = self._complete = False
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(message)
        while not self._begun:
            await self._news()

    async def answer(self) -> Answer:
        """The whole answer."""
        while not self._complete:
            await self._news()
        return Answer(self.status, self.phrase, self.headers, self._take())

    async def chunks(self, silence: float) -> AsyncIterator[bytes]:
        """The body as it comes; it counts as ended after so many seconds without a byte."""
        self._streams = True
        self._listen(silence)
        while True:
            if self._chunks:
                yield self._take()
            elif self._complete:
                return
            else:
                await self._news()

    @property
    def reusable(self) -> bool:
        """Whether it can take another request."""
        return self._complete and self._keep and not self._transport.is_closing()

    def end(self) -> None:
        """Ends the connection at once; what is unsent is lost."""
        self._stop_timer()
        self._transport.abort()

    async def _news(self) -> None:
        """Waits until something comes. Raises what there is to tell if nothing will."""
        if self._error is not None:
            raise self._error
        self._wake = self._loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _fail(self, error: OSError) -> None:
        self._error = error
        self.end()
        self._tell()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _listen(self, silence: float) -> None:
        """Looks whether something was heard lately, and if so again when that would be too long ago."""
        self._stop_timer()
        left = silence - (self._loop.time() - self._heard)
        if left > 0:
            self._timer = self._loop.call_later(left, self._listen, silence)
        else:
            self._complete, self._keep = True, False
            self._tell()

    def _tell(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _take(self) -> bytes:
        body = b"".join(self._chunks)
        self._chunks.clear()
        self._untaken = 0
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return body

    # --- what the transport calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast(asyncio.Transport, transport)  # as which create_connection is documented

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._complete:  # nobody asked
            self.end()
            return
        self._heard = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._complete:
                self._error = ConnectionError(f"what came is no HTTP/1.1: {error}")
            self.end()
        if self._streams and self._untaken > _HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._tell()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if error is None and self._begun and not framed:
            self._complete = True  # such a body ends with its connection (RFC 9112, 6.3)
        elif self._error is None:
            self._error = LostError(str(error or "") or "the server ended the connection before its answer")
        self._stop_timer()
        if not self.ended.done():
            self.ended.set_result(None)
        self._tell()

    # --- what the parser calls ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins."""
        if self._complete:
            raise ValueError("nobody asked")  # the parser passes it on to data_received

    def on_status(self, phrase: bytes) -> None:
        """A piece of the status line's text."""
        self.phrase += phrase.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The body begins."""
        self.status = self._parser.get_status_code()
        self._begun = self.status >= 200

    def on_body(self, chunk: bytes) -> None:
        """A piece of the body."""
        self._chunks.append(chunk)
        self._untaken += len(chunk)

    def on_message_complete(self) -> None:
        """The answer is complete, or was an interim one (RFC 9110, 15.2)."""
        if self._begun:
            self._complete, self._keep = True, self._parser.should_keep_alive()
            self._stop_timer()
        else:
            self.phrase, self.headers = "", {}
