"""A condition that tells nobody when it comes to hold, looked at again and again."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

SECONDS = 30
"""A good run waits for the moment alone, a bad one for all of them."""


async def until(holds: Callable[[], object | Awaitable[object]]) -> None:
    """Return as soon as what it gives is true. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not await _told(holds()):  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.002)


async def _told(found: object | Awaitable[object]) -> object:
    return await found if inspect.isawaitable(found) else found
