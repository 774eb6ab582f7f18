"""Work that one process at a time does again and again, whichever finds it due.

A duty is a row with the time when it is next due. Who takes it gets a lease: processes share one
interval, a crash frees the duty when the lease is over, and no transaction stays open meanwhile. What
came of it stands in the row, so that every process can tell.

Work that may be long holds its turn in each transaction that writes: that renews the lease, and who
has lost it (a machine that stood still, a database that was out of reach) stops there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from hundi.kernel.clock import MINUTE
from hundi.store.engine import Database, StoreError, Transaction
from hundi.store.statement import Statement

LEASE = 10 * MINUTE
SECONDS_BETWEEN_LOOKS = 5

_MAKE = Statement.both(
    "insert into duty (name, due_at, notes, found) values ($1, 0, '', 0) on conflict do nothing"
)
_TAKE = Statement.both(
    "update duty set lease_until = $2 where name = $1 and (due_at <= $3 or $4)"
    " and (lease_until is null or lease_until <= $3) returning notes"
)
_HOLD = Statement.both(
    "update duty set lease_until = $3 where name = $1 and lease_until = $2 returning name"
)
_DONE = Statement.both(
    "update duty set due_at = $3, lease_until = null, notes = $4, found = $5, done_at = $6"
    " where name = $1 and lease_until = $2"
)
_DUE = Statement.both("select 1 as due from duty where name = $1 and due_at > $2")

_log = structlog.get_logger()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a duty came to: a number that metrics show, and notes for whoever does it next."""

    found: int
    notes: str = ""


class TurnLostError(Exception):
    """Somebody else has taken the duty, or done it: what was begun must not be ended."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """Of whoever is at a duty: its name, the last notes, and until when the lease holds."""

    name: str
    notes: str
    until: int

    async def hold(self, tx: Transaction) -> None:
        """Renew the lease in this transaction; nobody takes it before the transaction ends.

        Raises TurnLostError. After a transaction that failed the turn is no more to be held.
        """
        until = tx.now + LEASE
        if not await tx.fetch(_HOLD, self.name, self.until, until):
            raise TurnLostError(self.name)
        self.until = until


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A duty by name, how often it is due in microseconds, and what is done in a turn."""

    name: str
    every: int
    work: Callable[[Database, Turn], Awaitable[Outcome]]


async def perform(database: Database, duty: Duty, *, early: bool = False) -> Outcome | None:
    """Do a duty if it is due (or `early`) and nobody else is at it; None where it was not done.

    It was not done either where somebody else has taken it meanwhile.
    """
    if not early and await database.read(lambda tx: _is_later(tx, duty.name)):
        return None
    turn = await database.write(lambda tx: _take(tx, duty.name, early=early))
    if turn is None:
        return None
    try:
        outcome = await duty.work(database, turn)
    except TurnLostError:
        _log.warning("duty-lost", duty=duty.name)
        return None
    await database.write(lambda tx: _done(tx, duty, lease=turn.until, outcome=outcome))
    return outcome


async def _is_later(tx: Transaction, name: str) -> bool:
    return bool(await tx.fetch(_DUE, name, tx.now))


async def _take(tx: Transaction, name: str, *, early: bool) -> Turn | None:
    await tx.fetch(_MAKE, name)
    until = tx.now + LEASE
    rows = await tx.fetch(_TAKE, name, until, tx.now, early)
    return Turn(name=name, notes=rows[0]["notes"], until=until) if rows else None


async def _done(tx: Transaction, duty: Duty, *, lease: int, outcome: Outcome) -> None:
    due = tx.now + duty.every
    await tx.fetch(_DONE, duty.name, lease, due, outcome.notes, outcome.found, tx.now)


class Duties:
    """Looks every few seconds which duties are due, and does them one after the other."""

    def __init__(self, database: Database, duties: Sequence[Duty]) -> None:
        self._database = database
        self._duties = duties
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Look until `stop`; what fails is told, and tried again when its lease is over."""
        while not self._stopped.is_set():
            for duty in self._duties:
                await self._perform(duty)
            try:
                await asyncio.wait_for(self._stopped.wait(), SECONDS_BETWEEN_LOOKS)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """End after the duty under way."""
        self._stopped.set()

    async def _perform(self, duty: Duty) -> None:
        try:
            outcome = await perform(self._database, duty)
        except StoreError as error:
            _log.warning("duty-waits-for-database", duty=duty.name, error=str(error))
        except Exception as error:  # noqa: BLE001 (the other duties have to go on)
            _log.error("duty-failed", duty=duty.name, exc_info=error)
        else:
            if outcome is not None:
                _log.debug("duty-done", duty=duty.name, found=outcome.found)
