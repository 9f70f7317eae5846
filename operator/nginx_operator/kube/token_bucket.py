"""How often something may be done over again: a number of times at once, then once in a while."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class TokenBucket(Generic[K]):
    """What is left for each key; whole for one that is new.

    Args:
        at_once: how often at once.
        period: seconds in which it grows by one.

    Times are seconds of any one clock. One that is set back lets nothing grow meanwhile.
    """

    def __init__(self, at_once: int, period: float) -> None:
        self._at_once, self._period = at_once, period
        self._left: dict[K, tuple[float, float]] = {}

    def left(self, key: K, now: float) -> float:
        """How often it may be done at this moment."""
        left, then = self._left.get(key, (self._at_once, now))
        return min(left + max(now - then, 0.0) / self._period, self._at_once)

    def spend(self, key: K, now: float) -> float:
        """Does it once. Seconds until it may be done; 0 if it may be done now, and then that counts."""
        left = self.left(key, now)
        if left < 1:
            return (1 - left) * self._period
        self._left[key] = left - 1, now
        return 0.0

    def spent(self, now: float) -> int:
        """How many keys have nothing left."""
        return sum(self.left(key, now) < 1 for key in self._left)

    def forget(self, key: K) -> None:
        """It is gone."""
        self._left.pop(key, None)
