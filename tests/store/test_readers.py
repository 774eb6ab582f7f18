"""Two threads read a SQLite file, and share the connections that they left behind."""

import asyncio
import sqlite3
from pathlib import Path
from threading import Barrier

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Transaction
from hundi.store.sqlite import READERS, SqliteDatabase, connect
from hundi.store.statement import Statement

_ONE = Statement.both("select 1 as one")


class _Contended(list[sqlite3.Connection]):
    """Connections that all threads reach for at the same moment: each has seen that there is one."""

    def __init__(self, connections: list[sqlite3.Connection]) -> None:
        super().__init__(connections)
        self._all_here = Barrier(READERS, timeout=30)

    def pop(self, *place) -> sqlite3.Connection:
        self._all_here.wait()
        try:
            return super().pop(*place)
        finally:
            self._all_here.wait()


async def test_two_threads_may_want_the_only_connection_that_is_left(tmp_path: Path) -> None:
    path = tmp_path / "hundi.db"
    database = SqliteDatabase(path, wall_clock)
    database._reading = _Contended([connect(str(path), check_same_thread=False)])

    async def one(tx: Transaction) -> int:
        [row] = await tx.fetch(_ONE)
        return int(row["one"])

    assert await asyncio.gather(*(database.read(one) for _ in range(READERS))) == [1] * READERS
    assert len(database._reading) == READERS
    await database.close()
