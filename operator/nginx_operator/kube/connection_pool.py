"""HTTP/1.1 to one server: kept connections for requests, and one of its own for each answer that never ends.

Requests are most of what the operator does, and aiohttp's client takes three times as long for one
(docs/decisions/0003). The parser is httptools'; here and in line.py is what is around it. There are no redirects,
cookies, proxies and no compression: an API server uses none of them with us.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.http1 import Answer, Http1Connection, LostError

#: Seconds after which an idle connection is not used again: the API server ends it after 90.
_IDLE_SECONDS: Final = 60.0

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UNSAFE_IN_TARGET: Final = re.compile(r"[^\x21-\x7e]")
_LINE_END: Final = re.compile(r"[\r\n\0]|[^\x00-\xff]")


class ConnectionPool:
    """Requests to one server. Belongs to one event loop; close it at the end.

    Args:
        connection: where it is, and what its certificate is checked against.
        headers: of every request.
        answer_seconds: how long a whole answer may take.
        connect_seconds: how long a new connection may take.

    Raises:
        OSError: from every method: there is no connection, or it broke, or it took too long. The text tells which.
    """

    def __init__(
        self,
        connection: ClientConfig,
        headers: Mapping[str, str],
        *,
        answer_seconds: float = 30.0,
        connect_seconds: float = 10.0,
    ) -> None:
        server = urlsplit(connection.server)
        self._host, self._port = server.hostname or "", server.port or _DEFAULT_PORTS[server.scheme]
        self._root = server.path.rstrip("/")
        self._ssl = connection.ssl_context() if server.scheme == "https" else None
        self._server_name = (connection.tls_server_name or self._host) if self._ssl else None
        self._fixed = _fields({"Host": server.netloc.rpartition("@")[2], **headers})
        self._answer_seconds = answer_seconds
        self._connect_seconds = connect_seconds
        self._idle: list[Http1Connection] = []
        self._all: set[Http1Connection] = set()
        self._closed = False

    async def close(self) -> None:
        """Ends all connections, those in use too."""
        self._closed = True
        lines, self._idle = list(self._all), []
        for line in lines:
            line.end()
        await asyncio.gather(*(line.ended for line in lines))

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        before: Callable[[], None] = lambda: None,
    ) -> Answer:
        """One request, and its whole answer, whatever its status.

        Args:
            method: in capital letters.
            target: path and query, encoded.
            headers: more of them.
            body: empty means none.
            before: called when there is a connection, just before anything is sent; what it raises ends the request.
        """
        message = self._message(method, target, headers, body)
        while True:
            line, used = await self._reach()
            try:
                return await self._ask(line, message, before)
            except LostError:
                # An idle connection may end at any moment. What changes nothing may be asked twice (RFC 9110, 9.2.2);
                # of anything else nobody knows whether the server got it.
                if not used or method != "GET":
                    raise

    @asynccontextmanager
    async def stream(self, target: str, headers: Mapping[str, str]) -> AsyncIterator[Http1Connection]:
        """GETs an answer that comes by and by, on a connection of its own that ends with the block."""
        message = self._message("GET", target, headers, b"")
        line = await self._dial()
        try:
            await line.ask(message, self._answer_seconds)
            yield line
        finally:
            line.end()

    def _message(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if _UNSAFE_IN_TARGET.search(target):
            raise ValueError(f"no valid request target: {target!r}")
        length = f"Content-Length: {len(body)}\r\n" if body or method != "GET" else ""
        head = f"{method} {self._root}{target} HTTP/1.1\r\n{self._fixed}{_fields(headers)}{length}\r\n"
        return head.encode("latin-1") + body

    async def _ask(self, line: Http1Connection, message: bytes, before: Callable[[], None]) -> Answer:
        try:
            before()
            await line.ask(message, self._answer_seconds)
            answer = await line.answer()
        except BaseException:
            line.end()  # the answer may still come, and is not the next one's
            raise
        if line.reusable:
            line.since = time.monotonic()
            self._idle.append(line)
        else:
            line.end()
        return answer

    async def _reach(self) -> tuple[Http1Connection, bool]:
        """A connection, and whether it has been used: the idle one that was used last, else a new one."""
        while self._idle:
            line = self._idle.pop()
            if line.reusable and time.monotonic() - line.since < _IDLE_SECONDS:
                return line, True
            line.end()
        return await self._dial(), False

    async def _dial(self) -> Http1Connection:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ConnectionError("the client is closed")
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, line = await loop.create_connection(
                    Http1Connection, self._host, self._port, ssl=self._ssl, server_hostname=self._server_name
                )
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no connection within {self._connect_seconds:g} s") from None
        self._all.add(line)
        line.ended.add_done_callback(lambda _: self._all.discard(line))
        if self._closed:  # meanwhile
            line.end()
            raise ConnectionError("the client is closed")
        return line


def _fields(headers: Mapping[str, str]) -> str:
    """Header lines.

    Raises:
        ValueError: a value would end its line.
    """
    for name, value in headers.items():
        if _LINE_END.search(value):
            raise ValueError(f"no valid value of the header {name}")  # not quoted: it may be a token
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
