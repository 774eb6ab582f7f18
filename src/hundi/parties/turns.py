"""Turns at the database for those who have not proved yet who they are: a few at a time, a few who wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hundi.store.batch import OverloadedError

PATIENCE_SECONDS = 5


class Turns:
    """So many have a turn `at_once`, in order of arrival; at most so many are `waiting`, for five seconds."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._here = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn for a block. Raises OverloadedError where too many wait, or none comes."""
        if self._here >= self._most:
            raise OverloadedError("too many wait for their turn to be known")
        self._here += 1
        try:
            await self._come()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._here -= 1

    async def _come(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise OverloadedError("no turn to be known came for seconds") from None
