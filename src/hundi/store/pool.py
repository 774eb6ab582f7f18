"""Connections to PostgreSQL, at most so many, handed from one transaction to the next.

Taking a free connection and giving it back wait for nothing. The driver's own pool makes a task for
each, and every task is a turn of the event loop: all that came in meanwhile goes first, before a batch
may begin and again before its callers hear that it is on disk
(docs/decisions/0028-a-pool-without-tasks.md).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from hundi.store.ahead import Ahead
from hundi.store.engine import UnavailableError

WAIT_SECONDS = 5
"""For a connection: until one is free, or made."""
CLOSE_SECONDS = 10
MOST_TRANSACTIONS = 200_000
"""On one connection: the server's memory for it only grows."""


class Held:
    """A connection, and what is sent ahead on it.

    `clean` says that no transaction is left on it. Whoever begins one says so, and whoever has seen
    it end; a connection given back in between is closed.
    """

    __slots__ = ("ahead", "clean", "connection", "transactions")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.ahead = Ahead(connection)
        self.clean = True
        self.transactions = 0


class Pool:
    """At most `most` connections, made by `connect` where one is wanted and none is free."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, most: int) -> None:
        self._connect = connect
        self._most = most
        self._places = most  # for further connections
        self._free: list[Held] = []  # the one used last at the end
        self._waiting: deque[asyncio.Future[Held | None]] = deque()
        self._closed = False

    def sizes(self) -> dict[str, int]:
        """How many connections are busy and idle, and how many there may be."""
        idle = len(self._free)
        return {"busy": self._most - self._places - idle, "idle": idle, "most": self._most}

    async def take(self) -> Held:
        """A connection, alive as far as this side knows. Callers get theirs in turn.

        Raises TimeoutError after five seconds, UnavailableError once closed, and what `connect` raises.
        """
        if self._closed:
            message = "the connections to the database are closed"
            raise UnavailableError(message)
        while self._free:
            held = self._free.pop()
            if not held.connection.is_closed():
                return held
            self._places += 1
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._waited_for()

    def give(self, held: Held) -> None:
        """Give a connection back: to the one who has waited longest, if anybody does."""
        held.transactions += 1
        if not held.clean or held.transactions >= MOST_TRANSACTIONS:
            held.connection.terminate()
        self._pass_on(None if held.connection.is_closed() else held)

    async def close(self) -> None:
        """Close all connections. Where something is still under way after ten seconds, it goes on.

        Closed again, it waits for that; where nothing is under way it does nothing.
        """
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for _ in range(self._most - self._places):
                    await self._close_one()
        except TimeoutError:
            for held in self._free:
                held.connection.terminate()

    async def _close_one(self) -> None:
        held = self._free.pop() if self._free else await self._turn()
        if held is not None:
            await held.connection.close()
        self._places += 1

    async def _waited_for(self) -> Held:
        if self._places:
            self._places -= 1
        elif (held := await self._turn()) is not None:
            return held
        try:
            return Held(await self._connect())
        except BaseException:
            self._pass_on(None)
            raise

    async def _turn(self) -> Held | None:
        """What is given back next: a connection, or None for the place of one."""
        turn: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # given, and not wanted any more
                self._pass_on(turn.result())
            raise

    def _pass_on(self, held: Held | None) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(held)
                return
        if held is None:
            self._places += 1
        elif self._closed:
            held.connection.terminate()
            self._places += 1
        else:
            self._free.append(held)
