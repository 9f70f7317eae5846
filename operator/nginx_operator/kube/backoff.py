"""Growing delays between failures (client-go: wait.Backoff)."""

import random


class Backoff:
    """The delays of one thing that fails again and again: the first, then twice as long each time, up to the longest.

    Args:
        first, longest: seconds.
        jitter: the part by which a delay varies at random, so that many who failed together do not come back together.
    """

    def __init__(self, first: float, longest: float, jitter: float = 0.0) -> None:
        self._first, self._longest, self._jitter = first, longest, jitter
        self._next = first

    def step(self, at_least: float = 0.0) -> float:
        """The seconds to wait after one more failure; never less than `at_least`, what a Retry-After asked for."""
        delay, self._next = self._next, min(self._next * 2, self._longest)
        spread = random.uniform(1 - self._jitter, 1 + self._jitter)  # noqa: S311 - spreads load, keeps no secret
        return max(delay * spread, at_least)

    def reset(self) -> None:
        """After a success: the next failure waits for the first delay again."""
        self._next = self._first
