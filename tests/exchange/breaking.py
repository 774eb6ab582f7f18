"""Changing rows of a store behind the network's back."""

import sqlite3

import asyncpg

from hundi.store.opening import sqlite_path


async def change(url: str, *statements: str) -> None:
    """Run statements on a database of either kind, whatever its constraints forbid."""
    path = sqlite_path(url)
    if path is None:
        await _change_postgres(url, statements)
        return
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("pragma ignore_check_constraints = on")
        for statement in statements:
            assert connection.execute(statement).rowcount, f"nothing was changed: {statement}"
    finally:
        connection.close()


async def _change_postgres(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    checks = "select conrelid::regclass::text, conname from pg_constraint where contype = 'c'"
    checks += " and conrelid <> 0"
    try:
        for table, name in await connection.fetch(checks):
            await connection.execute(f'alter table {table} drop constraint "{name}"')
        for statement in statements:
            done = await connection.execute(statement)
            assert not done.endswith(" 0"), f"nothing was changed: {statement}"
    finally:
        await connection.close()
