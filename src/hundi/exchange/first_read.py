"""What every batch is judged against: who its parties are, and the documents that it moves.

PostgreSQL reads and locks both in one statement: a round trip, and the beginning of a statement, are
what a batch pays most for (docs/guide/benchmark.md).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from hundi.exchange.document import COLUMNS, Document, from_row
from hundi.exchange.record import lock_documents
from hundi.exchange.tables import document
from hundi.ledger.model import Key
from hundi.parties.model import Served
from hundi.parties.queries import SERVED, SERVED_COLUMNS, known_from
from hundi.store.engine import Transaction
from hundi.store.statement import Statement, encoded, listed, nulls, rows

NamedKey = tuple[str, str, str]
"""A document's key as a request names it: its author's B2B ID, its type, its id."""


# Parties first, all of them, then documents. Some hold documents before they lock parties in share (`stakes`,
# `lapse`), and may: whoever changes a row of a party that is held so (switching an ID, a level, settings; a
# client's mode) holds that one row and no document, so none who waits for it is waited for. The keys are
# made with the owners that are locked, and before a document is looked for: a planner that sees an empty
# table would look for all of an author's. Owners are looked up in one object: joined, each document would
# be held against each party.
_PARTIES_AND_DOCUMENTS = (
    f"with party as materialized ({SERVED.postgresql}), key as materialized ("
    "select o.owners->>n.b as a, n.t, n.o from "
    + rows("b text, t text, o text", parameter=2)
    + " n cross join (select jsonb_object_agg(b2b_id, entity_id) as owners from party) o)"
    f" select {listed(SERVED_COLUMNS, 'p')}, {nulls(document, COLUMNS)} from party p"
    f" union all select {', '.join('null' for _ in SERVED_COLUMNS)}, {listed(COLUMNS, 'l')}"
    f" from (select {listed(COLUMNS, 'd')} from key k join document d"
    " on d.author_entity = k.a and d.type = k.t and d.object_id = k.o"
    " order by d.author_entity, d.type, d.object_id for update of d) l"
)
# SQLite, where a statement costs no round trip, reads the parties by it, and the documents after it.
_FIRST = Statement(postgresql=_PARTIES_AND_DOCUMENTS, sqlite=SERVED.sqlite)


async def parties_and_documents(
    tx: Transaction, b2b_ids: set[str], named: Collection[NamedKey]
) -> tuple[dict[str, Served], dict[Key, Document]]:
    """The known parties, as `served` has them, and the existing documents, as `lock_documents` does."""
    if tx.dialect == "sqlite":
        known = known_from(await tx.fetch(_FIRST, sorted(b2b_ids)))
        return known, await lock_documents(tx, set(_keys(named, known)))
    found = await tx.fetch(_FIRST, sorted(b2b_ids), encoded(sorted(named)).decode())
    documents = (from_row(row) for row in found if row["b2b_id"] is None)
    known = known_from(row for row in found if row["b2b_id"] is not None)
    return known, {document.key: document for document in documents}


def _keys(named: Iterable[NamedKey], known: Mapping[str, Served]) -> Iterator[Key]:
    """The keys of those whose authors are known."""
    for author, kind, object_id in named:
        if author in known:
            yield known[author].entity_id, kind, object_id
