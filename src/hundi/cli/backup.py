"""`hundi db backup`: a checked copy of a SQLite file while it is served."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hundi.cli.database import AsJson, FailedError, UnusableError, database_url, existing, show
from hundi.cli.invariants import TYPES
from hundi.cli.meter import Meter
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.walk import check_store
from hundi.kernel.clock import wall_clock
from hundi.store.backup import BackupError, back_up, open_copy
from hundi.store.engine import drive
from hundi.store.migrate import OURS
from hundi.store.sqlite import InlineDatabase

_POSTGRES = (
    "PostgreSQL is backed up by its own tools: pg_basebackup for a copy, WAL archiving for every"
    " moment since. docs/guide/operating.md has the commands."
)
MOST_TOLD = 20
_TABLES = "select name from sqlite_schema where type = 'table'"


def backup(
    target: Annotated[Path, typer.Argument(help="A new file.")], as_json: AsJson = False
) -> None:
    """Copy the SQLite file, also while it serves. The copy is checked before it has its name."""
    source = existing(database_url())
    if source is None:
        raise UnusableError(_POSTGRES)
    try:
        with Meter("Copying") as meter:
            size = back_up(source, target, check=partial(_check, source), progress=meter)
    except BackupError as error:
        raise FailedError(str(error)) from error
    show({"file": str(target), "bytes": size, "broken": 0}, as_json=as_json)


def _check(source: Path, copy: Path) -> None:
    found: list[Broken] = []

    def report(one: Broken) -> None:
        if len(found) < MOST_TOLD:
            found.append(one)

    with closing(open_copy(copy)) as connection, Meter("Checking the copy") as meter:
        if OURS - {name for (name,) in connection.execute(_TABLES)}:
            detail = "Check HUNDI_DATABASE_URL; nothing was copied."
            raise UnusableError(f"{source} is no database of Hundi. {detail}")
        database = InlineDatabase(connection, wall_clock)
        result = drive(
            database.read(lambda tx: check_store(tx, TYPES, report=report, progress=meter))
        )
    if result.broken:
        for one in found:
            typer.echo(f"broken: {one}", err=True)
        detail = f"The store breaks {result.broken} promises, and so does its copy: none is kept."
        raise BackupError(f"{detail} `hundi invariants` tells all of them.")
