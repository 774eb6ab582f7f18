"""Serving: web, dispatcher and housekeeping over one database, in one process or several.

Stopping is graceful: no new connection, requests under way get their answer, no new lease, attempts
under way are written down; then the processes end.
"""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import structlog

from hundi.documents import MESSAGES
from hundi.exchange.definition import Effect
from hundi.exchange.record import stored_name
from hundi.kernel.clock import wall_clock
from hundi.kernel.identity import system_random
from hundi.kernel.lifetimes import VARIABLE, Lifetimes
from hundi.kernel.sealing import SealError
from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.observing.setup import log_to_stderr, masking_of, traces_of, traces_wanted
from hundi.parties import at_rest
from hundi.serving.keeping import check_duties
from hundi.serving.process import Seat, rail_of, serve_alone
from hundi.serving.workers import supervise
from hundi.store.engine import Database
from hundi.store.migrate import ForeignDatabaseError, is_current, newer_than_known, upgrade
from hundi.store.opening import open_database, sqlite_path
from hundi.store.postgres import POOL
from hundi.store.sqlite import ServingLock, scrub

_log = structlog.get_logger()

CONNECTIONS = POOL + 1
"""What a process takes of PostgreSQL at most: its pool, and one to hear the others on."""


def serve(settings: ServeSettings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Raises CannotServeError, BadUrlError or UnavailableError where serving cannot start.
    """
    _check_named(settings.lifetimes)
    log_to_stderr(settings, masking_of(settings, os.environ))
    # Here, and not in each of several processes, it is told what is wrong or left out.
    check_duties(settings.keeping)
    rail_of(settings)
    traces_wanted(os.environ)
    path = sqlite_path(settings.database_url)
    if path is None:
        return _serve_postgres(settings)
    new = not path.exists()
    lock = _lock(path, settings)
    try:
        upgrade(settings.database_url)
        if new:
            made = f"hundi: there was no database. A new one was made: {path.absolute()}"
            print(made, file=sys.stderr)  # noqa: T201
        serve_alone(settings, Seat(), check=partial(_check, settings))
    finally:
        lock.release()
    return 0


def _serve_postgres(settings: ServeSettings) -> int:
    if settings.workers == 1:
        serve_alone(settings, Seat(), check=partial(_check, settings))
        return 0
    asyncio.run(_check_alone(settings))
    traces = traces_of(os.environ, masking_of(settings, os.environ))
    if traces is not None:  # each worker has its own: this one only shows that they can begin
        traces.close()
    return supervise(settings, lambda own, seat: serve_alone(own, seat, check=partial(_check, own)))


def _check_named(lifetimes: Lifetimes) -> None:
    """Every message that is given a time of its own is one that can expire."""
    proposals = {
        stored_name(message)
        for message in MESSAGES
        for move in message.document.moves
        if move.on == message.name and move.effect is Effect.PROPOSAL
    }
    for name in lifetimes.named:
        if name not in proposals:
            known = ", ".join(sorted(proposals))
            detail = f"{VARIABLE}: no message {name} waits for an answer. These do: {known}."
            raise CannotServeError(detail)


def _lock(path: Path, settings: ServeSettings) -> ServingLock:
    if settings.workers > 1 or settings.role != "all":
        message = (
            "SQLite is served by one process: leave --role and --workers out. For several processes"
            " set HUNDI_DATABASE_URL to a PostgreSQL database."
        )
        raise CannotServeError(message)
    lock = ServingLock(path)
    if not lock.take():
        message = (
            f"Another process serves {path} already. Stop it first, or use PostgreSQL, which several"
            " processes may serve at once."
        )
        raise CannotServeError(message)
    return lock


async def _check_alone(settings: ServeSettings) -> None:
    database = await open_database(settings.database_url, wall_clock)
    try:
        await _check(settings, database)
    finally:
        await database.close()


async def _check(settings: ServeSettings, database: Database) -> None:
    """The tables are those of this version, and every secret can be opened where this role signs."""
    try:
        current = await is_current(database)
    except ForeignDatabaseError as error:  # a worker tells it as what it cannot serve
        raise CannotServeError(str(error)) from error
    if not current:
        message = "The database lacks tables of this version. Run `hundi db upgrade`."
        raise CannotServeError(message)
    newer = await newer_than_known(database)
    if newer:
        _log.warning("tables-newer", database=newer)
    if database.dialect == "postgresql":
        await _tell_too_few(settings, database)
    if settings.role == "api":
        return
    try:
        await _seal_or_tell(settings, database)
        await at_rest.check(database, settings.keyring)
    except SealError as error:
        raise CannotServeError(str(error)) from error


async def _tell_too_few(settings: ServeSettings, database: Database) -> None:
    """It may still serve for long, as few processes ever need all: a warning, no refusal."""
    processes = settings.workers + (settings.role == "all" and settings.workers > 1)
    needs = CONNECTIONS * processes
    allowed = sa.select(
        (
            sa.cast(sa.func.current_setting("max_connections"), sa.Integer)
            - sa.cast(sa.func.current_setting("superuser_reserved_connections"), sa.Integer)
        ).label("most")
    )
    [row] = await database.read(lambda tx: tx.select(allowed))
    if row["most"] < needs:
        _log.warning(
            "too-few-connections",
            needs=needs,
            allowed=row["most"],
            mend="raise max_connections of PostgreSQL, or serve with fewer --workers",
        )


async def _seal_or_tell(settings: ServeSettings, database: Database) -> None:
    """What the version before left in clear is sealed on SQLite, whose only process this is."""
    clear = await database.read(at_rest.in_clear)
    path = sqlite_path(settings.database_url)
    if clear and path is not None:
        await at_rest.reseal(database, settings.keyring, random=system_random)
        scrub(path)
    elif clear:
        _log.warning("secrets-in-clear", secrets=clear, mend="hundi secrets rotate")
