"""A clock that tests move, and databases of either kind that go by it: no time runs out on its own."""

from dataclasses import dataclass, field

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database
from hundi.store.opening import open_database
from hundi.store.postgres import PostgresDatabase


@dataclass
class Clock:
    """It stands still, in microseconds."""

    now: int = field(default_factory=wall_clock)

    def __call__(self) -> int:
        return self.now


class _OfServer:
    """In the place of what PostgreSQL would say."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def now(self, _: object) -> int:
        return self._clock()


async def opened(url: str, clock: Clock) -> Database:
    """The database of a URL, whose time is the clock's."""
    database = await open_database(url, clock)
    if isinstance(database, PostgresDatabase):
        database._clock = _OfServer(clock)  # type: ignore[assignment]
    return database
