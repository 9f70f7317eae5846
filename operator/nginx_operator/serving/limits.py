"""What a connection may take of time and of bytes, and how many there may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds.

    Attributes:
        handshake: for the TLS handshake.
        header: from the first byte of a request (or from the connection) to the end of its header.
        request: from there to the last byte of the body; less if the client says that it waits less.
        answer: to read answers, once more of them wait than a client has any use for.
        turn: for a large body to wait for its turn.
        idle: between two requests. Longer than the 90 s after which an API server drops an idle connection,
            so that it is never this side that closes one which the API server is about to use.
        linger: a refused body is read on and thrown away this long, or the client might never see the answer.
        look: between two looks at the clock, so that a deadline may pass by as much.
    """

    handshake: float = 5.0
    header: float = 5.0
    request: float = 10.0
    answer: float = 5.0
    turn: float = 2.0
    idle: float = 120.0
    linger: float = 1.0
    look: float = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers and bytes.

    Attributes:
        connections: at once, those within their handshake included. Never more than the process may open files.
        body: the most bytes of one body.
        usual: bytes of a body that needs no turn; larger ones, or of a length not told, wait for one.
        large: bodies with a turn at once.
        waiting: bodies that wait for a turn; a further one is told 429.
        buffered: bytes of usual bodies of all requests that are not whole yet.
    """

    connections: int = 1024
    body: int = 64 * 1024
    usual: int = 64 * 1024
    large: int = 4
    waiting: int = 16
    buffered: int = 16 * 1024 * 1024
