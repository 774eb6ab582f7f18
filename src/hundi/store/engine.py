"""What the road asks of a database: transactions that read and write rows.

The road is written once, as coroutines over `Transaction`. PostgreSQL answers from asyncpg. SQLite
answers at once, in the thread that asks (who writes is on the caller's own, who reads on another), so
that its coroutines never really wait and `drive` runs them to their end; the seeded simulation does so too.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from hundi.kernel.faults import Code, Kind
from hundi.store.statement import Bulk, Statement

T = TypeVar("T")
Row = Mapping[str, Any]
RETRIES = 5
BRIEFLY = 100
"""Milliseconds that one waits for a locked row for whose sake nobody else shall wait."""

UNAVAILABLE = Code(
    "STORE-UNAVAILABLE",
    Kind.NOT_NOW,
    "The database cannot take the request now. Nothing was accepted; send it again.",
)
UNKNOWN_COMMIT = Code(
    "STORE-COMMIT-UNKNOWN",
    Kind.NOT_NOW,
    "The database did not say whether the request was stored. Repeat it with the same"
    " Idempotency-Key: if it was stored, you get the first answer.",
)
CODES = (UNAVAILABLE, UNKNOWN_COMMIT)


class StoreError(Exception):
    """The database refused or could not be reached. Nothing of the transaction was kept."""


class RetryableError(StoreError):
    """A deadlock or serialization failure: the whole transaction may be run again at once."""


class UnavailableError(StoreError):
    """The database is gone, locked by others for too long, or out of space."""


class LockedError(UnavailableError):
    """Another transaction keeps a row for longer than this one would wait: its process may stand still.

    Work on other rows may be done meanwhile.
    """


class CommitUnknownError(StoreError):
    """The COMMIT went out and no clear answer came back. Never run such work again blindly."""


class Transaction(Protocol):
    """One transaction. `now` is the database's clock on PostgreSQL, the caller's on SQLite."""

    now: int
    dialect: str

    async def fetch(self, statement: Statement, *arguments: object) -> Sequence[Row]:
        """Rows of a statement."""

    async def bulk(self, bulk: Bulk, rows: Sequence[Sequence[object]]) -> Sequence[Row]:
        """Run a bulk statement for all rows (none: nothing is sent); its rows, if it returns any."""

    async def bulks(self, bulks: Sequence[tuple[Bulk, Sequence[Sequence[object]]]]) -> None:
        """Run several bulk statements on different rows that answer with nothing, at once."""

    async def wait_at_most(self, milliseconds: int) -> None:
        """From here on wait so long for a row that others lock, then raise LockedError."""

    async def work_out(self, task: Callable[[], T]) -> T:
        """What a processor is busy with for long: beside the event loop where one waits for this."""

    async def select(self, query: sa.Select[Any]) -> Sequence[Row]:
        """Rows of a SQLAlchemy query: for reads beside the hot path."""

    async def execute(self, statement: sa.Executable) -> None:
        """Run a SQLAlchemy insert, update or delete: for writes beside the hot path."""


Work = Callable[[Transaction], Coroutine[Any, Any, T]]


class Database(Protocol):
    """A store of either kind. `write` commits before it returns; on an error nothing is kept."""

    dialect: str

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction that may write, and commit it durably.

        Raises RetryableError, UnavailableError or CommitUnknownError; errors of `work` pass through
        after the rollback. Who waits for it may be cancelled: the transaction comes to its end.
        """

    async def write_here(self, work: Work[T]) -> T:
        """The same in the caller's own task, one that nobody cancels: a turn of the loop less."""

    async def read(self, work: Work[T]) -> T:
        """Run work in a transaction that only reads."""

    async def close(self) -> None:
        """Give back connections and locks."""


async def write_again(database: Database, work: Work[T]) -> T:
    """Run work in a transaction, and again where another one stood in its way, a few times.

    Raises as `Database.write`; RetryableError where others were in the way each time.
    """
    for _ in range(RETRIES - 1):
        try:
            return await database.write(work)
        except RetryableError:
            continue
    return await database.write(work)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, to its end, without an event loop.

    Raises RuntimeError if it does wait: then it did something no transaction may do.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    message = "work inside a transaction waited for something outside the database"
    raise RuntimeError(message)
