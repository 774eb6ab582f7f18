"""How late the event loop is: what a callback waits before it runs, for whatever reason."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.25


async def watch_lag(told: Callable[[float], None]) -> None:
    """Sleep, and tell by how many seconds it became longer, until cancelled."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        told(max(0.0, clock() - due))
