"""Conditions that tell nobody when they come to hold: looked at again and again, by a task or a thread."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

SECONDS = 30
"""A good run waits for the moment alone, a bad one for all of them."""


async def until(holds: Callable[[], object | Awaitable[object]]) -> None:
    """Return as soon as what it gives is true. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not await _told(holds()):  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.002)


def until_seen(holds: Callable[[], object], seconds: float = 2 * SECONDS) -> None:
    """The same for a thread: processes are waited for, and take longer. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.02)


async def _told(found: object | Awaitable[object]) -> object:
    return await found if inspect.isawaitable(found) else found
