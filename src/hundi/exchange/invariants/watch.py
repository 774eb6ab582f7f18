"""The cheap check beside the traffic: what is new, a slice of what is old, and what was broken.

Every run looks at the exchanges that were accepted since the last one and at their documents, goes
on a little through all the others, and looks again at whatever it has found: so a number above zero
stays until the store is in order, and falls once it is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from hundi.exchange.definition import DocumentType
from hundi.exchange.duties import Duty, Outcome, Turn
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.trades import (
    EXCHANGES_AFTER,
    EXCHANGES_NAMED,
    Survey,
    check_documents,
    check_exchanges,
)
from hundi.exchange.journal_pages import START, documents_after, documents_named, key_of
from hundi.exchange.writes import moves_from
from hundi.ledger.model import Key
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

NAME = "invariants"
NEW = 200
OLD = 100
MOST_KEPT = 100

_NEWEST = Statement.both("select max(req_msg_id) as id from exchange")

Check = Callable[[Transaction, Sequence[Row], Survey], Awaitable[None]]

_log = structlog.get_logger()


class Notes(msgspec.Struct, omit_defaults=True):
    """Where the watch stands, for its next run.

    `newest` is the last new exchange that it has looked at, `exchange` and `document` how far it is
    through the old ones; the rest is what was broken the last time.
    """

    newest: str = ""
    exchange: str = ""
    document: Key = START
    broken_exchanges: tuple[str, ...] = ()
    broken_documents: tuple[Key, ...] = ()


def watching(types: Mapping[str, DocumentType], every: int) -> Duty:
    """The duty of a serving process, once in `every` microseconds."""

    async def work(database: Database, turn: Turn) -> Outcome:
        return await watch(database, types, turn.notes)

    return Duty(name=NAME, every=every, work=work)


async def watch(database: Database, types: Mapping[str, DocumentType], notes: str) -> Outcome:
    """Look once; `found` are the broken promises that are known now, each of them told in the log."""
    before = msgspec.json.decode(notes, type=Notes) if notes else Notes()
    look = _Look(types)
    after = await database.read(lambda tx: look.through(tx, before))
    for one in look.found:
        _log.error("invariant-broken", promise=one.promise, where=one.where, what=one.what)
    return Outcome(found=len(look.found), notes=msgspec.json.encode(after).decode())


class _Look:
    """One run. A page in which something is broken is looked at row by row, to know which."""

    def __init__(self, types: Mapping[str, DocumentType]) -> None:
        self.found: list[Broken] = []
        self._types = types

    async def through(self, tx: Transaction, before: Notes) -> Notes:
        """Look at everything that is due; the notes for the next time."""
        new = await tx.fetch(EXCHANGES_AFTER, before.newest or await _newest(tx), NEW)
        old = await tx.fetch(EXCHANGES_AFTER, before.exchange, OLD)
        again = await tx.fetch(EXCHANGES_NAMED, list(before.broken_exchanges))
        exchanges = {row["req_msg_id"]: row for row in (*new, *old, *again)}
        moved = {move.key for row in new for move in moves_from(row["moves"])}
        named = await documents_named(tx, {*moved, *before.broken_documents})
        slice_ = await documents_after(tx, before.document, OLD)
        documents = {key_of(row): row for row in (*named, *slice_)}
        wrong_exchanges = await self._failing(tx, check_exchanges, list(exchanges.values()))
        wrong_documents = await self._failing(tx, check_documents, list(documents.values()))
        return Notes(
            newest=new[-1]["req_msg_id"] if new else before.newest or await _newest(tx),
            exchange=old[-1]["req_msg_id"] if len(old) == OLD else "",
            document=key_of(slice_[-1]) if len(slice_) == OLD else START,
            broken_exchanges=tuple(row["req_msg_id"] for row in wrong_exchanges),
            broken_documents=tuple(key_of(row) for row in wrong_documents),
        )

    async def _failing(self, tx: Transaction, check: Check, rows: Sequence[Row]) -> list[Row]:
        """The rows in which something is broken, a hundred at most."""
        if not rows or not await self._found_in(tx, check, rows):
            return []
        wrong: list[Row] = []
        for row in rows:
            found = await self._found_in(tx, check, [row])
            if found and len(wrong) < MOST_KEPT:
                self.found += found
                wrong.append(row)
        return wrong

    async def _found_in(self, tx: Transaction, check: Check, rows: Sequence[Row]) -> list[Broken]:
        found: list[Broken] = []
        await check(tx, rows, Survey(types=self._types, report=found.append))
        return found


async def _newest(tx: Transaction) -> str:
    [row] = await tx.fetch(_NEWEST)
    return row["id"] or ""
