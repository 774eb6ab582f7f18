"""Reading journals in pages, so that neither many documents nor a long one fill the memory."""

from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec

from hundi.exchange import journal
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

FIRST_ROWS = 64
FURTHER_ROWS = 1000

_DOCUMENT = (
    "d.author_entity, d.type, d.object_id, d.author_b2b, d.status, d.version, d.agreed_version,"
    " d.number, d.open_exchange, d.head_sequence, d.head_hash, d.last_exchange, d.last_step,"
    " d.last_at, d.last_at_head, d.booked, d.updated_at"
)
_AFTER = Statement.both(
    f"select {_DOCUMENT} from document d"
    " where (d.author_entity, d.type, d.object_id) > ($1, $2, $3)"
    " order by d.author_entity, d.type, d.object_id limit $4"
)
_NAMED = Bulk.of(
    postgresql=f"select {_DOCUMENT} from "
    + rows("a text, t text, o text")
    + " k join document d on d.author_entity = k.a and d.type = k.t and d.object_id = k.o",
    sqlite=f"select {_DOCUMENT} from document d where d.author_entity = $1 and d.type = $2"
    " and d.object_id = $3",
    returns=True,
)
_COLUMNS = ", ".join(f"j.{name}" for name in journal.COLUMNS)
_FIRST = Bulk.of(
    postgresql=f"select {_COLUMNS} from "
    + rows("a text, t text, o text")
    + " k join journal j on j.author_entity = k.a and j.type = k.t and j.object_id = k.o"
    f" and j.sequence <= {FIRST_ROWS}",
    sqlite=f"select {_COLUMNS} from journal j where j.author_entity = $1 and j.type = $2"
    f" and j.object_id = $3 and j.sequence <= {FIRST_ROWS} order by j.sequence",
    returns=True,
)
_FURTHER = Statement.both(
    f"select {_COLUMNS} from journal j where j.author_entity = $1 and j.type = $2"
    " and j.object_id = $3 and j.sequence > $4 order by j.sequence limit $5"
)

START: Key = ("", "", "")
"""Before every document."""


class Part(msgspec.Struct, frozen=True):
    """Some rows of a document's journal in their order; `last` where no more will come."""

    document: Row
    rows: Sequence[Row]
    last: bool


async def documents_after(tx: Transaction, key: Key, limit: int) -> Sequence[Row]:
    """The next documents in the order of the database's keys."""
    return await tx.fetch(_AFTER, *key, limit)


async def documents_named(tx: Transaction, keys: Iterable[Key]) -> Sequence[Row]:
    """Documents by their keys; those that there are."""
    return await tx.bulk(_NAMED, sorted(set(keys)))


async def journals_of(tx: Transaction, documents: Sequence[Row]) -> AsyncIterator[Sequence[Part]]:
    """The journals of some documents: of most of them all rows at once, then the rest of long ones."""
    found: dict[Key, list[Row]] = {document_key(row): [] for row in documents}
    for row in await tx.bulk(_FIRST, sorted(found)):
        found[document_key(row)].append(row)
    parts = [_first(row, found[document_key(row)]) for row in documents]
    yield parts
    for part in parts:
        if not part.last:
            async for more in _further(tx, part):
                yield [more]


def _first(document: Row, entries: list[Row]) -> Part:
    entries.sort(key=lambda row: int(row["sequence"]))
    whole = len(entries) < FIRST_ROWS and document["head_sequence"] <= FIRST_ROWS
    return Part(document, entries, whole)


async def _further(tx: Transaction, part: Part) -> AsyncIterator[Part]:
    behind, last = FIRST_ROWS, False
    while not last:
        entries = await tx.fetch(_FURTHER, *document_key(part.document), behind, FURTHER_ROWS)
        last = len(entries) < FURTHER_ROWS
        behind = entries[-1]["sequence"] if entries else behind
        yield Part(part.document, entries, last)
