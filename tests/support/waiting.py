"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Callable

#: Seconds after which a test that waits in vain fails. Far more than any wait takes on a busy machine.
PATIENCE = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Returns as soon as the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for need not tell
            await asyncio.sleep(0.005)
