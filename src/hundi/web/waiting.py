"""Long polls of the event feed: a few places for each client, and one question for all who wait.

Whoever numbers events tells the waiters of all processes to look. That may be missed, so the
database is also asked once a tick where the feeds of all waiting clients end, however many wait.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog

from hundi.exchange.feed import heads
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.store.engine import Database, StoreError
from hundi.web.envelope import OVERLOADED

CROWDED = Code(
    "EVENTS-CROWDED",
    Kind.LIMIT,
    "The client waits for events in too many calls at once. Let one of them answer first.",
)
CODES = (CROWDED,)

TICK_SECONDS = 0.25
EACH = 8
MOST = 1000
RETRY_SECONDS = 5
HELD_SECONDS = 1
"""How long a refusal is held back: a loop that asks again at once would cost more than waiting."""

_log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Waiter:
    client_id: str
    position: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class EventWaiters:
    """The calls of one process that wait for events: `each` of a client, `most` of them all."""

    def __init__(self, database: Database, *, each: int = EACH, most: int = MOST) -> None:
        self._database = database
        self._each = each
        self._most = most
        self._places: Counter[str] = Counter()
        self._waiting: set[_Waiter] = set()
        self._asking: asyncio.Task[None] | None = None
        self._told = asyncio.Event()

    def look(self) -> None:
        """There are new events for somebody: ask now."""
        self._told.set()

    @asynccontextmanager
    async def place(self, client_id: str) -> AsyncIterator[None]:
        """A place to wait. Raises RefusedError where the client or the process has none left."""
        fault = self._refusal(client_id)
        if fault is not None:
            await asyncio.sleep(HELD_SECONDS)
            raise RefusedError([fault], retry_after=RETRY_SECONDS)
        self._places[client_id] += 1
        try:
            yield
        finally:
            self._places[client_id] -= 1
            if not self._places[client_id]:
                del self._places[client_id]

    def _refusal(self, client_id: str) -> Fault | None:
        if self._places[client_id] >= self._each:
            detail = f"You wait in {self._each} calls already. Let one of them answer first."
            return CROWDED.at("wait", detail)
        if self._places.total() >= self._most:
            return OVERLOADED.at("", OVERLOADED.meaning)
        return None

    async def behind(self, client_id: str, position: int, *, seconds: float) -> None:
        """Return when the client's feed goes on behind a position, or the time is up."""
        waiter = _Waiter(client_id, position)
        self._waiting.add(waiter)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds):
                await waiter.woken.wait()
        except TimeoutError:
            return
        finally:
            self._waiting.discard(waiter)

    async def _ask(self) -> None:
        """Ask and wake, once a tick or when told to, while anybody waits."""
        while self._waiting:
            self._told.clear()
            try:
                await self._wake()
            except StoreError as error:
                _log.warning("events-wait-for-database", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_SECONDS)

    async def _wake(self) -> None:
        clients = sorted({waiter.client_id for waiter in self._waiting})
        reached = await self._database.read(lambda tx: heads(tx, clients))
        for waiter in self._waiting:
            if reached.get(waiter.client_id, 0) > waiter.position:
                waiter.woken.set()
