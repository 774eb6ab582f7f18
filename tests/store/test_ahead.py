"""Writes sent ahead on PostgreSQL: all or nothing, whatever fails, and the connection goes on."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from hundi.parties import tables
from hundi.store.engine import CommitUnknownError, Transaction
from hundi.store.postgres import PostgresDatabase
from hundi.store.statement import Bulk, Statement, insert
from tests.store.waiting import WAITING
from tests.until import until

_COUNT = Statement.both("select count(*) as n from gstin")
_ENTITY = insert(tables.entity, ("entity_id", "pan", "name", "created_at"))
_GSTIN = insert(tables.gstin, ("gstin", "entity_id"))
_BROKEN = Statement.both("select 1 / 0 as n")
_UNREADABLE = Bulk.of(
    postgresql="insert into nowhere select $1::jsonb", sqlite="select 1", returns=False
)
_KILL_WHO_WAITS = WAITING.replace("*", "pg_terminate_backend(pid)")
OWNER = [("ENT1", "ZZZCI2701K", "Imaginary Loom", 1)]


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    """One connection for everything: what one transaction leaves behind, the next one meets."""
    made = await PostgresDatabase.connect(postgres_url, connections=1)
    yield made
    await made.close()


async def _count(tx: Transaction) -> int:
    [row] = await tx.fetch(_COUNT)
    return int(row["n"])


async def _add(tx: Transaction, *gstins: str) -> None:
    await tx.bulks([(_GSTIN, [(gstin, "ENT1") for gstin in gstins])])


async def _with_owner(tx: Transaction) -> None:
    await tx.bulks([(_ENTITY, OWNER)])
    await _add(tx, "G1")


async def test_writes_are_seen_by_the_next_statement_and_kept(database: PostgresDatabase) -> None:
    async def work(tx: Transaction) -> int:
        await _with_owner(tx)
        return await _count(tx)

    assert await database.write(work) == 1
    assert await database.read(_count) == 1


async def test_a_write_that_fails_is_told_by_commit_and_nothing_is_kept(
    database: PostgresDatabase,
) -> None:
    await database.write(_with_owner)
    for _ in range(2):
        with pytest.raises(asyncpg.UniqueViolationError):
            await database.write(lambda tx: _add(tx, "G2", "G1"))
        assert await database.read(_count) == 1
    await database.write(lambda tx: _add(tx, "G3"))
    assert await database.read(_count) == 2


async def test_a_write_that_fails_is_told_by_the_statement_after_it(
    database: PostgresDatabase,
) -> None:
    async def work(tx: Transaction) -> int:
        await _add(tx, "G1")  # its owner is not there
        return await _count(tx)

    for _ in range(2):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await database.write(work)
    await database.write(_with_owner)
    assert await database.read(_count) == 1


@pytest.mark.parametrize("text", ["nowhere", "G1"])
async def test_work_that_fails_behind_a_failed_write_leaves_a_usable_connection(
    database: PostgresDatabase, text: str
) -> None:
    """ROLLBACK is then the first to hear of the write; the server had passed over all else."""

    async def work(tx: Transaction) -> None:
        if text == "nowhere":
            await tx.bulks([(_UNREADABLE, [(1,)])])
        await _add(tx, text)
        raise LookupError(text)

    async with asyncio.timeout(10):
        for _ in range(2):
            with pytest.raises(LookupError):
                await database.write(work)
        await database.write(_with_owner)
        assert await database.read(_count) == 1


async def test_a_failed_transaction_is_not_committed_whatever_its_work_says(
    database: PostgresDatabase,
) -> None:
    async def work(tx: Transaction) -> None:
        await _with_owner(tx)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await tx.fetch(_BROKEN)

    with pytest.raises(RuntimeError, match="went on"):
        await database.write(work)
    assert await database.read(_count) == 0


async def test_a_connection_lost_with_commit_on_its_way_is_an_unknown_outcome(
    database: PostgresDatabase, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    await database.write(_with_owner)
    await other.execute("begin; delete from gstin")

    async def kill() -> None:
        await until(lambda: other.fetchval(_KILL_WHO_WAITS))

    async def work(tx: Transaction) -> None:
        await tx.wait_at_most(60_000)
        await _add(tx, "G1")  # waits for the other's delete

    killing = asyncio.create_task(kill())
    with pytest.raises(CommitUnknownError):
        await database.write(work)
    await killing
    await other.close()
    assert await database.read(_count) == 1


async def test_nothing_written_is_nothing_sent(database: PostgresDatabase) -> None:
    async def work(tx: Transaction) -> int:
        await tx.bulks([(_GSTIN, [])])
        return tx.now

    assert await database.write(work) > 0
