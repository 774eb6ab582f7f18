"""PostgreSQL through asyncpg: prepared statements, READ COMMITTED, the database's own clock."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa

from hundi.store.ahead import Ahead
from hundi.store.engine import (
    CommitUnknownError,
    LockedError,
    RetryableError,
    Row,
    StoreError,
    UnavailableError,
    Work,
)
from hundi.store.hosts import LOST, Hosts
from hundi.store.pool import Held, Pool
from hundi.store.statement import Bulk, Statement, compiled, dialect_of, encoded, together

T = TypeVar("T")

CLOCK_TRIES = 3
POOL = 12
WORKING_OUT = 2
"""Threads for what transactions work out: as many as there are batches of requests under way."""
"""Connections that a process keeps at most."""

SETTINGS = {
    "application_name": "hundi",
    "lock_timeout": "2000",  # less than a caller waits, so that the others of its batch can be served
    "statement_timeout": "20000",
    "idle_in_transaction_session_timeout": "30000",
    "default_transaction_isolation": "read committed",
    # Our statements meet freshly filled tables before autovacuum has counted them. They look rows up
    # by key, a batch at a time: whole tables or indexes must not look cheap because they are empty.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_bitmapscan": "off",
    # A page of a long list is read from the begin of an index: helpers take longer to come than it.
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "1.1",
    "jit": "off",
}
_CLOCK = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
_log = logging.getLogger(__name__)


async def connect_once(url: str) -> Any:
    """A connection outside any pool. Raises UnavailableError if the database cannot be reached."""
    return await Hosts(url).connect()


class PostgresTransaction:
    """One transaction on a pooled connection.

    BEGIN goes out with the first statement, and bulk writes with the one after them: each saves a
    round trip. So the error of a bulk write is raised by what follows it, at the latest by COMMIT.
    """

    dialect = "postgresql"

    def __init__(self, connection: Any, ahead: Ahead, now: int, *, threads: Executor) -> None:
        self._connection = connection
        self._threads = threads
        self.ahead = ahead
        self.now = now
        self.begun = False
        self.failed = False

    async def fetch(self, statement: Statement, *arguments: object) -> Sequence[Row]:
        """Rows of a statement; its plan is prepared once per connection."""
        return await self._rows(statement.postgresql, arguments)

    async def bulk(self, bulk: Bulk, rows: Sequence[Sequence[object]]) -> Sequence[Row]:
        """One round trip for all rows."""
        return await self._rows(bulk.postgresql, (encoded(rows).decode(),)) if rows else ()

    async def bulks(self, bulks: Sequence[tuple[Bulk, Sequence[Sequence[object]]]]) -> None:
        """All of them on the way of the next statement: no round trip of their own."""
        filled = [(bulk, rows) for bulk, rows in bulks if rows]
        if filled:
            self._begin()
            text = together(tuple(bulk for bulk, _ in filled))
            self.ahead.run(text, [encoded(rows) for _, rows in filled])

    async def wait_at_most(self, milliseconds: int) -> None:
        """Until the transaction ends: the pool's next one waits as ever."""
        self._begin()
        self.ahead.run(f"set local lock_timeout = '{milliseconds:d}ms'", ())

    async def work_out(self, task: Callable[[], T]) -> T:
        """In a thread of those that wait for nothing but such work: rows are locked meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, task)

    async def select(self, query: sa.Select[Any]) -> Sequence[Row]:
        """Rows of a SQLAlchemy query."""
        return await self._rows(*compiled(query, dialect_of("postgresql")))

    async def execute(self, statement: sa.Executable) -> None:
        """Run a SQLAlchemy write."""
        await self._rows(*compiled(statement, dialect_of("postgresql")))  # type: ignore[arg-type]

    def check(self) -> None:
        """See that it may be committed: COMMIT would end a failed one without an error."""
        if self.failed:
            raise RuntimeError("the work went on after one of its statements had failed")

    def _begin(self) -> None:
        if not self.begun:
            self.ahead.begin()
            self.begun = True

    async def _rows(self, text: str, arguments: Sequence[object]) -> Sequence[Row]:
        self._begin()
        try:
            # Not `execute`: it may send a simple query, which is no end to what was sent ahead.
            rows: Sequence[Row] = await self._connection.fetch(text, *arguments)
        except BaseException:
            self.failed = True
            raise
        return rows


def _translate(error: BaseException) -> BaseException:
    again = (
        asyncpg.SerializationError,
        asyncpg.DeadlockDetectedError,
        # An upgrade has changed a table meanwhile. The driver has forgotten the plan by now.
        asyncpg.InvalidCachedStatementError,
    )
    if isinstance(error, again):
        return RetryableError(str(error))
    if isinstance(error, asyncpg.LockNotAvailableError):
        return LockedError(f"{type(error).__name__}: {error}")
    unavailable = (
        asyncpg.QueryCanceledError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        asyncpg.UndefinedTableError,
    )
    if isinstance(error, (*LOST, *unavailable)):
        return UnavailableError(f"{type(error).__name__}: {error}")
    return error


class _ServerClock:
    """The database's clock, asked once a second and carried on by this machine's steady one.

    Every process and machine then agrees on leases and due times, however its own clock stands, and
    a transaction need not spend a round trip on asking.
    """

    def __init__(self) -> None:
        self._server = 0
        self._steady = -math.inf

    async def now(self, connection: Any) -> int:
        """Microseconds since 1970 UTC by the server."""
        passed = time.monotonic() - self._steady
        if passed > 1:
            return await self._asked(connection)
        return self._server + int(passed * 1_000_000)

    async def _asked(self, connection: Any) -> int:
        server, took, tries = *await self._answer(connection), 1
        while took > 1:  # what lay there while we stood still is nobody's
            if tries == CLOCK_TRIES:
                raise UnavailableError("the database takes seconds to tell its time")
            server, took, tries = *await self._answer(connection), tries + 1
        self._server, self._steady = server, time.monotonic()
        return server

    async def _answer(self, connection: Any) -> tuple[int, float]:
        """What the server says, and how long it took."""
        asked = time.monotonic()
        server: int = await connection.fetchval(_CLOCK)
        return server, time.monotonic() - asked


class PostgresDatabase:
    """A pool of connections to one PostgreSQL, wherever its primary is."""

    dialect = "postgresql"

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._clock = _ServerClock()
        self._threads = ThreadPoolExecutor(WORKING_OUT, "postgres-work")

    @classmethod
    async def connect(cls, url: str, *, connections: int = POOL) -> "PostgresDatabase":
        """Open a pool. Raises UnavailableError if the database cannot be reached."""
        connect = partial(
            Hosts(url).connect,
            server_settings=SETTINGS,
            statement_cache_size=512,
            max_cached_statement_lifetime=0,
            command_timeout=25,
        )
        database = cls(Pool(connect, most=connections))
        try:
            database._pool.give(await database._pool.take())
        except (*LOST, asyncpg.PostgresError) as error:
            raise UnavailableError(f"{type(error).__name__}: {error}") from error
        return database

    def connections(self) -> dict[str, int]:
        """How many connections are busy and idle, and how many there may be."""
        return self._pool.sizes()

    async def write(self, work: Work[T]) -> T:
        """Run work and commit it. The caller's cancellation never reaches a COMMIT on its way."""
        return await asyncio.shield(asyncio.ensure_future(self.write_here(work)))

    async def write_here(self, work: Work[T]) -> T:
        """Run work in the caller's task and commit it; see `Database.write_here`."""
        async with self._connection() as held:
            tx = await self._transaction(held)
            try:
                result = await work(tx)
                tx.check()
            except BaseException:
                held.clean = await _rolled_back(held.connection)
                raise
            if tx.begun:
                await _commit(held)
                tx.ahead.kept()
            held.clean = True
        return result

    async def _transaction(self, held: Held) -> PostgresTransaction:
        held.clean = False
        now = await self._clock.now(held.connection)
        return PostgresTransaction(held.connection, held.ahead, now, threads=self._threads)

    async def read(self, work: Work[T]) -> T:
        """Run work against one consistent snapshot."""
        async with self._connection() as held:
            tx = await self._transaction(held)
            try:
                await held.connection.execute("begin isolation level repeatable read read only")
                tx.begun = True
                return await work(tx)
            finally:
                held.clean = await _rolled_back(held.connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Held]:
        try:
            held = await self._pool.take()
            try:
                yield held
            except asyncpg.ReadOnlySQLTransactionError:
                held.connection.terminate()  # the primary is elsewhere now: look for it
                raise
            finally:
                self._pool.give(held)
        except StoreError:
            raise
        except Exception as error:
            translated = _translate(error)
            if translated is error:
                raise
            raise translated from error

    async def close(self) -> None:
        """Close the pool, waiting for what is under way at most ten seconds."""
        await self._pool.close()
        self._threads.shutdown(wait=False)


async def _rolled_back(connection: Any) -> bool:
    """End a transaction without effect; whether it is known to have ended."""
    # What was sent ahead may have failed unheard: then the first of two only brings that to light.
    for _ in range(2):
        try:
            await connection.fetch("rollback")
        except (asyncpg.PostgresError, *LOST):
            _log.debug("rollback heard of an earlier error, or of a lost connection")
        else:
            return True
    return False


async def _commit(held: Held) -> None:
    """COMMIT, and be sure of it. What was sent ahead is judged with it.

    A warning counts as doubt: a synchronous standby that did not confirm is told in a warning, with
    the transaction committed here and perhaps nowhere else.
    """
    connection, warnings = held.connection, list[str]()

    def listen(_: object, message: Any) -> None:
        # `severity` would be in the server's own language.
        if getattr(message, "severity_en", "") == "WARNING":
            warnings.append(str(message))

    connection.add_log_listener(listen)
    try:
        await connection.fetch("commit")
        held.clean = True
    except (*LOST, asyncpg.PostgresError) as error:
        if not _was_before_commit(connection, error):
            if isinstance(error, TimeoutError):
                # The driver's request to cancel goes out behind us, and not over a connection that is
                # closed: the server would wait on, say for its standby, with every lock that we hold.
                held.clean = await _rolled_back(connection)
            raise CommitUnknownError(f"{type(error).__name__}: {error}") from error
        held.clean = await _rolled_back(connection)
        raise
    finally:
        # A lost connection has no listeners; saying so must not hide what became of the COMMIT.
        with suppress(asyncpg.InterfaceError):
            connection.remove_log_listener(listen)
    if warnings:
        raise CommitUnknownError("; ".join(warnings))


def _was_before_commit(connection: Any, error: Exception) -> bool:
    """Whether the server said, still in the transaction, that a write sent ahead had failed.

    It then passed over the COMMIT behind it. An error that ends the session leaves no such word:
    what the driver knows of the transaction is then older than the error.
    """
    if isinstance(error, (*LOST, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)):
        return False
    with suppress(asyncpg.InterfaceError):  # the session has ended with the error
        return bool(connection.is_in_transaction())
    return False
