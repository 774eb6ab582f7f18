"""What the database fixtures promise: fresh, migrated, and apart from each other."""

import asyncpg
import pytest
import sqlalchemy as sa

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Transaction
from hundi.store.opening import open_database


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_migrated_database_of_its_own(database_url: str, turn: int) -> None:
    database = await open_database(database_url, wall_clock)

    async def leave_a_trace(tx: Transaction) -> int:
        await tx.execute(sa.text("create table trace (turn integer)"))
        version = sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))
        return len(await tx.select(version))

    try:
        assert await database.write(leave_a_trace) == 1
    finally:
        await database.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_rows_and_numbers_of_the_test_before_are_gone(postgres_url: str, turn: int) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        inserted = await connection.fetchval(
            "insert into refusal (client_id, path, status, faults, at)"
            " values ('C', '/', 400, '[]', 1) returning refusal_id"
        )
        assert inserted == 1
        assert await connection.fetchval("select count(*) from refusal") == 1
    finally:
        await connection.close()
