"""Timeouts and limits of a server's connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds.

    Attributes:
        handshake: for the TLS handshake.
        header: from the first byte of a request, or from the handshake, to the end of the header section.
        request: from there to the last byte of the body; less if the client announces a shorter timeout.
        answer: for the client to read its responses, once more of them are waiting than the write buffer takes.
        queue: for a large body to wait for a slot.
        idle: between two requests. Longer than the 90 s after which an API server drops an idle connection,
            so that it is never this side that closes one which the API server is about to use.
        linger: for the rest of a rejected request, which is read and discarded; else the client might never see the
            response.
        check_interval: between two checks of the deadlines, so that one may be exceeded by as much.
    """

    handshake: float = 5.0
    header: float = 5.0
    request: float = 10.0
    answer: float = 5.0
    queue: float = 2.0
    idle: float = 120.0
    linger: float = 1.0
    check_interval: float = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts and bytes.

    Attributes:
        connections: open at once, those within their handshake included. Capped by the process's limit of open files.
        body: bytes of one body.
        small_body: bytes of a body that needs no slot; a larger one, or a chunked one, takes a slot.
        large_bodies: slots.
        queued_bodies: bodies that wait for a slot; a further one is rejected with 429.
        pipelining: whether one read may hold several requests; if not, the connection ends after the first of them.
        buffered: bytes of the small bodies of all incomplete requests.
    """

    connections: int = 1024
    body: int = 64 * 1024
    small_body: int = 64 * 1024
    large_bodies: int = 4
    queued_bodies: int = 16
    pipelining: bool = True
    buffered: int = 16 * 1024 * 1024
