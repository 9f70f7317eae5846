"""Waits for a condition on the event loop."""

import asyncio
from collections.abc import Callable

#: Seconds until a wait fails: far more than any takes on a busy machine.
PATIENCE = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Returns as soon as the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for need not tell
            await asyncio.sleep(0.005)
