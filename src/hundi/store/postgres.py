"""PostgreSQL through asyncpg: prepared statements, READ COMMITTED, the database's own clock."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa

from hundi.store.engine import (
    CommitUnknownError,
    RetryableError,
    Row,
    StoreError,
    UnavailableError,
    Work,
)
from hundi.store.statement import Bulk, Statement, compiled, dialect_of, encoded, together

T = TypeVar("T")

SETTINGS = {
    "application_name": "hundi",
    "lock_timeout": "5000",
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
    "random_page_cost": "1.1",
    "jit": "off",
}
_CLOCK = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint"
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two messages
    OSError,
    asyncio.TimeoutError,
)
_log = logging.getLogger(__name__)


async def connect_once(url: str) -> Any:
    """A connection outside any pool. Raises UnavailableError if the database cannot be reached."""
    try:
        return await asyncpg.connect(url, timeout=5)
    except (*_LOST, asyncpg.PostgresError) as error:
        raise UnavailableError(f"{type(error).__name__}: {error}") from error


class PostgresTransaction:
    """One transaction on a pooled connection."""

    dialect = "postgresql"

    def __init__(self, connection: Any, now: int) -> None:
        self._connection = connection
        self.now = now

    async def fetch(self, statement: Statement, *arguments: object) -> Sequence[Row]:
        """Rows of a statement; its plan is prepared once per connection."""
        rows: Sequence[Row] = await self._connection.fetch(statement.postgresql, *arguments)
        return rows

    async def bulk(self, bulk: Bulk, rows: Sequence[Sequence[object]]) -> Sequence[Row]:
        """One round trip for all rows."""
        if not rows:
            return ()
        found: Sequence[Row] = await self._connection.fetch(bulk.postgresql, encoded(rows))
        return found

    async def bulks(self, bulks: Sequence[tuple[Bulk, Sequence[Sequence[object]]]]) -> None:
        """One round trip for all of them."""
        filled = [(bulk, rows) for bulk, rows in bulks if rows]
        if not filled:
            return
        text = together(tuple(bulk for bulk, _ in filled))
        await self._connection.fetch(text, *(encoded(rows) for _, rows in filled))

    async def select(self, query: sa.Select[Any]) -> Sequence[Row]:
        """Rows of a SQLAlchemy query."""
        text, arguments = compiled(query, dialect_of("postgresql"))
        rows: Sequence[Row] = await self._connection.fetch(text, *arguments)
        return rows

    async def execute(self, statement: sa.Executable) -> None:
        """Run a SQLAlchemy write."""
        text, arguments = compiled(statement, dialect_of("postgresql"))  # type: ignore[arg-type]
        await self._connection.execute(text, *arguments)


def _translate(error: BaseException) -> BaseException:
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return RetryableError(str(error))
    unavailable = (
        asyncpg.LockNotAvailableError,
        asyncpg.QueryCanceledError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.ReadOnlySQLTransactionError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        asyncpg.UndefinedTableError,
    )
    if isinstance(error, (*_LOST, *unavailable)):
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
            self._server = await connection.fetchval(_CLOCK)
            self._steady = time.monotonic()
            return self._server
        return self._server + int(passed * 1_000_000)


class PostgresDatabase:
    """A pool of connections to one PostgreSQL."""

    dialect = "postgresql"

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._clock = _ServerClock()

    @classmethod
    async def connect(cls, url: str, *, connections: int = 8) -> "PostgresDatabase":
        """Open a pool. Raises UnavailableError if the database cannot be reached."""
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=connections,
                server_settings=SETTINGS,
                statement_cache_size=512,
                max_cached_statement_lifetime=0,
                max_inactive_connection_lifetime=0,
                reset=_nothing_to_reset,
                command_timeout=25,
                timeout=5,
            )
        except (*_LOST, asyncpg.PostgresError) as error:
            raise UnavailableError(f"{type(error).__name__}: {error}") from error
        return cls(pool)

    async def write(self, work: Work[T]) -> T:
        """Run work and commit it. The caller's cancellation never reaches a COMMIT on its way."""
        return await asyncio.shield(asyncio.ensure_future(self._write(work)))

    async def _write(self, work: Work[T]) -> T:
        async with self._connection() as connection:
            await connection.execute("begin")
            try:
                now = await self._clock.now(connection)
                result = await work(PostgresTransaction(connection, now))
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)
        return result

    async def read(self, work: Work[T]) -> T:
        """Run work against one consistent snapshot."""
        async with self._connection() as connection:
            await connection.execute("begin isolation level repeatable read read only")
            try:
                now = await self._clock.now(connection)
                return await work(PostgresTransaction(connection, now))
            finally:
                await _roll_back(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._pool.acquire(timeout=5) as connection:
                yield connection
        except StoreError:
            raise
        except Exception as error:
            translated = _translate(error)
            if translated is error:
                raise
            raise translated from error

    async def close(self) -> None:
        """Close the pool, waiting for what is under way at most ten seconds."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()


async def _nothing_to_reset(_: Any) -> None:
    """Every transaction of ours ends in COMMIT or ROLLBACK and leaves no session state behind."""


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("rollback")
    except (asyncpg.PostgresError, *_LOST):
        _log.debug("rollback on a lost connection; the server rolls back by itself")


async def _commit(connection: Any) -> None:
    """COMMIT, and be sure of it.

    A warning counts as doubt: a synchronous standby that did not confirm is told in a warning, with
    the transaction committed here and perhaps nowhere else.
    """
    warnings: list[str] = []

    def listen(_: object, message: Any) -> None:
        if getattr(message, "severity", "") == "WARNING":
            warnings.append(str(message))

    connection.add_log_listener(listen)
    try:
        status = await connection.execute("commit")
    except (*_LOST, asyncpg.OperatorInterventionError) as error:
        raise CommitUnknownError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.remove_log_listener(listen)
    if warnings:
        raise CommitUnknownError("; ".join(warnings))
    if status != "COMMIT":
        message = f"the database answered {status} to COMMIT"
        raise UnavailableError(message)
