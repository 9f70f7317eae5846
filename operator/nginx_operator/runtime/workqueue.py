"""A keyed workqueue, as client-go has it: a key waits at most once, and is never worked on twice at a time.

A key added while it is being worked on comes back when the worker is done, so no change is missed.
Failures come back after a delay of their own that doubles up to a bound. News of the key come sooner than that, but
never sooner than the API server asked us to wait.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

#: Seconds before the first retry, and the longest delay. Total failure costs at most one call a minute and key.
FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 60.0


class RetryLater(Exception):  # noqa: N818 - no error: a state of the cluster
    """Something is left to do that no event will announce. `retry_after` is the least delay, seconds."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Workqueue(Generic[K]):
    """Keys to work on. All methods belong to one event loop.

    Args:
        waited: told how long each key waited for a worker, in seconds.
    """

    def __init__(self, waited: Callable[[float], None] = lambda _: None) -> None:
        self._loop = asyncio.get_running_loop()  # kept: to ask for it is a system call in Python 3.11
        self._waited = waited
        self._since: dict[K, float] = {}
        self._waiting: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._not_before: dict[K, float] = {}
        self._wakeup = asyncio.Semaphore(0)

    def __len__(self) -> int:
        """Number of keys that wait to be worked on now."""
        return len(self._waiting)

    @property
    def in_motion(self) -> int:
        """Number of keys that wait to be worked on, now or later."""
        return len(self._waiting) + len(self._timers)

    def add(self, key: K, delay: float = 0.0) -> None:
        """Asks for work on `key`, after `delay` seconds at the latest. The earliest of several delays holds."""
        delay = max(delay, self._not_before.get(key, 0.0) - self._loop.time())
        if delay <= 0:
            self._drop_timer(key)
            self._enqueue(key)
            return
        if key in self._dirty:
            return
        due = self._loop.time() + delay
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= due:
            return
        self._drop_timer(key)
        self._timers[key] = self._loop.call_at(due, self._fire, key)

    async def get(self) -> K:
        """The next key; it must be given back by `done`."""
        await self._wakeup.acquire()
        key = self._waiting.popleft()
        self._waited(time.monotonic() - self._since.pop(key))
        self._dirty.discard(key)
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        """Ends the work on `key`. If it was added meanwhile, it waits again."""
        self._processing.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def retry(self, key: K, at_least: float = 0.0) -> float:
        """Adds `key` after its backoff, or after `at_least` seconds if that is longer. Returns the delay.

        Nothing that is added meanwhile shortens `at_least`: it is what a Retry-After asked for (RFC 9110, 10.2.3).
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = max(at_least, min(FIRST_DELAY * 2.0 ** min(failures, 20), LONGEST_DELAY))
        if at_least > 0:
            self._not_before[key] = self._loop.time() + at_least
        self.add(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """Ends the backoff of `key`: the work succeeded."""
        self._failures.pop(key, None)
        self._not_before.pop(key, None)

    def close(self) -> None:
        """Drops all timers, so that nothing is left on the loop."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)  # not at once if Retry-After came in while the timer ran

    def _enqueue(self, key: K) -> None:
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._push(key)

    def _push(self, key: K) -> None:
        self._since[key] = time.monotonic()
        self._waiting.append(key)
        self._wakeup.release()

    def _drop_timer(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
