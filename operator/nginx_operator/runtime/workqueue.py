"""A keyed workqueue, as client-go has it: a key waits at most once, and is never worked on twice at a time.

A key added while it is being worked on comes back when the worker is done, so no change is missed.
Failures come back after a delay of their own that doubles up to a bound. A change of the key brings it back sooner than
that, but never sooner than the API server asked us to wait.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from nginx_operator.kube.backoff import Backoff

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
        self._alarms: dict[K, asyncio.TimerHandle] = {}
        self._backoffs: dict[K, Backoff] = {}
        self._not_before: dict[K, float] = {}
        self._wakeup = asyncio.Semaphore(0)

    def __len__(self) -> int:
        """Number of keys that wait to be worked on now."""
        return len(self._waiting)

    @property
    def pending(self) -> int:
        """Number of keys that wait to be worked on, now or later."""
        return len(self._waiting) + len(self._timers)

    def add(self, key: K) -> None:
        """Asks for work on `key` now."""
        self.add_after(key, 0.0)

    def add_coalesced(self, key: K) -> None:
        """Asks for work on `key` after a delay that lets further changes of it join this one."""
        self.add_after(key, coalescing_delay(self.pending))

    def add_after(self, key: K, delay: float) -> None:
        """Asks for work on `key` after `delay` seconds at the latest. The earliest of several delays holds."""
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

    def set_alarm(self, key: K, delay: float) -> None:
        """Asks for work on `key` after `delay` seconds, unless it is worked on before; until then it is not pending."""
        self._drop_alarm(key)
        self._alarms[key] = self._loop.call_later(delay, self._ring, key)

    def add_rate_limited(self, key: K, at_least: float = 0.0) -> float:
        """Adds `key` after its backoff, or after `at_least` seconds if that is longer. Returns the delay.

        Nothing that is added meanwhile shortens `at_least`: it is what a Retry-After asked for (RFC 9110, 10.2.3).
        """
        delay = self._backoffs.setdefault(key, Backoff(FIRST_DELAY, LONGEST_DELAY)).step(at_least)
        if at_least > 0:
            self._not_before[key] = self._loop.time() + at_least
        self.add_after(key, delay)
        return delay

    async def get(self) -> K:
        """The next key; it must be given back by `done`."""
        await self._wakeup.acquire()
        key = self._waiting.popleft()
        self._drop_alarm(key)
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

    def forget(self, key: K) -> None:
        """Ends the backoff of `key`: the work succeeded."""
        self._backoffs.pop(key, None)
        self._not_before.pop(key, None)

    def close(self) -> None:
        """Drops all timers, so that nothing is left on the loop."""
        for timers in (self._timers, self._alarms):
            for timer in timers.values():
                timer.cancel()
            timers.clear()

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)  # later still if a Retry-After came while the timer ran

    def _ring(self, key: K) -> None:
        self._alarms.pop(key, None)
        self.add(key)

    def _drop_alarm(self, key: K) -> None:
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()

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


def coalescing_delay(pending: int) -> float:
    """Seconds that a change of an Nginx's children waits for those that follow: a starting pod makes several.

    The more keys are pending, the longer: each waits for the cluster anyway, and a reconcile of half of the changes is
    one for nothing.
    """
    return min(0.02 + 0.01 * pending, 0.5)
