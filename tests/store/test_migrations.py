"""The migrations make exactly the tables that the code declares."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from hundi.exchange import tables as exchange
from hundi.ledger import tables as ledger
from hundi.onboarding import tables as onboarding
from hundi.parties import tables as parties
from hundi.parties.queries import served
from hundi.store.engine import Transaction, UnavailableError
from hundi.store.metadata import metadata
from hundi.store.migrate import ForeignDatabaseError, is_current, upgrade
from hundi.store.opening import BadUrlError, open_database, sqlite_path
from tests.postgres import Cluster
from tests.store.shape import declared, shape
from tests.store.waiting import WAITING
from tests.until import until

T = TypeVar("T")


def _compared(connection: sa.Connection) -> list[object]:
    """What Alembic finds; it knows more of types than the lines of `shape` on SQLite do."""
    kinds = (exchange.document, ledger.account, onboarding.candidate, parties.client)
    assert all(table.metadata is metadata for table in kinds)
    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return [d for d in found if "alembic_version" not in str(d)]


async def _asked(url: str, ask: Callable[[sa.Connection], T]) -> T:
    if url.startswith("sqlite"):
        with sa.create_engine(url).begin() as connection:
            return ask(connection)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        found = await connection.run_sync(ask)
    await engine.dispose()
    return found


@pytest.fixture(scope="module")
def declared_sqlite() -> set[str]:
    with sa.create_engine("sqlite://").begin() as connection:
        return declared(connection)


@pytest.fixture(scope="module")
def declared_postgres(postgres: Cluster) -> set[str]:
    return asyncio.run(_asked(postgres.create("hundi_declared"), declared))


@pytest.fixture
def as_declared(request: pytest.FixtureRequest, database_url: str) -> set[str]:
    """The lines of a database that was made from the code's own tables, of the test's kind."""
    kind = "sqlite" if database_url.startswith("sqlite") else "postgres"
    lines: set[str] = request.getfixturevalue(f"declared_{kind}")
    return lines


async def test_no_table_differs(database_url: str, as_declared: set[str]) -> None:
    assert await _asked(database_url, _compared) == []
    assert await _asked(database_url, shape) == as_declared


_CHANGES = {
    "rows of an index": {
        "drop index registration_lapse": "",
        "create index registration_lapse on registration (lapses_at) where state = 'DONE'": "",
    },
    "default": {
        "alter table exchange alter holds set default '[1]'": "DEFAULT '[]'",
    },
    "check": {
        "alter table ledger_account drop constraint ledger_account_guarded": "not guarded or ",
    },
}
"""By what differs: statements, and what SQLite, which has none such, loses from the table's text."""


@pytest.mark.parametrize("what", _CHANGES)
async def test_a_table_that_differs_is_told(
    database_url: str, as_declared: set[str], what: str
) -> None:
    """What no comparison of Alembic's looks at."""

    def change(connection: sa.Connection) -> None:
        for statement, lost in _CHANGES[what].items():
            if lost and connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma writable_schema = on")
                rewrite = "update sqlite_master set sql = replace(sql, ?, '') where type = 'table'"
                connection.exec_driver_sql(rewrite, (lost,))
            else:
                connection.exec_driver_sql(statement)

    await _asked(database_url, change)
    assert await _asked(database_url, _compared) == []
    assert await _asked(database_url, shape) != as_declared


async def test_pages_leave_the_room_that_is_declared(postgres_url: str) -> None:
    declared = {
        table.name: [f"{name}={value}" for name, value in options.items()]
        for table in metadata.sorted_tables
        if (options := table.dialect_options["postgresql"]["with"])
    }
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch(
        "select relname, reloptions from pg_class where relkind = 'r' and reloptions is not null"
        " and relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert {row["relname"]: row["reloptions"] for row in rows} == declared != {}


async def test_upgrading_again_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    database = await open_database(database_url, lambda: 0)
    assert await is_current(database)
    await database.close()


def _cut_off(monkeypatch: pytest.MonkeyPatch, url: str, *, after: int) -> bool:
    """Whether an upgrade ended in the middle, after so many changes of tables and indexes."""
    left = after
    real = sa.engine.default.DefaultExecutionContext.pre_exec

    def count(context: sa.engine.default.DefaultExecutionContext) -> None:
        nonlocal left
        left -= context.isddl
        if left < 0:
            raise ConnectionAbortedError
        real(context)

    with monkeypatch.context() as patched:
        patched.setattr(sa.engine.default.DefaultExecutionContext, "pre_exec", count)
        try:
            upgrade(url)
        except ConnectionAbortedError:
            return True
    return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stands", ["", "0009", "0010", "0011"])
def test_an_upgrade_that_was_cut_off_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared_sqlite: set[str], stands: str
) -> None:
    for after in range(0, 100, 1 if stands else 13):
        url = f"sqlite:///{tmp_path / f'{after}.db'}"
        if stands:
            upgrade(url, stands)
        if not _cut_off(monkeypatch, url, after=after):
            assert after > 1
            return
        upgrade(url)
        with sa.create_engine(url).connect() as connection:
            assert _compared(connection) == []
            assert shape(connection) == declared_sqlite


async def test_indexes_are_made_while_others_write(postgres: Cluster) -> None:
    """Who ends an exchange writes to its row first and to the document's then."""
    url = postgres.create("hundi_upgraded")
    await asyncio.to_thread(upgrade, url, "0009")
    writer, watching = await asyncpg.connect(url), await asyncpg.connect(url)
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute("update exchange set state = state")
    upgrading = asyncio.create_task(asyncio.to_thread(upgrade, url))
    await until(lambda: watching.fetchval(WAITING))
    await writer.execute("update document set status = status", timeout=30)
    await transaction.commit()
    await asyncio.wait_for(upgrading, 60)
    await watching.close()
    await writer.close()
    database = await open_database(url, lambda: 0)
    assert await is_current(database)
    await database.close()
    postgres.drop("hundi_upgraded")


async def test_several_machines_upgrade_at_once(postgres: Cluster) -> None:
    """One does it; those who wait for their turn do not hold it up."""
    url = postgres.create("hundi_together")
    await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(upgrade, url) for _ in range(4))), 60)
    database = await open_database(url, lambda: 0)
    assert await is_current(database)
    await database.close()
    postgres.drop("hundi_together")


async def test_a_later_versions_tables_are_served_and_left_alone(database_url: str) -> None:
    database = await open_database(database_url, lambda: 0)

    async def later(tx: Transaction) -> None:
        await tx.execute(sa.text("update alembic_version set version_num = '9999'"))

    await database.write(later)
    await asyncio.to_thread(upgrade, database_url)
    assert await is_current(database)
    await database.close()


@pytest.mark.parametrize(
    ("revision", "drop"),
    [("ae1027a6acf", ""), ("00150", ""), ("9999", "journal"), ("0015", "client")],
)
async def test_another_programs_database_is_not_taken_for_a_later_version(
    database_url: str, revision: str, drop: str
) -> None:
    """Alembic's table is that of any program that uses Alembic, and others number from 0001 too."""
    database = await open_database(database_url, lambda: 0)

    async def another(tx: Transaction) -> None:
        await tx.execute(sa.text(f"update alembic_version set version_num = '{revision}'"))
        if drop:
            await tx.execute(sa.text(f"alter table {drop} rename to its_{drop}"))

    await database.write(another)
    with pytest.raises(ForeignDatabaseError, match=f"no database of Hundi.* {revision}"):
        await is_current(database)
    with pytest.raises(ForeignDatabaseError, match="Check HUNDI_DATABASE_URL"):
        await asyncio.to_thread(upgrade, database_url)
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


def test_an_at_sign_in_a_password_is_told_as_such() -> None:
    with pytest.raises(BadUrlError, match="as %40") as refused:
        sqlite_path("postgresql://hundi:s3cret@word@127.0.0.1:5432/hundi")
    assert "s3cret" not in str(refused.value)
    assert "word@" not in str(refused.value)
    assert sqlite_path("postgresql://u:p%40@h/d?sslpassword=a@b&options=c@d") is None


def test_relative_and_absolute_files() -> None:
    assert str(sqlite_path("sqlite:///a.db")) == "a.db"
    assert str(sqlite_path("sqlite:////tmp/a.db")) == "/tmp/a.db"
    assert sqlite_path("postgresql://u@h/d") is None
    assert sqlite_path("postgresql://u:p@h1:5432,h2:5433/d?sslmode=require") is None


def test_options_of_the_url_reach_the_database_in_upgrading_too(postgres_url: str) -> None:
    upgrade(f"{postgres_url}?sslmode=prefer&application_name=loom")
    with pytest.raises(UnavailableError, match="sslmode"):
        upgrade(f"{postgres_url}?sslmode=nonsense")


async def test_rows_of_the_first_version_stay_readable(tmp_path: Path) -> None:
    """A business of before onboarding keeps its data, and the operator vouches for it."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    upgrade(url, "0001")
    await _write_old(url)
    upgrade(url)
    await _write_old(url, number=2)  # a process of the version before goes on writing
    database = await open_database(url, lambda: 0)
    found = await database.write(lambda tx: served(tx, {"ID1@BCB", "ID2@BCB"}))
    assert {one.name: (one.pan, one.level, one.active) for one in found.values()} == {
        "Old 1": ("ZZZCA0001K", 3, True),
        "Old 2": ("ZZZCA0002K", 3, True),
    }
    await database.close()


async def _write_old(url: str, number: int = 1) -> None:
    client = {
        "client_id": f"C{number}", "name": "x", "secret_hash": "", "username": f"u{number}",
        "password_hash": "", "mailbox": True, "endpoint_headers": "{}",
        "empty_means_success": False, "webhook_secret": "", "failed_exchanges": 0,
    }  # fmt: skip
    entity = {"entity_id": f"E{number}", "pan": f"ZZZCA000{number}K", "name": f"Old {number}"}
    served = {"b2b_id": f"ID{number}@BCB", "entity_id": f"E{number}", "client_id": f"C{number}"}
    with sa.create_engine(url).begin() as connection:
        for table, row in (("client", client), ("entity", entity), ("b2b_id", served)):
            whole = {**row, "created_at": 1, **({"active": True} if table == "b2b_id" else {})}
            names = ", ".join(whole)
            values = ", ".join(f":{name}" for name in whole)
            connection.execute(sa.text(f"insert into {table} ({names}) values ({values})"), whole)


async def test_a_pan_is_one_business_but_for_a_persons(database_url: str) -> None:
    database = await open_database(database_url, lambda: 0)

    async def put(entity_id: str, pan: str) -> None:
        row = {"entity_id": entity_id, "pan": pan, "name": "x", "created_at": 1}
        await database.write(lambda tx: tx.execute(sa.insert(parties.entity).values(**row)))

    await put("E1", "ZZZPA1234K")
    await put("E2", "ZZZPA1234K")
    await put("E3", "ZZZCA1234K")
    with pytest.raises(Exception, match=r"(?i)unique"):
        await put("E4", "ZZZCA1234K")
    await database.close()
