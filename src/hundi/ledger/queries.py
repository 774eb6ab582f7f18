"""Questions about the accounts of documents, answered as people read them.

Who may see a document is the caller's to know, and which exchanges he has not seen: what they have
only reserved is left out. What is posted is told to everybody who may see the document.
"""

from collections.abc import Collection, Sequence

from hundi.ledger.model import Key, Unit, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

Json = dict[str, object]

MEASURES = {Unit.PAISE: "INR", Unit.THOUSANDTHS: "QUANTITY", Unit.COUNT: "COUNT"}
"""What a unit is called where amounts are told as text and not in its smallest part."""

# Sums first: an order has more lines than one wants to look through for them.
_ACCOUNTS = Statement.both(
    "select name, unit, debit, credit, debit_pending, credit_pending from ledger_account"
    " where author_entity = $1 and type = $2 and object_id = $3"
    " and ($5 = '' or (name <> $5 and name not like $5 || ':%'))"
    " order by case unit when 'THOUSANDTHS' then 1 else 0 end, name limit $4"
)
_HAPPENED = (
    "select debit, credit, amount, phase,"
    " phase = 'POSTED' or req_msg_id <> all($6::text[]) as told from ledger_transfer"
    " where author_entity = $1 and type = $2 and object_id = $3"
)
_UNTOLD = "case when not told and phase = 'PENDING' then amount else 0 end"
_BY_ACCOUNT = (
    "select name, cast(sum(into_it) as bigint) as into_it, cast(sum(out_of_it) as bigint) as out_of_it"
    f" from (select debit as name, told, {_UNTOLD} as into_it, 0 as out_of_it from happened"
    f" union all select credit, told, 0, {_UNTOLD} from happened) sides"
    " group by name having max(case when told then 1 else 0 end) = 1"
)
_SEEN_ACCOUNTS = Statement.both(
    f"with happened as ({_HAPPENED}), by_account as ({_BY_ACCOUNT})"
    " select l.name, l.unit, l.debit, l.credit, l.debit_pending - b.into_it as debit_pending,"
    " l.credit_pending - b.out_of_it as credit_pending from ledger_account l"
    " join by_account b on b.name = l.name"
    " where l.author_entity = $1 and l.type = $2 and l.object_id = $3"
    " and ($5 = '' or (l.name <> $5 and l.name not like $5 || ':%'))"
    " order by case l.unit when 'THOUSANDTHS' then 1 else 0 end, l.name limit $4"
)
_LEFT = Bulk.of(
    postgresql="select l.author_entity, l.type, l.object_id, l.name, l.unit,"
    " l.debit - l.credit - l.credit_pending as free from "
    + rows("a text, t text, o text")
    + " k join ledger_account l on l.author_entity = k.a and l.type = k.t and l.object_id = k.o"
    " where l.guarded",
    sqlite="select author_entity, type, object_id, name, unit,"
    " debit - credit - credit_pending as free from ledger_account"
    " where author_entity = $1 and type = $2 and object_id = $3 and guarded",
    returns=True,
)


async def accounts_of(
    tx: Transaction, key: Key, *, limit: int, hidden: str = "", unseen: Sequence[str] = ()
) -> Json:
    """A document's accounts: `{accounts, more}`, at most `limit` of them.

    `hidden` is one that is told to nobody, nor what stands against it under `hidden:…`. `unseen` are
    the exchanges that the reader has not seen: an account that only they have touched is none.
    """
    asked = (*key, limit + 1, hidden)
    found = await (
        tx.fetch(_SEEN_ACCOUNTS, *asked, list(unseen)) if unseen else tx.fetch(_ACCOUNTS, *asked)
    )
    return {"accounts": [_account(row) for row in found[:limit]], "more": len(found) > limit}


async def left_on(tx: Transaction, keys: Collection[Key]) -> dict[Key, list[Json]]:
    """What may still be drawn on the guarded accounts of some documents, such as what is due."""
    found: dict[Key, list[Json]] = {key: [] for key in keys}
    for row in await tx.bulk(_LEFT, sorted(keys)):
        unit = Unit(row["unit"])
        told: Json = {"name": row["name"], "unit": MEASURES[unit], "left": unit.text(row["free"])}
        found[document_key(row)].append(told)
    return found


def _account(row: Row) -> Json:
    unit = Unit(row["unit"])
    return {
        "name": row["name"],
        "unit": MEASURES[unit],
        "held": unit.text(row["debit"] - row["credit"]),
        "reservedIn": unit.text(row["debit_pending"]),
        "reservedOut": unit.text(row["credit_pending"]),
    }
