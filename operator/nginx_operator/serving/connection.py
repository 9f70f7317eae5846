"""The state of a connection, and the operations on it that the limits need."""

import enum
from dataclasses import dataclass
from typing import Protocol

from nginx_operator.serving.application import Response


class Stage(enum.Enum):
    """What a connection is waiting for. The values are labels of the metric.

    HEAD ──> BODY ──> IDLE ──> HEAD ...
                       │ ^
                       v │
                     WRITING           CLOSING: after a response that ends the connection
    """

    HEAD = "header"
    BODY = "request"
    WRITING = "answer"
    IDLE = "idle"
    CLOSING = "closing"


class Slot(enum.Enum):
    """Whether a large body may be read."""

    NONE = 0
    QUEUED = 1
    HELD = 2


@dataclass(slots=True)
class ConnectionState:
    """Written by the tracker and by the body limiter, read by the protocol.

    Attributes:
        stage: since `since` (loop.time()), for at most `timeout` seconds.
        slot: of a large body.
        buffered: bytes of the body that count against the limit for all connections.
    """

    stage: Stage = Stage.HEAD
    since: float = 0.0
    timeout: float = 0.0
    slot: Slot = Slot.NONE
    buffered: int = 0


class Connection(Protocol):
    """A connection after its handshake."""

    state: ConnectionState

    def pause_reading(self) -> None:
        """Stops reading, so that the client has to wait."""

    def resume_reading(self) -> None:
        """Reads again, unless the client has responses to read first, or its body is queued."""

    def reject(self, response: Response) -> None:
        """Responds before the request is complete, and ends the connection."""

    def close(self) -> None:
        """Ends the connection once what was written is sent."""

    def abort(self) -> None:
        """Ends the connection at once; close() would wait for a client that reads nothing."""
