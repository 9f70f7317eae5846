"""One HTTP/1.1 connection of a server, on httptools: bytes in, requests to the application, answers out.

The application answers at once, so there is no task for a request and none for a connection. What a connection may
take, in time and in bytes, is the business of `Connections`; here it says at which stage it is:

    head ──> body ──> (answer) ──> idle ──> head ...      ending: an answer was sent that ends the connection
                         └── unread ──┘
"""

import asyncio
import enum
import logging
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import httptools

from nginx_operator.serving.application import Head, Response

if TYPE_CHECKING:
    from nginx_operator.serving.connections import Connections

log = logging.getLogger(__name__)

#: Bytes of a request's line and header fields; and, beside the body, of its chunks' sizes and its trailer fields.
HEAD_LIMIT: Final = 16 * 1024
#: Requests that one read may hold. Nobody honest sends a second one before the first is answered.
PIPELINE_LIMIT: Final = 16
#: Bytes of answers that may wait for their reader, beside what the kernel and TLS hold, before no more is answered; and
#: those to one read, which all wait until it is over.
UNREAD_LIMIT: Final = 16 * 1024


class Stage(enum.Enum):
    """Where a connection is. The values are the words of the metric."""

    HEAD = "header"
    BODY = "request"
    UNREAD = "answer"
    IDLE = "idle"
    ENDING = "ending"


class Turn(enum.Enum):
    """Whether a large body may come."""

    NONE = 0
    WAITS = 1
    HAS = 2


class Connection(asyncio.Protocol):
    """One connection.

    Attributes:
        stage: where it is; `since` and `deadline` are its beginning and its end, as loop.time() has them.
        head: of the request that is under way.
        size: bytes of its body so far.
        buffered: those of them that count against all connections' bytes.
        turn: of its body, if that is large.
    """

    __slots__ = (
        "_answered", "_body", "_fields", "_frames", "_full", "_head_size", "_home", "_parser", "_refusal", "_seen",
        "_transport", "_unparsed", "_url", "buffered", "deadline", "head", "since", "size", "stage", "turn",
    )  # fmt: skip

    def __init__(self, home: "Connections") -> None:
        self._home = home
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.stage = Stage.HEAD
        self.since = self.deadline = 0.0
        self.turn = Turn.NONE
        self.size = self.buffered = 0
        self._seen = self._answered = self._frames = 0
        self._full = False
        self.on_message_begin()

    # --- the transport's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TLS handshake is over."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=UNREAD_LIMIT)
        self._home.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended, on either side."""
        self._transport = self._parser = None
        self._home.closed(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes of requests."""
        if self._over or self._parser is None:
            return  # read, so that the client comes to read the answer
        self._seen = self._answered = 0
        head, size = self.head, self.size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            log.exception("a request could not be answered")
            self.end_with(Response(500, b"an error in this program; its log tells more\n"))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._over:
                self.end_with(Response(400, b"this is no HTTP/1.1\n"))
        if self.stage is Stage.HEAD:
            self._unparsed += len(data)  # the parser may hold all of it back until it ends
            if self._unparsed > HEAD_LIMIT:
                self.end_with(_LONG_HEAD)
        elif self.stage is Stage.BODY and self.head is head:
            # Frames of honest chunks are shorter than these, so what comes beside them is what grows; the parser keeps
            # a trailer field until it ends, and copies it with each read.
            self._frames = max(0, self._frames + len(data) - 2 * (self.size - size))
            if self._frames > HEAD_LIMIT:
                self.end_with(_LONG_FRAMES)

    @property
    def _over(self) -> bool:
        return self.stage is Stage.ENDING

    def pause_writing(self) -> None:
        """The client reads no answers: it gets no further ones, and has only so much time."""
        self._full = True
        self.pause()
        if self.stage is Stage.IDLE:
            self._home.enter(self, Stage.UNREAD)

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        self.resume()
        if self.stage is Stage.UNREAD:
            self._home.enter(self, Stage.IDLE)

    # --- the parser's side ---

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._url = b""
        self._head_size = self._unparsed = self._frames = self.size = 0
        self._fields: dict[bytes, bytes] = {}
        self._body = bytearray()  # joined as it comes: an object for each chunk of two bytes is many times as large
        self._refusal: Response | None = None
        self.head: Head | None = None
        if self.stage is Stage.IDLE:
            self._home.enter(self, Stage.HEAD)

    def on_url(self, url: bytes) -> None:
        """Part of the request's target."""
        self._url += url
        self._head_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field. Only those count that say how the body comes."""
        lower = name.lower()
        self._head_size += len(name) + len(value)
        if lower in _FRAMING:
            self._fields[lower] = value

    def on_headers_complete(self) -> None:
        """The head is whole: read on, or refuse."""
        if self._parser is None or self.stage is Stage.ENDING:
            return
        if self._head_size > HEAD_LIMIT:
            self.end_with(_LONG_HEAD)
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        length = None if b"transfer-encoding" in self._fields else int(self._fields.get(b"content-length", 0))
        self.head = Head(self._parser.get_method().decode("latin-1"), path, query, length)
        self._home.enter(self, Stage.BODY)
        self._refusal = self._home.application.refuse(self.head)
        if self._refusal is None:
            self._home.admit(self)
        if self._fields.get(b"expect") == b"100-continue" and self.stage is Stage.BODY:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        if self.stage is not Stage.BODY:
            return
        self.size += len(body)
        if self._refusal is None:
            self._body += body
        self._home.received(self, len(body) if self._refusal is None else 0)

    def on_message_complete(self) -> None:
        """The request is whole: answer it."""
        if self.stage is not Stage.BODY or self._parser is None or self.head is None:
            return
        self._seen += 1
        response = self._refusal or self._home.application.answer(self.head, bytes(self._body))
        self._body = bytearray()
        more = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        enough = self._seen >= PIPELINE_LIMIT or self._answered > UNREAD_LIMIT or self._full
        self._answered += len(response.body)
        # Who is refused may come again; who keeps a connection is somebody that is answered.
        last = not more or self._home.draining or enough or response.status >= 400
        self._home.enter(self, Stage.ENDING if last else Stage.IDLE)
        self._send(response, last)
        if last and self._transport is not None:
            self._transport.close()

    # --- answers and ends ---

    def end_with(self, response: Response) -> None:
        """Answers before the whole request has come, and ends the connection.

        What still comes is thrown away for a moment: to close a socket that holds unread bytes resets the connection,
        and the client might never see the answer.
        """
        self._body = bytearray()
        self._home.enter(self, Stage.ENDING)
        self._home.limited(str(response.status))
        self._send(response, True)
        self.resume()

    def close(self) -> None:
        """Ends the connection after what was written."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Ends the connection at once, whatever is under way; close() would wait for a client that reads nothing."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Reads nothing for now."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads again, once nothing holds it back any more: neither its own answers nor others' large bodies."""
        held = not self._over and (self._full or self.turn is Turn.WAITS)
        if self._transport is not None and not self._transport.is_closing() and not held:
            self._transport.resume_reading()

    def _send(self, response: Response, last: bool) -> None:
        body = response.body
        head = (
            f"HTTP/1.1 {_STATUS[response.status]}\r\nContent-Type: {response.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nDate: {_date(int(time.time()))}\r\n{response.headers}"
            f"{_CLOSE if last else ''}\r\n"
        )
        bodiless = self.head is not None and self.head.method == "HEAD"
        self._write(head.encode("latin-1") + (b"" if bodiless else body))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


_LONG_HEAD: Final = Response(431, f"a header has at most {HEAD_LIMIT} bytes\n".encode())
_LONG_FRAMES: Final = Response(431, f"beside its body a request has at most {HEAD_LIMIT} bytes\n".encode())
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_CLOSE: Final = "Connection: close\r\n"
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """The field Date of this second."""
    return formatdate(second, usegmt=True)
