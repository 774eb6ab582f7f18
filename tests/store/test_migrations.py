"""The migrations make exactly the tables that the code declares."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from hundi.exchange import tables as exchange
from hundi.onboarding import tables as onboarding
from hundi.parties import tables as parties
from hundi.store.metadata import metadata
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import BadUrlError, open_database, sqlite_path


def _differences(connection: sa.Connection) -> list[object]:
    kinds = (exchange.document, onboarding.candidate, parties.client)
    assert all(table.metadata is metadata for table in kinds)
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return [d for d in found if "alembic_version" not in str(d)]


def test_no_table_differs(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        with sa.create_engine(database_url).connect() as connection:
            assert _differences(connection) == []
        return

    async def ask() -> list[object]:
        engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.connect() as connection:
            found = await connection.run_sync(_differences)
        await engine.dispose()
        return found

    assert asyncio.run(ask()) == []


async def test_upgrading_again_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    database = await open_database(database_url, lambda: 0)
    assert await is_current(database)
    await database.close()


@pytest.mark.parametrize(
    "url", ["", "foo", "sqlite://", "sqlite:///", "mysql://x/y", "postgresql://x"]
)
def test_an_unknown_url_is_refused_with_the_forms_there_are(url: str) -> None:
    with pytest.raises(BadUrlError, match="postgresql://"):
        sqlite_path(url)


def test_relative_and_absolute_files() -> None:
    assert str(sqlite_path("sqlite:///a.db")) == "a.db"
    assert str(sqlite_path("sqlite:////tmp/a.db")) == "/tmp/a.db"
    assert sqlite_path("postgresql://u@h/d") is None
