"""What every handler of our own calls needs: the serving process, the caller, how answers are made."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from hundi.exchange.settle import Settler
from hundi.kernel.identity import RandomBytes
from hundi.onboarding.rail import SimulatedContacts
from hundi.parties.tokens import Tokens
from hundi.store.engine import Database, UnavailableError, Work, write_again
from hundi.web.gaps import Gaps
from hundi.web.metrics import Metrics
from hundi.web.visits import Visits
from hundi.web.waiting import EventWaiters

T = TypeVar("T")

READS = 6
"""Pages read at a time: half of the connections that a process has to PostgreSQL."""
PATIENCE_SECONDS = 5
NO_NUL = r"^[^\x00]*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the handlers need of one serving process.

    `visits` numbers the calls. `wake` tells the dispatcher that something is due, `wake_codes` the
    sender of ownership codes; `clock` and `random` are the edge's own. `contacts` is None where
    codes really leave. `gaps` makes due what has waited for an endpoint. `proving` holds for each
    client the turn of its ownership codes.
    """

    database: Database
    tokens: Tokens
    settler: Settler
    clock: Callable[[], int]
    random: RandomBytes
    metrics: Metrics
    visits: Visits
    waiters: EventWaiters
    gaps: Gaps
    wake: Callable[[], None]
    wake_codes: Callable[[], None]
    contacts: SimulatedContacts | None
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS), repr=False)
    proving: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )

    async def read(self, work: Work[T]) -> T:
        """Run work for a page. So many at a time that acks and deliveries keep connections of their own.

        Raises UnavailableError where others read for seconds.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.reading.acquire()
        except TimeoutError:
            raise UnavailableError("others are reading") from None
        try:
            return await self.database.read(work)
        finally:
            self.reading.release()

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction, again where another one stood in its way."""
        return await write_again(self.database, work)


Network = NamedDependency[SkipValidation[Context]]
ClientId = NamedDependency[str]
Segment = Annotated[str, PathParameter(max_length=800)]
Author = Annotated[str, QueryParameter(name="author", max_length=100, pattern=NO_NUL)]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200)]
Cursor = Annotated[str, QueryParameter(name="cursor", max_length=2000, pattern=NO_NUL)]
Answer = Response[bytes]


def answer(content: object, status: int = 200) -> Answer:
    """A JSON answer; `msgspec.Raw` in it is spliced as it is."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
