"""Who has a stake in a document without being a party to it: a lender who has bought an invoice.

A document type names the account that tells (`DocumentType.stake`). What is posted there was booked
for the sake of another document; that one's counterparty has the stake.
"""

from collections.abc import Iterable, Mapping

from hundi.exchange.definition import DocumentType
from hundi.exchange.views import Stakeholder
from hundi.ledger.model import Books, Key, document_key
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, rows

_COLUMNS = (
    "t.author_entity, t.type, t.object_id, i.b2b_id, i.client_id, e.name, e.level,"
    " f.ifsc, f.masked_account"
)
_JOINED = (
    " join document d on d.author_entity = t.holder_author and d.type = t.holder_type"
    " and d.object_id = t.holder_id"
    " join b2b_id i on i.b2b_id = d.counterparty_b2b join entity e on e.entity_id = i.entity_id"
    " left join financier f on f.b2b_id = i.b2b_id and f.masked_account <> ''"
)
_STAKES = Bulk.of(
    postgresql=f"select {_COLUMNS} from "
    + rows("a text, t text, o text, n text")
    + " k join ledger_transfer t on t.author_entity = k.a and t.type = k.t and t.object_id = k.o"
    f" and t.debit = k.n and t.phase = 'POSTED'{_JOINED}",
    sqlite=f"select {_COLUMNS} from ledger_transfer t{_JOINED} where t.author_entity = $1"
    " and t.type = $2 and t.object_id = $3 and t.debit = $4 and t.phase = 'POSTED'",
    returns=True,
)

# Held against change until the commit: a payment is judged by the level of who is paid.
_HELD_STAKES = Bulk.of(
    postgresql=f"{_STAKES.postgresql} for share of i, e", sqlite=_STAKES.sqlite, returns=True
)


async def bought_by(tx: Transaction, key: Key, *, account: str | None) -> str | None:
    """The B2B ID of who has bought a document; for its parties, who are told no more than that."""
    rows = await tx.bulk(_STAKES, [(*key, account)]) if account is not None else ()
    return rows[0]["b2b_id"] if rows else None


async def stakeholders(
    tx: Transaction, keys: Iterable[Key], *, books: Books, types: Mapping[str, DocumentType]
) -> dict[Key, Stakeholder]:
    """Who has a stake in some locked documents. Asks the database only where somebody has."""
    asked = []
    for key in keys:
        account = types[key[1]].stake
        held = books.of(key).get(account) if account is not None else None
        if held is not None and held.net > 0:
            asked.append((*key, account))
    found: dict[Key, Stakeholder] = {}
    for row in await tx.bulk(_HELD_STAKES, sorted(asked)) if asked else ():
        key = document_key(row)
        before = found[key].accounts if key in found else ()
        own = () if row["ifsc"] is None else ((row["ifsc"], row["masked_account"]),)
        found[key] = Stakeholder(
            b2b_id=row["b2b_id"],
            client_id=row["client_id"],
            name=row["name"],
            accounts=(*before, *own),
            level=row["level"],
        )
    return found
