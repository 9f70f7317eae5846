"""How often a status is written that says the same with other numbers: it is news for a reader of `kubectl get`.

What changes a condition's status or reason is written at once, and so is that all pods are ready. Names, counts and
messages alone wait a second, because what follows them often comes within it; and they wait 2 s after the last write,
then 4 s, then 5 s each time, as long as they go on changing. So a rollout of ten pods costs about a dozen writes,
however long it takes. While many Nginx are pending the cluster is busy, and each rollout takes longer: the delays
grow with their number, to six times as long.
"""

from typing import Final

#: Seconds that a change of numbers waits for those that follow it.
COALESCING: Final = 1.0
#: Seconds between two writes: the first time, and the longest.
FIRST: Final = 2.0
LONGEST: Final = 5.0
#: This many pending Nginx double the delays, twice as many treble them, and so on.
CROWD: Final = 100
_MOST_TIMES: Final = 6


class StatusThrottle:
    """When the status of one Nginx may be written again that is not at rest.

    Times are seconds of the monotonic clock; `pending` is the number of Nginx that wait to be reconciled.
    """

    __slots__ = ("_due", "_interval", "_ripe")

    def __init__(self) -> None:
        self._due = 0.0
        self._interval = 0.0
        self._ripe: float | None = None

    def delay(self, now: float, pending: int) -> float:
        """There is a change of numbers alone. Returns the seconds until it may be written; 0 if at once."""
        if self._ripe is None:
            self._ripe = now + _stretched(COALESCING, pending)
        return max(0.0, self._due - now, self._ripe - now)

    def wrote(self, now: float, pending: int) -> None:
        """A status was written, and goes on changing."""
        soon = self._interval and now < self._due + self._interval
        self._interval = min(self._interval * 2, LONGEST) if soon else FIRST
        self._due = now + _stretched(self._interval, pending)
        self._ripe = None


def _stretched(delay: float, pending: int) -> float:
    return delay * min(1 + pending / CROWD, _MOST_TIMES)
