"""Databases of a part: a file, or a cluster of its own that can be killed and comes back."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import asyncpg

from bench.database import settings as told_by
from hundi.store import sqlite
from hundi.store.opening import sqlite_path
from proof.ground import killing
from proof.part import SQLITE, Run
from tests import postgres
from tests.postgres import Cluster

if TYPE_CHECKING:
    import subprocess

_DURABLE = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
_LEVELS = ("OFF", "NORMAL", "FULL", "EXTRA")


class Place(Protocol):
    """Where a part's database lives. `processes` are those that a frozen or killed one has."""

    url: str

    @property
    def processes(self) -> Sequence[int]:
        """Its own processes, parents only; a file has none."""

    async def kill(self) -> None:
        """End its processes at once."""

    async def come_back(self) -> None:
        """Start them again on the same files and the same port."""


class SqlitePlace:
    """A file: it has no process that could be killed."""

    processes: Sequence[int] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    async def kill(self) -> None:
        """Nothing runs."""

    async def come_back(self) -> None:
        """Nothing was away."""


class PostgresPlace:
    """A private cluster with one database."""

    def __init__(self, running: Cluster) -> None:
        self.cluster = running
        self.url = running.url("hundi")
        self._again: subprocess.Popen[bytes] | None = None
        self._dead = False

    @property
    def processes(self) -> Sequence[int]:
        """The postmaster, unless it is dead."""
        return () if self._dead else (self.cluster.pid,)

    @property
    def ended(self) -> bool:
        """Whether the postmaster is no more, whoever ended it."""
        return killing.state(self.cluster.pid) in "ZX"

    async def kill(self) -> None:
        """SIGKILL the postmaster and every backend: only the files are left."""
        await killing.kill(self.cluster.pid)
        self._dead = True
        if self._again is None:  # the first server is a child of ours like the others
            with suppress(ChildProcessError):  # a zombie would keep the lock file in force
                await asyncio.to_thread(os.waitpid, self.cluster.pid, 0)
        self._reap()

    async def come_back(self, environment: Mapping[str, str] | None = None) -> None:
        """Recover from the write-ahead log, on the same port."""
        self._reap()
        # Started by the main thread: the cluster is to die with the thread that starts it.
        self.cluster, self._again = postgres.revive(self.cluster, environment=environment)
        self._dead = False

    async def stop(self) -> None:
        """Shut down in good order, as before an upgrade of the machine."""
        if self._again is not None:
            await asyncio.to_thread(postgres.stop, self._again)
            self._dead = True

    def _reap(self) -> None:
        if self._again is not None:
            self._again.wait()
            self._again = None


@asynccontextmanager
async def opened(
    run: Run, *, under: Path | None = None, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Place]:
    """A fresh, empty database of the run's kind. Notes its durability for the report.

    `under` is another folder than the run's, such as a small disk. Raises NoPostgresError.
    """
    if run.database == SQLITE:
        folder = tempfile.mkdtemp(prefix="hundi-", dir=under or run.folder)
        place = SqlitePlace(Path(folder) / "hundi.db")
        run.durability |= _pragmas(run.folder)
        yield place
        return
    run.folder.chmod(0o711)  # where we are root, the cluster belongs to another user
    with postgres.cluster(under=under or run.folder, settings=settings) as running:
        running.create("hundi")
        made = PostgresPlace(running)
        told = await told_by(made.url)
        run.durability |= {name: told[name] for name in _DURABLE}
        try:
            yield made
        finally:
            await made.stop()


def _pragmas(folder: Path) -> dict[str, str]:
    """Those of a connection opened by the function that the server opens its own with."""
    path = folder / "pragmas.db"
    with closing(sqlite.connect(str(path))) as connection:
        [mode] = connection.execute("pragma journal_mode").fetchone()
        [level] = connection.execute("pragma synchronous").fetchone()
    return {"journal_mode": mode, "synchronous": _LEVELS[level]}


async def stored(place: Place) -> int:
    """Bytes that the database holds on the disk; of a file what its log will bring is still missing."""
    if sqlite_path(place.url) is None:
        [(size,)] = await ask(place.url, "select pg_database_size(current_database())")
    else:
        [(size,)] = await ask(
            place.url, "select page_count * page_size from pragma_page_count, pragma_page_size"
        )
    return int(size)


async def ask(url: str, text: str) -> list[tuple[Any, ...]]:
    """Rows of a query that both databases understand, on a connection of its own."""
    path = sqlite_path(url)
    if path is not None:
        return await asyncio.to_thread(_ask_file, path, text)
    connection = await asyncpg.connect(url, timeout=20)
    try:
        return [tuple(row) for row in await connection.fetch(text)]
    finally:
        await connection.close()


async def change(url: str, text: str) -> None:
    """Run a statement that both databases understand, and keep what it did."""
    path = sqlite_path(url)
    if path is None:
        await ask(url, text)
    else:
        await asyncio.to_thread(_change_file, path, text)


def _change_file(path: Path, text: str) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=20)) as connection:
        connection.execute(text)
        connection.commit()


def _ask_file(path: Path, text: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=20)) as connection:
        return connection.execute(text).fetchall()
