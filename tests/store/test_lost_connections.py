"""A PostgreSQL connection that dies: told as the database's absence, never as a fault of ours."""

import asyncpg
import pytest

from hundi.store.engine import CommitUnknownError, Transaction, UnavailableError
from hundi.store.postgres import PostgresDatabase, PostgresTransaction, _translate
from hundi.store.statement import Statement

ONE = Statement.both("select 1 as one")


def cut(tx: Transaction) -> None:
    """Cut the transaction's connection, as a network does."""
    assert isinstance(tx, PostgresTransaction)
    tx._connection._transport.abort()


async def test_before_the_commit_nothing_was_kept(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url)

    async def work(tx: Transaction) -> None:
        await tx.fetch(ONE)
        cut(tx)
        await tx.fetch(ONE)

    with pytest.raises(UnavailableError):
        await database.write(work)
    await database.close()


async def test_at_the_commit_nobody_knows(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url)

    async def work(tx: Transaction) -> None:
        await tx.fetch(ONE)
        cut(tx)

    with pytest.raises(CommitUnknownError):
        await database.write(work)
    await database.close()


def test_a_connection_that_died_between_two_messages_is_lost() -> None:
    message = "cannot switch to state 15; another operation (2) is in progress"
    assert isinstance(_translate(asyncpg.InternalClientError(message)), UnavailableError)
