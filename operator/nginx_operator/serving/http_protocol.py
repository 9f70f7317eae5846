"""HTTP/1.1 on one connection, parsed by httptools.

The application responds at once, so there is no task for a request, and none for a connection.
"""

import asyncio
import logging
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final, cast

import httptools

from nginx_operator.serving.application import Application, RequestHead, Response
from nginx_operator.serving.connection import ConnectionState, Slot, Stage
from nginx_operator.serving.connection_tracker import ConnectionTracker

log = logging.getLogger(__name__)

#: Bytes of a request line and its header section; and of what frames a body: chunk sizes, extensions, trailer section.
MAX_HEAD: Final = 16 * 1024
#: Requests in one read. An honest client sends no second one before the first is answered.
MAX_PIPELINED: Final = 16
#: Bytes of responses that wait in the write buffer, beside what the kernel and TLS hold, before no more are written;
#: and bytes of the responses to one read, which the transport all holds until that is over.
WRITE_HIGH_WATER: Final = 16 * 1024


class HttpProtocol(asyncio.Protocol):
    """A Connection that speaks HTTP/1.1.

    Args:
        application: responds to requests.
        tracker: is told of each stage, and may reject, pause or end the connection.
        max_body: bytes of one body.
        pipelining: whether one read may hold several requests.
    """

    __slots__ = (
        "_application", "_body", "_body_size", "_fields", "_fields_size", "_framing_size", "_head", "_head_size",
        "_max_body", "_parser", "_pipelining", "_refusal", "_responses", "_responses_size", "_tracker", "_transport",
        "_url", "_write_paused", "state",
    )  # fmt: skip

    def __init__(
        self, application: Application, tracker: ConnectionTracker, max_body: int, *, pipelining: bool = True
    ) -> None:
        self._application = application
        self._tracker = tracker
        self._max_body = max_body
        self._pipelining = pipelining
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.state = ConnectionState()
        self._write_paused = False
        self._responses = self._responses_size = 0  # to the current read
        self._framing_size = 0
        self.on_message_begin()

    # --- called by the transport ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)
        self._tracker.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._transport = self._parser = None
        self._tracker.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._closing:
            return  # it is read, so that the client comes to read the response
        self._responses = self._responses_size = 0
        head, body_size = self._head, self._body_size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            log.exception("a request could not be answered")
            self.reject(Response(500, b"an error in this program; its log tells more\n"))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._closing:
                self.reject(Response(400, b"this is no HTTP/1.1\n"))
        if self.state.stage is Stage.HEAD:
            self._head_size += len(data)  # the parser may hold back all of it until the end of a field
            if self._head_size > MAX_HEAD:
                self.reject(_HEAD_TOO_LARGE)
        elif self.state.stage is Stage.BODY and self._head is head:
            # The framing of honest chunks is shorter than their content, so only what exceeds it adds up. The parser
            # keeps a trailer field until its end, and copies it with each read.
            self._framing_size = max(0, self._framing_size + len(data) - 2 * (self._body_size - body_size))
            if self._framing_size > MAX_HEAD:
                self.reject(_FRAMING_TOO_LARGE)

    def pause_writing(self) -> None:
        self._write_paused = True
        self.pause_reading()
        if self.state.stage is Stage.IDLE:
            self._tracker.enter(self, Stage.WRITING)

    def resume_writing(self) -> None:
        self._write_paused = False
        self.resume_reading()
        if self.state.stage is Stage.WRITING:
            self._tracker.enter(self, Stage.IDLE)

    # --- called by the parser ---

    def on_message_begin(self) -> None:
        self._url = b""
        self._fields_size = self._head_size = self._framing_size = self._body_size = 0
        self._fields: dict[bytes, bytes] = {}
        self._body = bytearray()  # one object; a list of chunks of two bytes each would take many times their size
        self._refusal: Response | None = None
        self._head: RequestHead | None = None
        if self._responses and not self._pipelining:
            self._tracker.enter(self, Stage.CLOSING)  # nothing more is parsed of it
            self.close()
        elif self.state.stage is Stage.IDLE:
            self._tracker.enter(self, Stage.HEAD)

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._fields_size += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        self._fields_size += len(name) + len(value)
        if lower in _FRAMING_FIELDS:
            self._fields[lower] = value

    def on_headers_complete(self) -> None:
        if self._parser is None or self._closing:
            return
        if self._fields_size > MAX_HEAD:
            self.reject(_HEAD_TOO_LARGE)
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        length = None if b"transfer-encoding" in self._fields else int(self._fields.get(b"content-length", 0))
        self._head = RequestHead(self._parser.get_method().decode("latin-1"), path, query, length)
        self._tracker.enter(self, Stage.BODY, self._head.timeout)
        self._refusal = self._application.refuse(self._head)
        if self._refusal is None:
            if length is not None and length > self._max_body:
                self._reject_body()
            else:
                self._tracker.admit_body(self, length)
        if self._fields.get(b"expect") == b"100-continue" and self.state.stage is Stage.BODY:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self.state.stage is not Stage.BODY:
            return
        self._body_size += len(body)
        if self._body_size > self._max_body:
            self._reject_body()
        elif self._refusal is None:
            self._body += body
            self._tracker.body_received(self, len(body))

    def on_message_complete(self) -> None:
        if self.state.stage is not Stage.BODY or self._parser is None or self._head is None:
            return
        self._responses += 1
        response = self._refusal or self._application.respond(self._head, bytes(self._body))
        self._body = bytearray()
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        enough = self._responses >= MAX_PIPELINED or self._responses_size > WRITE_HIGH_WATER or self._write_paused
        self._responses_size += len(response.body)
        # A client whose request failed may connect again: only those that are served keep a connection.
        close = not keep_alive or self._tracker.draining or enough or response.status >= 400
        self._tracker.enter(self, Stage.CLOSING if close else Stage.IDLE)
        self._send(response, close)
        if close:
            self.close()

    # --- Connection, called by the tracker ---

    def reject(self, response: Response) -> None:
        # The rest of the request is read and discarded for a while: to close a socket with unread data resets the
        # connection, and the client might never see the response (RFC 9112, 9.6).
        self._body = bytearray()
        self._tracker.rejected(self, response.status)
        self._send(response, True)
        self.resume_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        held_back = not self._closing and (self._write_paused or self.state.slot is Slot.QUEUED)
        if self._transport is not None and not self._transport.is_closing() and not held_back:
            self._transport.resume_reading()

    @property
    def _closing(self) -> bool:
        return self.state.stage is Stage.CLOSING

    def _reject_body(self) -> None:
        self.reject(Response(413, f"a body has at most {self._max_body} bytes\n".encode()))

    def _send(self, response: Response, close: bool) -> None:
        body = response.body
        head = (
            f"HTTP/1.1 {_STATUS[response.status]}\r\nContent-Type: {response.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nDate: {_date(int(time.time()))}\r\n{response.headers}"
            f"{_CONNECTION_CLOSE if close else ''}\r\n"
        )
        bodiless = self._head is not None and self._head.method == "HEAD"
        self._write(head.encode("latin-1") + (b"" if bodiless else body))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


_HEAD_TOO_LARGE: Final = Response(431, f"a header has at most {MAX_HEAD} bytes\n".encode())
_FRAMING_TOO_LARGE: Final = Response(431, f"beside its body a request has at most {MAX_HEAD} bytes\n".encode())
_FRAMING_FIELDS: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_CONNECTION_CLOSE: Final = "Connection: close\r\n"
_STATUS: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """The Date field of this second."""
    return formatdate(second, usegmt=True)
