"""The embedded database: one SQLite file, one writer at a time, WAL, every commit on disk.

`synchronous=FULL` makes a commit durable before the answer goes out. One serving process holds the
file lock; short administrative commands write beside it, waiting their turn at most five seconds.

Statements run where the caller is, and take microseconds; only what waits for the disk or for
another process goes to a thread. (With the statements in the thread as well, each of them had to
win the interpreter's lock back from the web server: a third of the exchanges a second were lost.)
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from hundi.store.engine import CommitUnknownError, Row, UnavailableError, Work, drive
from hundi.store.statement import Bulk, Statement, compiled, dialect_of, sqlite_arguments

T = TypeVar("T")

BUSY_SECONDS = 5
READERS = 2


def connect(path: str, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """A connection with the settings that durability needs. `path` may be `:memory:`."""
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=check_same_thread,
        cached_statements=512,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma cache_size = -8192")  # 8 MiB; the system caches the file, too
    connection.execute("pragma wal_autocheckpoint = 4000")
    return connection


class SqliteTransaction:
    """One transaction on an open connection; its methods never wait."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self.now = now

    async def fetch(self, statement: Statement, *arguments: object) -> Sequence[Row]:
        """Rows of a statement."""
        cursor = self._connection.execute(statement.sqlite, sqlite_arguments(arguments))
        return cursor.fetchall()

    async def bulk(self, bulk: Bulk, rows: Sequence[Sequence[object]]) -> Sequence[Row]:
        """Run the single-row text once a row, in the order given."""
        if not bulk.returns:
            self._connection.executemany(bulk.sqlite, rows)
            return ()
        execute = self._connection.execute
        return [found for row in rows for found in execute(bulk.sqlite, row).fetchall()]

    async def bulks(self, bulks: Sequence[tuple[Bulk, Sequence[Sequence[object]]]]) -> None:
        """Run one after the other."""
        for bulk, rows in bulks:
            if rows:
                self._connection.executemany(bulk.sqlite, rows)

    async def wait_at_most(self, _milliseconds: int) -> None:
        """Who writes has the whole file: it waits for nobody."""

    async def work_out(self, task: Callable[[], T]) -> T:
        """At once, as everything here."""
        return task()

    async def select(self, query: sa.Select[Any]) -> Sequence[Row]:
        """Rows of a SQLAlchemy query."""
        text, arguments = compiled(query, dialect_of("sqlite"))
        return self._connection.execute(text, arguments).fetchall()

    async def execute(self, statement: sa.Executable) -> None:
        """Run a SQLAlchemy write."""
        text, arguments = compiled(statement, dialect_of("sqlite"))  # type: ignore[arg-type]
        self._connection.execute(text, arguments)


@contextmanager
def _translated() -> Iterator[None]:
    """Disk full, locked, unreadable: the caller learns one thing, that nothing was kept."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError(str(error)) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        raise UnavailableError(str(error)) from error


def transact(connection: sqlite3.Connection, work: Work[T], now: int) -> T:
    """Run work between BEGIN IMMEDIATE and COMMIT on this thread."""
    with _translated():
        connection.execute("begin immediate")
        try:
            result = drive(work(SqliteTransaction(connection, now)))
        except BaseException:
            _roll_back(connection)
            raise
        _commit(connection)
    return result


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("commit")
    except sqlite3.OperationalError as error:
        if not connection.in_transaction:  # SQLite gave the transaction up: the file decides
            raise CommitUnknownError(str(error)) from error
        _roll_back(connection)
        raise


def _read(connection: sqlite3.Connection, work: Work[T], now: int) -> T:
    with _translated():
        connection.execute("begin")
        try:
            return drive(work(SqliteTransaction(connection, now)))
        finally:
            _roll_back(connection)


class SqliteDatabase:
    """A SQLite file: one writing connection, whose commits run in a thread, and a few readers."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = str(path)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._disk = ThreadPoolExecutor(1, "sqlite-disk")
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")
        self._writing: sqlite3.Connection | None = None
        self._reading: list[sqlite3.Connection] = []

    async def write(self, work: Work[T]) -> T:
        """Run work, one writer after the other, and commit it; see `Database.write`."""
        return await asyncio.shield(asyncio.ensure_future(self.write_here(work)))

    async def write_here(self, work: Work[T]) -> T:
        """Run work in the caller's task, one writer after the other; see `Database.write_here`."""
        async with self._turn:
            with _translated():
                connection = await self._begun()
                try:
                    result = drive(work(SqliteTransaction(connection, self._clock())))
                except BaseException:
                    _roll_back(connection)
                    raise
                await self._in_thread(_commit, connection)
        return result

    async def _begun(self) -> sqlite3.Connection:
        """The writing connection, in a transaction. Another process may hold the file for a while."""
        connection = self._writing
        if connection is None:
            connection = self._writing = await self._in_thread(_open_to_write, self._path)
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await self._in_thread(_begin_patiently, connection)
        return connection

    async def _in_thread(self, task: Callable[[Any], T], argument: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, task, argument)

    async def read(self, work: Work[T]) -> T:
        """Run work on a reader's thread against the last committed state."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read_one, work)

    def _read_one(self, work: Work[T]) -> T:
        connection = self._reader()
        try:
            return _read(connection, work, self._clock())
        finally:
            self._reading.append(connection)

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._reading.pop()  # not looked at first: the other thread takes what was seen
        except IndexError:
            with _translated():
                return connect(self._path, check_same_thread=False)

    async def close(self) -> None:
        """Wait for the writer, then close every connection."""
        async with self._turn:
            await asyncio.to_thread(self._disk.shutdown)
            await asyncio.to_thread(self._readers.shutdown)
            for connection in [self._writing, *self._reading]:
                if connection is not None:
                    connection.close()


def _open_to_write(path: str) -> sqlite3.Connection:
    """A connection whose statements never wait for another process; `_begin_patiently` does."""
    connection = connect(path, check_same_thread=False)
    connection.execute("pragma busy_timeout = 0")
    return connection


def _begin_patiently(connection: sqlite3.Connection) -> None:
    connection.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000}")
    try:
        connection.execute("begin immediate")
    finally:
        connection.execute("pragma busy_timeout = 0")


def scrub(path: Path) -> None:
    """Write the file anew, so that no freed page and no log keeps what rows no longer say."""
    connection = connect(str(path))
    try:
        with _translated():
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
    finally:
        connection.close()


class InlineDatabase:
    """A SQLite database driven on the caller's own thread: for the seeded simulation."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._clock = clock

    async def write(self, work: Work[T]) -> T:
        """Run and commit at once."""
        return await self.write_here(work)

    async def write_here(self, work: Work[T]) -> T:
        """Run and commit at once, as `write` does."""
        return transact(self._connection, work, self._clock())

    async def read(self, work: Work[T]) -> T:
        """Read at once."""
        return _read(self._connection, work, self._clock())

    async def close(self) -> None:
        """The connection belongs to the caller; nothing to give back."""


class ServingLock:
    """The lock that keeps a second serving process off a SQLite file, by whatever path it comes."""

    def __init__(self, path: Path) -> None:
        file = path.resolve()
        self._path = file.with_name(file.name + ".serving")
        self._file: int | None = None

    def take(self) -> bool:
        """True when this process now serves the file, False when another one does."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._file = descriptor
        return True

    def release(self) -> None:
        """Let another process serve the file. The kernel does it too when this process dies."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
