"""An upgrade adds a column while processes of the version before serve on, with plans of their own."""

import asyncpg
import pytest

from hundi.exchange.gathering import related
from hundi.store.engine import RetryableError, Row, Transaction
from hundi.store.metadata import metadata
from hundi.store.postgres import PostgresDatabase
from hundi.store.statement import Statement
from tests.store.statements import statements

_EVERYTHING = Statement.both("select * from relation")
_SQLITES = "x''"
"""A literal of SQLite's, in a statement that is only written for it."""
_WIDER = "alter table {} add column later text"


async def _columns(connection: asyncpg.Connection) -> dict[str, list[str]]:
    found = {}
    for name, statement in statements().items():
        if _SQLITES in statement.postgresql:
            continue
        prepared = await connection.prepare(statement.postgresql)
        found[name] = [attribute.name for attribute in prepared.get_attributes()]
    return found


async def test_no_statement_answers_with_a_column_that_it_does_not_know(postgres_url: str) -> None:
    """PostgreSQL refuses a plan whose answer has changed: every pooled connection would meet it."""
    connection = await asyncpg.connect(postgres_url, statement_cache_size=0)
    before = await _columns(connection)
    for table in metadata.tables:
        await connection.execute(_WIDER.format(table))
    assert await _columns(connection) == before
    await connection.close()


async def test_a_plan_that_has_grown_old_is_made_again(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url, connections=1)

    async def work(tx: Transaction) -> list[Row]:
        await related(tx, [("A", "T", "1")])
        return list(await tx.fetch(_EVERYTHING))

    await database.write(work)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(_WIDER.format("relation"))
    await connection.close()
    with pytest.raises(RetryableError):
        await database.write(work)
    assert await database.write(work) == []
    await database.close()
