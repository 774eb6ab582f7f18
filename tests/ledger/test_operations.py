"""What is written to the ledger's tables, on either database."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from hundi.kernel.clock import wall_clock
from hundi.ledger import tables
from hundi.ledger.operations import WRITE_ACCOUNT
from hundi.store.engine import Database
from hundi.store.opening import open_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, wall_clock)
    yield opened
    await opened.close()


async def write(database: Database, *, guarded: bool, debit: int, credit: int) -> None:
    row = ("A", "note", "1", "due", "INR", guarded, debit, credit, 0, 0)
    await database.write(lambda tx: tx.bulk(WRITE_ACCOUNT, [row]))


async def test_a_guard_that_is_declared_later_holds_for_old_accounts(database: Database) -> None:
    await write(database, guarded=False, debit=100, credit=0)
    await write(database, guarded=True, debit=100, credit=100)
    [row] = await database.read(lambda tx: tx.select(sa.select(tables.account)))
    assert bool(row["guarded"])
    with pytest.raises(Exception, match=r"(?i)check"):
        await write(database, guarded=True, debit=100, credit=101)


async def test_a_guard_that_is_given_up_holds_no_more(database: Database) -> None:
    await write(database, guarded=True, debit=100, credit=100)
    await write(database, guarded=False, debit=100, credit=101)
    [row] = await database.read(lambda tx: tx.select(sa.select(tables.account)))
    assert (bool(row["guarded"]), row["credit"]) == (False, 101)
