"""Ending documents that nobody has answered in time. Any number of sweepers may do it at once.

A document's time is a row of `deadline`, so that documents without one cost nothing. Whoever deletes
the row, with the document locked, ends the document. One that is busy waits: its exchange decides.
What was drawn on a document ends with it: nobody could answer it any more.
"""

import hashlib
from collections.abc import Collection, Sequence

from hundi.exchange import tables
from hundi.exchange.definition import LAPSE
from hundi.exchange.document import KEY_COLUMNS, Document
from hundi.exchange.gathering import papers_of
from hundi.exchange.journal import Step, append
from hundi.exchange.papers import Papers, guarded_accounts
from hundi.exchange.record import lock_documents
from hundi.exchange.settle import Settler
from hundi.exchange.writes import Writes
from hundi.kernel.clock import SECOND
from hundi.ledger import operations as ledger
from hundi.ledger.model import Key, document_key
from hundi.parties.queries import served
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, Statement, rows, update

POSTPONED = 60 * SECOND

_DUE = Statement.both(
    "select author_entity, type, object_id from deadline where due_at <= $1"
    " order by due_at limit $2"
)
_TAKE = Bulk.of(
    postgresql="delete from deadline d using "
    + rows("a text, t text, o text, at bigint")
    + " k where d.author_entity = k.a and d.type = k.t and d.object_id = k.o and d.due_at <= k.at"
    " returning d.author_entity, d.type, d.object_id",
    sqlite="delete from deadline where author_entity = $1 and type = $2 and object_id = $3"
    " and due_at <= $4 returning author_entity, type, object_id",
    returns=True,
)
# What was answered and whose time was over has no row: nothing is to be ended of it.
_HASTEN = update(tables.deadline, key=KEY_COLUMNS, columns=("due_at",))


async def find_due(tx: Transaction, most: int) -> list[Key]:
    """The documents whose time is up, the oldest first."""
    return [document_key(row) for row in await tx.fetch(_DUE, tx.now, most)]


async def lapse(tx: Transaction, settler: Settler, keys: Sequence[Key]) -> None:
    """End those of some documents whose time is up; another sweeper may have been faster."""
    due = sorted(keys)
    drawn = await ledger.held_by(tx, due)
    drawn_on = {one.key for some in drawn.values() for one in some}
    documents = await lock_documents(tx, {*due, *drawn_on})
    taken = [document_key(row) for row in await tx.bulk(_TAKE, [(*key, tx.now) for key in due])]
    papers = await papers_of(tx, settler.types, documents, step="l", ending=(), holders=taken)
    writes = Writes()
    ended = [
        papers.documents[key]
        for key in sorted(taken)
        if key in documents and _ended(papers, key, writes=writes, now=tx.now)
    ]
    await _tell(tx, ended, writes)
    await _hasten(tx, [one.key for one in ended])
    writes.documents += papers.documents.values()
    writes.book(papers.books, guarded_accounts(settler.types), tx.now)
    await writes.flush(tx)


def _ended(papers: Papers, key: Key, *, writes: Writes, now: int) -> bool:
    """End one document; what it has drawn on others is given back. False where it goes on."""
    document = papers.documents[key]
    if document.open_exchange is not None:
        writes.deadlines.append((*key, now + POSTPONED))
        return False
    move = papers.kind(key).move(on=LAPSE, action=None, view=papers.view(key))
    if move is None:  # it was answered
        return False
    document.become(move.target, now)
    id_ = f"{document.body_id}-L"
    if move.target in papers.kind(key).released:
        papers.derive(papers.give_back(key, id_), holder=key, req_msg_id=id_, now=now)
    writes.journal.append(
        append(
            document,
            Step.LAPSED,
            message=f"{document.type}/{LAPSE}",
            req_msg_id=document.body_id,
            digest=hashlib.sha256(move.target.encode()).digest(),
            now=now,
        )
    )
    return True


async def _hasten(tx: Transaction, ended: Sequence[Key]) -> None:
    """What was drawn on documents that have ended is due now.

    It ends in a transaction of its own, the next one: it is not locked here, and documents are
    locked all at once. While these are locked, nothing more is drawn on them.
    """
    if ended:
        holders = await ledger.holders_on(tx, ended)
        await tx.bulk(_HASTEN, [(*key, tx.now) for key in sorted(holders)])


async def _tell(tx: Transaction, ended: Sequence[Document], writes: Writes) -> None:
    """Both sides see the end in their feeds; nobody is called, for no call was made."""
    known = await served(tx, _parties(ended)) if ended else {}
    for document in ended:
        sides = (document.author_b2b, document.counterparty_b2b)
        for client_id in sorted({known[b2b].client_id for b2b in sides}):
            writes.event(
                client_id, Step.LAPSED.value, req_msg_id=document.body_id, document=document
            )


def _parties(documents: Collection[Document]) -> set[str]:
    return {b2b for one in documents for b2b in (one.author_b2b, one.counterparty_b2b)}
