"""A small HTTP client for a bed's API server and its parts' health ports."""

from __future__ import annotations

import http.client
import json
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from testbed import network

TIMEOUT_SECONDS = 60.0
"""How long an answer may take: the API server's own request time-out."""


def trusting(ca: Path) -> ssl.SSLContext:
    """Return a context that trusts the CA in that file alone."""
    return ssl.create_default_context(cafile=str(ca))


def unverified() -> ssl.SSLContext:
    """Return a context for health ports with self-signed certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    """A connection to a port; to be used one request at a time.

    Args:
        netns: handle of the network namespace to dial in; with None it is dialled right here.
        address: IP and port.
        tls: what to trust; with None it is plain HTTP.
        token: bearer token to send.
        timeout: seconds that dialling, or an answer, may take.
    """

    def __init__(
        self,
        netns: Path | None,
        address: tuple[str, int],
        tls: ssl.SSLContext | None = None,
        token: str = "",
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        def dial() -> socket.socket:
            return socket.create_connection(address, timeout)

        connected = network.inside(netns, dial) if netns else dial()
        # http.client sends a body behind its headers: without this each waits 40 ms for the other side's word.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            try:
                connected = tls.wrap_socket(connected, server_hostname=address[0])
            except BaseException:
                connected.close()
                raise
        self._http = http.client.HTTPConnection(*address, timeout=timeout)
        self._http.sock = connected
        self._http.auto_open = 0  # dialling again is not http.client's to do: it would do so out here
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._http.close()

    @property
    def usable(self) -> bool:
        """Whether it can carry another request: the other side has not closed it."""
        if self._http.sock is None:
            return False
        poll = select.poll()
        poll.register(self._http.sock, select.POLLIN)
        return not poll.poll(0)

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request and return status and body of the answer. A `body` of bytes goes as it is, others as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        typed = {} if body is None else {"Content-Type": "application/json"}
        self._http.request(method, path, data, self._headers | typed | dict(headers or {}))
        response = self._http.getresponse()
        return response.status, response.read()


def answers(connect: Callable[[], Connection], path: str) -> Any:
    """Return the answer to a GET, decoded where it is JSON; None while it is not a 200 or nobody answers."""
    try:
        with connect() as connection:
            status, body = connection.request("GET", path)
    except (OSError, http.client.HTTPException):
        return None
    if status != http.client.OK:
        return None
    return json.loads(body) if body[:1] == b"{" else body.decode()
