"""Polls a condition until a deadline; no other module of the test bed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 2.0
"""Bounds of the seconds between two looks: a tenth of the wait so far, so looking costs little and adds little."""
PATIENCE = 150.0
"""Seconds until a wait of the tests fails; on a quiet machine most take a few."""


def until(
    condition: Callable[[], T | None],
    *,
    seconds: float,
    what: str,
) -> T:
    """Call `condition` until it returns something true, and return that.

    Exceptions of the condition pass through, so that it can give up early.

    Raises:
        TimeoutError: `what` did not happen within `seconds`.
    """
    began = time.monotonic()
    while True:
        answer = condition()
        if answer:
            return answer
        waited = time.monotonic() - began
        if waited >= seconds:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(min(max(waited / 10, FIRST_PAUSE), LONGEST_PAUSE))
