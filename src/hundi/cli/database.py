"""What commands on the database share: opening the configured one, printing what they found."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import DEFAULT_URL, open_database, sqlite_path

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class UnusableError(Exception):
    """The database cannot be used as it is; the message says what to do."""


def with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run work on the configured database; a SQLite file is made or brought up to date first."""
    url = database_url()
    if sqlite_path(url) is not None:
        upgrade(url)

    async def opened() -> T:
        database = await open_database(url, wall_clock)
        try:
            if not await is_current(database):
                message = "The database lacks tables of this version. Run `hundi db upgrade`."
                raise UnusableError(message)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


def database_url() -> str:
    """The configured database. Raises BadUrlError for an unknown kind of URL."""
    url = os.environ.get("HUNDI_DATABASE_URL") or DEFAULT_URL
    sqlite_path(url)
    return url


def show(found: dict[str, str], *, as_json: bool) -> None:
    """Print what a command found: aligned for people, one JSON object for programs."""
    if as_json:
        typer.echo(json.dumps(found))
        return
    width = max(len(name) for name in found)
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {value}")
