"""HTTP/1.1 to one server: a pool of connections for requests, and a connection of its own for each stream.

Requests are most of what the operator does, and aiohttp's client takes three times as long for one
(docs/decisions/0003). httptools parses; here and in http1.py is the rest. There are no redirects, cookies, proxies or
compression: an API server uses none of them with us.
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import urlsplit

from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.http1 import Http1Connection, Response, ServerDisconnectedError
from nginx_operator.kube.tls import TlsContext

#: Seconds after which an idle connection is not used again: the API server ends it after 90.
_KEEPALIVE_EXPIRY: Final = 60.0

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UNSAFE_IN_TARGET: Final = re.compile(r"[^\x21-\x7e]")
_UNSAFE_IN_FIELD: Final = re.compile(r"[\r\n\0]|[^\x00-\xff]")


class ConnectionPool:
    """Requests to one server. Belongs to one event loop; close it at the end.

    Args:
        config: where the server is, and what its certificate is verified against.
        headers: of every request.
        response_timeout: seconds for a whole response.
        connect_timeout: seconds for a new connection.

    Raises:
        OSError: from every method: there is no connection, or it broke, or it timed out. The message tells which.
    """

    def __init__(
        self,
        config: ClientConfig,
        headers: Mapping[str, str],
        *,
        response_timeout: float = 30.0,
        connect_timeout: float = 10.0,
    ) -> None:
        server = urlsplit(config.server)
        self._host, self._port = server.hostname or "", server.port or _DEFAULT_PORTS[server.scheme]
        self._base_path = server.path.rstrip("/")
        self._tls = TlsContext(config) if server.scheme == "https" else None
        self._server_name = (config.tls_server_name or self._host) if self._tls else None
        self._header_lines = _header_lines({"Host": server.netloc.rpartition("@")[2], **headers})
        self._response_timeout = response_timeout
        self._connect_timeout = connect_timeout
        self._connections: set[Http1Connection] = set()
        self._idle: list[Http1Connection] = []
        self._closed = False

    async def close(self) -> None:
        """Ends all connections, also those in use."""
        self._closed = True
        self._idle.clear()
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.closed for connection in connections))

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        before_send: Callable[[], None] = lambda: None,
    ) -> Response:
        """Sends a request, and returns its whole response, whatever its status.

        Args:
            method: in capital letters.
            target: path and query, encoded.
            headers: more of them.
            body: empty means none.
            before_send: called once there is a connection, just before anything is sent; an exception of it cancels
                the request.
        """
        message = self._message(method, target, headers, body)
        while True:
            connection, reused = await self._acquire()
            try:
                return await self._exchange(connection, message, before_send)
            except ServerDisconnectedError:
                # An idle connection may end at any moment. A safe request can then be repeated (RFC 9110, 9.2.2); of
                # any other one nobody knows whether the server received it.
                if not reused or method != "GET":
                    raise

    @asynccontextmanager
    async def stream(self, target: str, headers: Mapping[str, str]) -> AsyncIterator[Http1Connection]:
        """GETs a response that arrives over time, on a connection of its own, which ends with the context."""
        message = self._message("GET", target, headers, b"")
        connection = await self._connect()
        try:
            with self._distrusting_silence():
                await connection.send(message, self._response_timeout)
            yield connection
        finally:
            connection.abort()

    def _message(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if _UNSAFE_IN_TARGET.search(target):
            raise ValueError(f"no valid request target: {target!r}")
        length = f"Content-Length: {len(body)}\r\n" if body or method != "GET" else ""
        request_line = f"{method} {self._base_path}{target} HTTP/1.1\r\n"
        return f"{request_line}{self._header_lines}{_header_lines(headers)}{length}\r\n".encode("latin-1") + body

    async def _exchange(self, connection: Http1Connection, message: bytes, before_send: Callable[[], None]) -> Response:
        try:
            before_send()
            with self._distrusting_silence():
                await connection.send(message, self._response_timeout)
                response = await connection.read()
        except BaseException:
            connection.abort()  # the response may still arrive, and is not that of the next request
            raise
        if connection.reusable:
            self._idle.append(connection)
        else:
            connection.abort()
        return response

    @contextmanager
    def _distrusting_silence(self) -> Iterator[None]:
        """Where no answer comes in time, ends the idle connections on which nothing came meanwhile either.

        After a failover of the API server they are all dead, and no packet says so; the next request connects anew. A
        deadline of the caller's cancels the request before our own timeout, and counts as much.
        """
        started = time.monotonic()
        try:
            yield
        except (TimeoutError, asyncio.CancelledError):
            waited = time.monotonic() - started
            for connection in self._idle:
                if connection.idle_seconds >= waited:
                    connection.abort()  # which makes it unusable
            raise

    async def _acquire(self) -> tuple[Http1Connection, bool]:
        """A connection, and whether it is reused: the idle one that was used last, else a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_seconds < _KEEPALIVE_EXPIRY:
                return connection, True
            connection.abort()
        return await self._connect(), False

    async def _connect(self) -> Http1Connection:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ConnectionError("the client is closed")
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, connection = await loop.create_connection(
                    Http1Connection,
                    *(self._host, self._port),
                    ssl=self._tls.get() if self._tls else None,
                    server_hostname=self._server_name,
                )
        except ssl.SSLCertVerificationError:
            if self._tls:
                self._tls.expire()
            raise
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no connection within {self._connect_timeout:g} s") from None
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        if self._closed:  # meanwhile
            connection.abort()
            raise ConnectionError("the client is closed")
        return connection


def _header_lines(headers: Mapping[str, str]) -> str:
    """The header section.

    Raises:
        ValueError: a value would end its line.
    """
    for name, value in headers.items():
        if _UNSAFE_IN_FIELD.search(value):
            raise ValueError(f"no valid value of the header {name}")  # not quoted: it may be a token
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
