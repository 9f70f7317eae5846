"""Requests and responses, independent of the protocol that carries them."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body. `content_length` is None for a chunked body."""

    method: str
    path: str
    query: str
    content_length: int | None

    @property
    def timeout(self) -> float | None:
        """Seconds that the client waits, from `?timeout=5s`, as API servers call webhooks; None if it does not say."""
        for pair in self.query.split("&"):
            name, _, value = pair.partition("=")
            digits = value.removesuffix("s")
            if name == "timeout" and digits.isascii() and digits.isdecimal() and len(digits) < 4:
                return float(digits)
        return None


@dataclass(frozen=True, slots=True)
class Response:
    """A response. `headers` are whole lines, each with its CRLF."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What is served.

    Attributes:
        refuse: the response to a request whose head is reason enough, so that its body is discarded; else None.
        respond: the response to a complete request.
    """

    refuse: Callable[[RequestHead], Response | None]
    respond: Callable[[RequestHead, bytes], Response]


def failure(status: int, reason: str, message: str, headers: str = "") -> Response:
    """A metav1.Status. An API server passes its message on to the user, and drops any other text.

    Args:
        status: the HTTP status code.
        reason: Status.reason for it, for instance "BadRequest".
        message: a sentence.
        headers: whole lines, each with its CRLF.
    """
    body = {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": status,
        "reason": reason,
        "message": message.encode(errors="backslashreplace").decode(),
    }
    return Response(status, msgspec.json.encode(body), "application/json", headers)
