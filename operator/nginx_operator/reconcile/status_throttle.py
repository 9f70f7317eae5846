"""How often a status is written that says the same with other numbers: it is news for a reader of `kubectl get`.

What changes a condition's status or reason is written at once, and so is that all pods are ready. Names, counts and
messages alone wait a second, because what follows them often comes within it; and they wait 2 s after the last write,
then 4 s, then 5 s each time, as long as they go on changing. So a rollout of ten pods costs about a dozen writes,
however long it takes. Where many Nginx are in motion the cluster is busy, and each rollout takes longer: the waits
grow with their number, to six times as long.
"""

from collections.abc import Callable
from typing import Final

from nginx_operator.kube.reflector import Key

MOMENT: Final = 1.0
FIRST: Final = 2.0
LONGEST: Final = 5.0
#: This many Nginx in motion double the waits, twice as many treble them, and so on.
CROWD: Final = 100
_MOST_TIMES: Final = 6


class Pace:
    """When the status of each Nginx in motion may be written again.

    Args:
        clock: monotonic seconds.
        in_motion: how many Nginx are.
    """

    def __init__(self, clock: Callable[[], float], in_motion: Callable[[], int]) -> None:
        self._clock = clock
        self._in_motion = in_motion
        self._due: dict[Key, tuple[float, float]] = {}
        self._news: dict[Key, float] = {}

    def left(self, key: Key) -> float:
        """There is news of numbers alone. Seconds until it may be written; 0 if at once."""
        now = self._clock()
        due, _ = self._due.get(key, (0.0, 0.0))
        ripe = self._news.setdefault(key, now + self._stretched(MOMENT))
        return max(0.0, due - now, ripe - now)

    def wait(self, key: Key) -> None:
        """It was written, and goes on changing."""
        now = self._clock()
        due, wait = self._due.get(key, (now, 0.0))
        wait = min(wait * 2, LONGEST) if wait and now < due + wait else FIRST
        self._due[key] = now + self._stretched(wait), wait
        self._news.pop(key, None)

    def forget(self, key: Key) -> None:
        """It is at rest, or gone."""
        self._due.pop(key, None)
        self._news.pop(key, None)

    def _stretched(self, wait: float) -> float:
        return wait * min(1 + self._in_motion() / CROWD, _MOST_TIMES)
