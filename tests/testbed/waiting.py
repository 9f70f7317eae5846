"""Waiting for a condition with a deadline: the only place of the test bed that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05
PATIENCE = 150.0
"""Seconds that tests wait at most for what takes a few on a quiet machine. What comes ends the wait at once."""


def until(
    condition: Callable[[], T | None],
    *,
    seconds: float,
    what: str,
    every: float = POLL_SECONDS,
) -> T:
    """Call `condition` until it returns something true, and return that.

    Exceptions of the condition pass through, so that it can give up early.

    Raises:
        TimeoutError: `what` did not happen within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)
