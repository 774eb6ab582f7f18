"""Alembic migrations, run by `hundi db upgrade` and by `serve` on SQLite."""

import asyncio
import os
import re
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hundi.store.engine import Database, Transaction
from hundi.store.opening import sqlite_path
from hundi.store.postgres import connect_once

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = sa.select(sa.column("version_num", sa.String)).select_from(sa.table("alembic_version"))

OURS = frozenset({"alembic_version", "client", "exchange", "journal"})
"""Tables that every version has had. Alembic's own is that of any program that uses Alembic."""

_OUR_REVISION = re.compile(r"[0-9]{4}")
_known = sa.values(sa.column("name", sa.Text), name="known").data(
    [(name,) for name in sorted(OURS)]
)
_THERE = {
    "postgresql": sa.select(_known.c.name).where(sa.func.to_regclass(_known.c.name).is_not(None)),
    "sqlite": sa.select(sa.column("name", sa.Text))
    .select_from(sa.table("sqlite_master"))
    .where(sa.column("name", sa.Text).in_(sorted(OURS))),
}
_TURN = sa.text("select pg_try_advisory_lock(20260401)")
SECONDS_BETWEEN_TURNS = 0.2


class ForeignDatabaseError(Exception):
    """The database is another program's; the message says so, and what to look at."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to the newest schema. Safe to run again; never loses a row.

    SQLite changes in one transaction, PostgreSQL in one for each revision, so that indexes may be
    made while others write.

    Raises BadUrlError for an unknown URL, ForeignDatabaseError for another program's database,
    UnavailableError or what SQLAlchemy raises for one out of reach.
    """
    path = sqlite_path(url)
    if path is not None:
        _upgrade_sqlite(path, revision)
        return
    failure: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_upgrade_postgres(url, revision))
        except BaseException as error:  # noqa: BLE001 (carried to the caller's thread)
            failure.append(error)

    # A thread of its own: the caller may itself run inside an event loop.
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def _upgrade_sqlite(path: Path, revision: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _make_private(path)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        connect_args={"isolation_level": None},
    )
    with engine.connect() as connection:
        if _is_there(connection, revision):  # mostly: then nobody waits for a server that writes
            return
        # By itself the driver would begin at the first row that is written: after the first tables.
        connection.exec_driver_sql("begin immediate")
        _run(connection, revision)
        connection.commit()


def _make_private(path: Path) -> None:
    """Make a file that is not there, its owner's alone; SQLite gives its log and index the same mode.

    A file that is there keeps the mode that somebody gave it.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


async def is_current(database: Database) -> bool:
    """Whether the database has this version's tables, or those of a later one.

    Migrations leave what older processes use, so that these serve on until they are replaced.
    Raises ForeignDatabaseError, or StoreError.
    """
    return await database.read(_revision) >= _newest()


async def newer_than_known(database: Database) -> str:
    """What is to be told of tables of a later version than this one; nothing of all others."""
    stands = await database.read(_revision)
    return (
        f"newer than this version ({stands}; this one knows {_newest()})"
        if stands > _newest()
        else ""
    )


async def _revision(tx: Transaction) -> str:
    """The revision of the tables that are there; none where nothing was ever set up."""
    there = [row["name"] for row in await tx.select(_THERE[tx.dialect])]
    if "alembic_version" not in there:
        return ""
    rows = await tx.select(_VERSION)
    return _ours(rows[0]["version_num"], there) if rows else ""


def _ours(revision: str, there: Iterable[str]) -> str:
    """A revision that may be compared with ours: by its form, and by the tables beside it."""
    if not _OUR_REVISION.fullmatch(revision) or OURS.difference(there):
        raise ForeignDatabaseError(
            f"This is no database of Hundi, but of a program whose tables are at {revision}."
            " Check HUNDI_DATABASE_URL; nothing was changed."
        )
    return revision


@cache
def _newest() -> str:
    """The newest revision: four digits, with which its file begins."""
    return max(path.name[1:5] for path in (_SCRIPTS / "versions").glob("v[0-9]*.py"))


async def _upgrade_postgres(url: str, revision: str) -> None:
    # It brings the whole of SQLAlchemy's ORM, which no other command needs to start.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    # The driver reads the URL, here as in serving: SQLAlchemy knows no sslmode.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connect_once(url), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await _take_turn(connection)
            await connection.run_sync(_run, revision)
            await connection.commit()
    finally:
        await engine.dispose()


async def _take_turn(connection: "AsyncConnection") -> None:
    """Of two machines that upgrade at once one goes first; the connection's end gives the turn on.

    Who waits asks again and again, with no statement under way between: indexes that are made
    while others write wait for all statements that began before.
    """
    while not (await connection.execute(_TURN)).scalar():
        await connection.commit()
        await asyncio.sleep(SECONDS_BETWEEN_TURNS)
    await connection.commit()


def _run(connection: sa.Connection, revision: str) -> None:
    if _is_there(connection, revision):
        return
    if connection.dialect.name == "postgresql":
        connection.commit()  # each migration has a transaction of its own
    # Alembic is a third of the time that a command takes to start, and seldom needed.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _is_there(connection: sa.Connection, revision: str) -> bool:
    # A later version's tables hold what this one uses; these are not looked at again either.
    return _stands(connection) >= (_newest() if revision == "head" else revision)


def _stands(connection: sa.Connection) -> str:
    """The revision of the tables that are there; none where there are no tables."""
    there = connection.scalars(_THERE[connection.dialect.name]).all()
    revision = connection.scalar(_VERSION) if "alembic_version" in there else None
    return _ours(revision, there) if revision else ""
