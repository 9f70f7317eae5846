"""Somebody else who keeps undoing what we write: most likely a second operator that manages the same namespace.

Two operators that agree settle. Where they do not, because they are of different versions, each reverts what the other
wrote as fast as the API server lets them, and pods are replaced as fast. Neither can look for the other: its rights end
at the namespaces that it watches and its own. So each Nginx has a token bucket for writing the same thing again: ten
times at once, then once in ten seconds. Whoever runs into it is told so (docs/many-teams.md).
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from nginx_operator.api.types import Nginx, NginxSpec
from nginx_operator.decide.event_messages import EventMessage
from nginx_operator.kube.token_bucket import TokenBucket
from nginx_operator.runtime.events import EventRecorder

log = logging.getLogger(__name__)

#: Writes that may undo what somebody else wrote, one after the other. Nobody does as much by hand.
BURST: Final = 10
#: Seconds in which one more is allowed; an autoscaler that fights for a Deployment comes once in 15.
PERIOD: Final = 10.0

MESSAGE: Final = (
    f"what the operator writes was undone more than {BURST} times, by a second nginx-operator that manages "
    f"this namespace too, or by whoever else changes or deletes it; from now on it is put back once in {PERIOD:.0f} s"
)


class WriteConflicts:
    """What was written last of one Nginx, and how often that may be written again.

    Times are seconds of the monotonic clock.

    Attributes:
        last_repair: what was put back last, in words; empty if nothing was.
    """

    __slots__ = ("_bucket", "_children", "_held_back", "_reported", "_status", "last_repair")

    def __init__(self) -> None:
        self.last_repair = ""
        self._children: dict[str, tuple[str, NginxSpec | None]] = {}
        self._status: int | None = None
        self._bucket: TokenBucket | None = None
        self._reported = False
        self._held_back = False

    def exhausted(self, now: float) -> bool:
        """Whether no token is left."""
        return self._bucket is not None and self._bucket.tokens(now) < 1

    def contested(self, now: float) -> bool:
        """Whether writes of children were held back, and no token is left yet: they are not as they should be."""
        return self._held_back and self.exhausted(now)

    def over_in(self, now: float) -> float:
        """Seconds until a token is left, if nobody undoes anything until then; 0 if one is."""
        return (1 - self._bucket.tokens(now)) * PERIOD if self._bucket is not None and self.exhausted(now) else 0.0

    def applied(self, uid: str, spec: NginxSpec | None) -> set[str] | None:
        """Plurals of the children that were written as this Nginx asks for; None if nothing is known of it."""
        if not self._children:
            return None
        return {plural for plural, written in self._children.items() if written == (uid, spec)}

    def wrote_children(self, uid: str, spec: NginxSpec | None, written: Mapping[str, bool]) -> None:
        """Whether children, by plural, were written as this Nginx asks for; what was refused nobody can undo.

        Each child counts for itself: one that is refused for good must not allow a fight over another.
        """
        for plural, done in written.items():
            if done:
                self._children[plural] = uid, spec
            else:
                self._children.pop(plural, None)

    def wrote_status(self, status: Mapping[str, Any]) -> None:
        """The status is stored."""
        self._status = _digest(status)

    def retry_children(self, uid: str, spec: NginxSpec | None, plurals: Iterable[str], now: float) -> float:
        """These children are about to be written.

        Returns:
            0 if they may be; else somebody undid them, and these are the seconds to wait.
        """
        undone = any(self._children.get(plural) == (uid, spec) for plural in plurals)
        wait = self._take(now) if undone else 0.0
        self._held_back = self._held_back or wait > 0
        return wait

    def retry_status(self, stored: Mapping[str, Any], now: float) -> float:
        """The status is about to be written over `stored`. Returns as `retry_children` does."""
        return 0.0 if self._status in (None, _digest(stored)) else self._take(now)

    def report(self) -> bool:
        """True on the first call for a conflict: somebody has to be told."""
        first, self._reported = not self._reported, True
        return first

    def _take(self, now: float) -> float:
        if self._bucket is None or self._bucket.tokens(now) == BURST:
            self._bucket = TokenBucket(BURST, PERIOD)
            self._reported = self._held_back = False  # the last conflict is long over
        return self._bucket.take(now)


async def record_contested(recorder: EventRecorder, nginx: Nginx, conflicts: WriteConflicts) -> None:
    """Tells the user and the log of a conflict, once."""
    if conflicts.report():
        last = f". The last time: {conflicts.last_repair}" if conflicts.last_repair else ""
        log.warning("[%s/%s] %s%s", *nginx.metadata.key, MESSAGE, last)
        await recorder.record_event(nginx, EventMessage("Warning", "Contested", MESSAGE + last))


def _digest(status: Mapping[str, Any]) -> int:
    return hash(msgspec.json.encode(status, order="deterministic"))
