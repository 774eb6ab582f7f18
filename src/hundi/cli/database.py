"""What commands on the database share: opening the configured one, printing what they found."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import DEFAULT_URL, BadUrlError, open_database, sqlite_path

T = TypeVar("T")
_PASSWORD = re.compile(
    r"(?<=://)(?P<user>[^:/@?]*:)[^@/?]*(?=@)|(?P<name>\b(?:ssl)?password=)[^&]*"
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class UnusableError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class FailedError(Exception):
    """The request was right and could not be done; the message says why."""


def with_existing(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run work on the configured database as it is: no file is made, no table changed."""
    url = database_url()
    existing(url)
    return _run_on(url, work)


def existing(url: str) -> Path | None:
    """The SQLite file of a URL, None for PostgreSQL. Raises UnusableError where there is no such file."""
    path = sqlite_path(url)
    if path is not None and not path.is_file():
        raise UnusableError(f"There is no database {path}. Check HUNDI_DATABASE_URL.")
    return path


def with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run work on the configured database; a SQLite file is made or brought up to date first."""
    url = database_url()
    path = sqlite_path(url)
    if path is not None:
        new = not path.exists()
        upgrade(url)
        if new:
            typer.echo(
                f"hundi: there was no database. A new one was made: {path.absolute()}", err=True
            )
    return _run_on(url, work)


def _run_on(url: str, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
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


def is_of_database(file: str | bytes) -> bool:
    """Whether a file is the configured database's: itself, a folder above, or beside it under its name."""
    try:
        path = sqlite_path(database_url())
    except BadUrlError:
        return False
    if path is None:
        return False
    known, named = path.absolute(), Path(os.fsdecode(file)).absolute()
    beside = named.parent == known.parent and named.name.startswith(known.name)
    return beside or named in known.parents


def without_password(url: str) -> str:
    """A database URL as it may be shown."""
    return _PASSWORD.sub(r"\g<user>\g<name>***", url)


def show(found: Mapping[str, object], *, as_json: bool) -> None:
    """Print what a command found: aligned texts for people, for programs one JSON object with its types."""
    if as_json:
        typer.echo(json.dumps(found))
        return
    width = max(len(name) for name in found)
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {in_words(value)}")


def in_words(value: object) -> str:
    """A value as people read it: truths as yes and no, what is not set as none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
