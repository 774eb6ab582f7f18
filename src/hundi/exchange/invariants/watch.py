"""The cheap check beside the traffic: what is new, a slice of what is old, and what was broken.

Every run looks at the exchanges that were accepted since the last one and at their documents, page
after page until it has caught up, but with a quarter of the interval for this work at most:
`behind` says what it has left for the next run. Between pages it rests, for on SQLite callers wait
for the same process. It goes on a little through all the others, and looks again at whatever it has
found: so a number above zero stays until the store is in order, and falls once it is.

An exchange with a lower id may become visible after one with a higher, if its transaction was longer.
So each run begins some minutes before the moment of the last one, and looks at those again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import structlog

from hundi.exchange.definition import DocumentType
from hundi.exchange.duties import LEASE, Duty, Outcome, Turn
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.trades import (
    EXCHANGES_AFTER,
    EXCHANGES_NAMED,
    Survey,
    check_documents,
    check_exchanges,
)
from hundi.exchange.journal_pages import START, documents_after, documents_named
from hundi.exchange.writes import moves_from
from hundi.kernel.clock import MINUTE, SECOND
from hundi.kernel.identity import first_request_id
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Database, Row, Transaction

K = TypeVar("K")
NAME = "invariants"
NEW = 200
OLD = 100
MOST_KEPT = 100
LOOKS_BACK = 3 * MINUTE
"""Longer than any transaction takes that accepts something, with all its waiting for locks."""
SHARE = 4
LONGEST = LEASE // SHARE
RESTS = 2
"""Times as long as a page took: with LONGEST of work, all of a run is over within its lease."""

Check = Callable[[Transaction, Sequence[Row], Survey], Awaitable[None]]

_log = structlog.get_logger()


class Notes(msgspec.Struct, omit_defaults=True):
    """Where the watch stands, for its next run.

    After `newest` the next run begins, and `behind` is how old, in microseconds, the last exchange
    was that this run had time for, where more were to come. `exchange` and `document` are how far it
    is through the old ones; the rest is what was broken the last time.
    """

    newest: str = ""
    behind: int = 0
    exchange: str = ""
    document: Key = START
    broken_exchanges: tuple[str, ...] = ()
    broken_documents: tuple[Key, ...] = ()


def behind(notes: str | None) -> int:
    """How far behind the watch is that has left these notes, in microseconds."""
    return msgspec.json.decode(notes, type=Notes).behind if notes else 0


def watching(types: Mapping[str, DocumentType], every: int) -> Duty:
    """The duty of a serving process, once in `every` microseconds."""

    async def work(database: Database, turn: Turn) -> Outcome:
        return await watch(database, types, turn.notes, every=every)

    return Duty(name=NAME, every=every, work=work)


async def watch(
    database: Database, types: Mapping[str, DocumentType], notes: str, *, every: int = MINUTE
) -> Outcome:
    """Look once; `found` are the broken promises that are known now, each of them told in the log."""
    before = msgspec.json.decode(notes, type=Notes) if notes else Notes()
    look = _Look(types)
    after = await database.read(lambda tx: look.at_old(tx, before))
    budget = min(every // SHARE, LONGEST)
    after.newest, after.behind = await _catch_up(
        database, look, newest=before.newest, budget=budget
    )
    after.broken_exchanges, after.broken_documents = look.broken()
    if look.unknown:
        _log.warning("types-not-known", types=sorted(look.unknown))
    for one in look.found():
        _log.error("invariant-broken", promise=one.promise, where=one.where, what=one.what)
    return Outcome(found=len(look.found()), notes=msgspec.json.encode(after).decode())


async def _catch_up(
    database: Database, look: "_Look", *, newest: str, budget: int
) -> tuple[str, int]:
    """Look at what is new for so long; after which id to begin the next time, and how far behind."""
    time = asyncio.get_running_loop().time
    began, worked = time(), 0
    page = await database.read(lambda tx: look.at_new(tx, newest))
    while page.more and worked < budget:
        spent = time() - began
        await asyncio.sleep(RESTS * spent)
        began, worked = time(), worked + round(spent * SECOND)
        page = await database.read(lambda tx, after=page.last: look.at_new(tx, after))  # type: ignore[misc]
    again = first_request_id(page.at - LOOKS_BACK)
    return min(page.last, again), max(0, page.at - page.reached) if page.more else 0


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """New exchanges looked at at a moment: the last one's id and time, and whether there are more."""

    at: int
    last: str
    reached: int
    more: bool


class _Look:
    """One run. A page in which something is broken is looked at row by row, to know which."""

    def __init__(self, types: Mapping[str, DocumentType]) -> None:
        self.unknown: set[str] = set()
        self._types = types
        # By what was looked at: an exchange or a document may come again in the same run.
        self._exchanges: dict[str, list[Broken]] = {}
        self._documents: dict[Key, list[Broken]] = {}

    def broken(self) -> tuple[tuple[str, ...], tuple[Key, ...]]:
        """What is to be looked at again."""
        return tuple(self._exchanges), tuple(self._documents)

    def found(self) -> list[Broken]:
        """All that is broken, of a hundred exchanges and as many documents at most."""
        found = (*self._exchanges.values(), *self._documents.values())
        return [one for some in found for one in some]

    async def at_old(self, tx: Transaction, before: Notes) -> Notes:
        """Look at the next slice of everything, and at what was broken; how far it is through then."""
        old = await tx.fetch(EXCHANGES_AFTER, before.exchange, OLD)
        again = await tx.fetch(EXCHANGES_NAMED, list(before.broken_exchanges))
        slice_ = await documents_after(tx, before.document, OLD)
        named = await documents_named(tx, before.broken_documents)
        await self._check(tx, (*again, *old), (*named, *slice_))
        return Notes(
            exchange=old[-1]["req_msg_id"] if len(old) == OLD else "",
            document=document_key(slice_[-1]) if len(slice_) == OLD else START,
        )

    async def at_new(self, tx: Transaction, after: str) -> _Page:
        """Look at the next page of exchanges and their documents; without `after`, of the latest."""
        after = after or first_request_id(tx.now - LOOKS_BACK)
        new = await tx.fetch(EXCHANGES_AFTER, after, NEW)
        moved = {move.key for row in new for move in moves_from(row["moves"])}
        await self._check(tx, new, await documents_named(tx, moved))
        return _Page(
            at=tx.now,
            last=new[-1]["req_msg_id"] if new else after,
            reached=new[-1]["created_at"] if new else tx.now,
            more=len(new) == NEW,
        )

    async def _check(
        self, tx: Transaction, exchanges: Iterable[Row], documents: Iterable[Row]
    ) -> None:
        own = {row["req_msg_id"]: row for row in exchanges}
        _keep(self._exchanges, own, await self._failing(tx, check_exchanges, own))
        held = {document_key(row): row for row in documents}
        _keep(self._documents, held, await self._failing(tx, check_documents, held))

    async def _failing(
        self, tx: Transaction, check: Check, rows: Mapping[K, Row]
    ) -> dict[K, list[Broken]]:
        if not rows or not await self._found_in(tx, check, list(rows.values())):
            return {}
        found = {name: await self._found_in(tx, check, [row]) for name, row in rows.items()}
        return {name: some for name, some in found.items() if some}

    async def _found_in(self, tx: Transaction, check: Check, rows: Sequence[Row]) -> list[Broken]:
        found: list[Broken] = []
        await check(tx, rows, Survey(types=self._types, report=found.append, unknown=self.unknown))
        return found


def _keep(
    known: dict[K, list[Broken]], looked_at: Iterable[K], found: dict[K, list[Broken]]
) -> None:
    """What is known of a hundred, after a further look."""
    for name in looked_at:
        known.pop(name, None)
    for name, some in found.items():
        if len(known) < MOST_KEPT:
            known[name] = some
