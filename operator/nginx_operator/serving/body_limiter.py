"""Bounds the memory of request bodies: large ones take slots, small ones share a budget of bytes."""

from collections import deque
from typing import Final

from nginx_operator.serving.application import failure
from nginx_operator.serving.connection import Connection, Slot
from nginx_operator.serving.limits import Limits

TOO_MANY_REQUESTS: Final = failure(
    429, "TooManyRequests", "too many requests over 64 KiB at once; try again", "Retry-After: 1\r\n"
)


class BodyLimiter:
    """Keeps account of slots and bytes.

    Attributes:
        buffered: bytes of small bodies.
    """

    def __init__(self, limits: Limits) -> None:
        self.buffered = 0
        self._limits = limits
        self._slots_held = 0
        self._queue: deque[Connection] = deque()

    def admit(self, connection: Connection, length: int | None) -> None:
        """Admits a body before its first byte, queues it, or rejects it with 429. `length` is None if unknown."""
        if length is not None and length <= self._limits.small_body:
            return
        if self._slots_held < self._limits.large_bodies:
            self._hold(connection)
        elif len(self._queue) < self._limits.queued_bodies:
            self._queue.append(connection)
            connection.state.slot = Slot.QUEUED
            connection.pause_reading()
        else:
            connection.reject(TOO_MANY_REQUESTS)

    def received(self, connection: Connection, size: int) -> None:
        """Counts bytes of a body that are kept; those with a slot are bounded by the number of slots."""
        if connection.state.slot is Slot.NONE:
            connection.state.buffered += size
            self.buffered += size

    def release(self, connection: Connection) -> None:
        """Gives back what a body has taken, and its slot to the next in the queue."""
        state = connection.state
        if state.buffered:
            self.buffered -= state.buffered
            state.buffered = 0
        slot = state.slot
        if slot is Slot.NONE:
            return
        state.slot = Slot.NONE
        if slot is Slot.QUEUED:
            self._queue.remove(connection)
        else:
            self._slots_held -= 1
            if self._queue:
                following = self._queue.popleft()
                self._hold(following)
                following.resume_reading()

    def _hold(self, connection: Connection) -> None:
        self._slots_held += 1
        connection.state.slot = Slot.HELD
