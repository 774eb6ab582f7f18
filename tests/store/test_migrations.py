"""The migrations make exactly the tables that the code declares."""

import asyncio

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from hundi.exchange import tables as exchange
from hundi.parties import tables as parties
from hundi.store.engine import UnavailableError
from hundi.store.metadata import metadata
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import BadUrlError, open_database, sqlite_path


def _differences(connection: sa.Connection) -> list[object]:
    assert exchange.document.metadata is parties.client.metadata is metadata
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
    "url",
    [
        "",
        "foo",
        "sqlite://",
        "sqlite:///",
        "mysql://x/y",
        "postgresql://x",
        "sqlite:///a.db?mode=ro",
        "postgresql://h:port/d",
        "postgresql://h:70000/d",
        "postgresql://h:0/d",
        "postgresql://[::1/d",
    ],
)
def test_an_unknown_url_is_refused_with_the_forms_there_are(url: str) -> None:
    with pytest.raises(BadUrlError, match="postgresql://"):
        sqlite_path(url)


def test_relative_and_absolute_files() -> None:
    assert str(sqlite_path("sqlite:///a.db")) == "a.db"
    assert str(sqlite_path("sqlite:////tmp/a.db")) == "/tmp/a.db"
    assert sqlite_path("postgresql://u@h/d") is None
    assert sqlite_path("postgresql://u:p@h1:5432,h2:5433/d?sslmode=require") is None


def test_options_of_the_url_reach_the_database_in_upgrading_too(postgres_url: str) -> None:
    upgrade(f"{postgres_url}?sslmode=prefer&application_name=loom")
    with pytest.raises(UnavailableError, match="sslmode"):
        upgrade(f"{postgres_url}?sslmode=nonsense")
