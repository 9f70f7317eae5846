"""What a server is asked and what it answers, whatever carries it."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a request before its body comes. `length` is None when it is not announced."""

    method: str
    path: str
    query: str
    length: int | None

    @property
    def patience(self) -> float | None:
        """Seconds that the client waits, from `?timeout=5s`, as API servers tell webhooks; None if it does not say."""
        for pair in self.query.split("&"):
            name, _, value = pair.partition("=")
            digits = value.removesuffix("s")
            if name == "timeout" and digits.isascii() and digits.isdecimal() and len(digits) < 4:
                return float(digits)
        return None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `headers` are whole lines, each with its CRLF."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What is served.

    Attributes:
        refuse: the answer to a request that is no use reading, or None.
        answer: the answer to a whole request with its body.
    """

    refuse: Callable[[Head], Response | None]
    answer: Callable[[Head, bytes], Response]


def failure(status: int, reason: str, message: str, headers: str = "") -> Response:
    """A refusal as a metav1.Status: its message an API server passes on to its user, and drops any other text.

    Args:
        status: the HTTP status.
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
