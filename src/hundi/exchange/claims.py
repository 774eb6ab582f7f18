"""Claims by insert: a document's key, and its number among the author's live documents."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from hundi.exchange import tables
from hundi.exchange.document import COLUMNS, Document
from hundi.exchange.draft import Draft
from hundi.exchange.world import Moving
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, insert, rows

_CLAIM_DOCUMENT = insert(tables.document, COLUMNS, claims=("author_entity", "type", "object_id"))
_NUMBER = ("author_entity", "type", "claim", "object_id", "tag", "live")
# A number that was let go may be used again, an invoice's only with the IRN it had (or had none). A
# document that is sent anew keeps its number, and what it is registered as is what it says now.
_IF_FREE = (
    " on conflict (author_entity, type, claim) do update set object_id = excluded.object_id,"
    " tag = excluded.tag, live = excluded.live where not number_claim.live"
    " and (number_claim.tag = '' or number_claim.tag = excluded.tag)"
    " or number_claim.object_id = excluded.object_id"
    " returning author_entity, type, claim"
)
_PLAIN = insert(tables.number_claim, _NUMBER)
_CLAIM_NUMBER = Bulk(_PLAIN.postgresql + _IF_FREE, _PLAIN.sqlite + _IF_FREE, returns=True)
_NAMED = Bulk.of(
    postgresql="select n.author_entity, n.type, n.claim, n.object_id, n.live from "
    + rows("a text, t text, c text")
    + " k join number_claim n on n.author_entity = k.a and n.type = k.t and n.claim = k.c",
    sqlite="select author_entity, type, claim, object_id, live from number_claim"
    " where author_entity = $1 and type = $2 and claim = $3",
    returns=True,
)
_SHARING_AT_MOST = 20
_SHARED = (
    "select d.object_id, d.number, d.status, d.counterparty_entity from shared_number s"
    " join document d on d.author_entity = s.author_entity and d.type = s.type"
    " and d.object_id = s.object_id where s.author_entity = {} and s.type = {} and s.number = {}"
    f" order by d.created_at desc limit {_SHARING_AT_MOST}"
)
_SHARING = Bulk.of(
    postgresql="select k.a, k.t, k.n, d.* from "
    + rows("a text, t text, n text")
    + f" k cross join lateral ({_SHARED.format('k.a', 'k.t', 'k.n')}) d",
    sqlite=f"select $1 as a, $2 as t, $3 as n, d.* from ({_SHARED.format('$1', '$2', '$3')}) d",
    returns=True,
)
_FORGET_DOCUMENT = Bulk.of(
    postgresql="delete from document d using "
    + rows("a text, t text, o text")
    + " gone where d.author_entity = gone.a and d.type = gone.t and d.object_id = gone.o",
    sqlite="delete from document where author_entity = $1 and type = $2 and object_id = $3",
    returns=False,
)

Claim = tuple[str, str, str]
"""Author's entity id, document type, what is claimed."""


class Numbered(NamedTuple):
    """The document that has a number; not `live`, it has let it go."""

    object_id: str
    live: bool


async def claim_documents(tx: Transaction, drafts: Sequence[Draft]) -> list[Draft]:
    """Insert the documents that are created; the drafts all of whose documents went in."""
    creating = sorted((one for d in drafts for one in d.created), key=_key)
    rows = await tx.bulk(_CLAIM_DOCUMENT, [one.row() for one in creating])
    made = {document_key(row) for row in rows}
    if len(made) == len(creating):
        return list(drafts)
    beaten = [d for d in drafts if not all(one.key in made for one in d.created)]
    await _forget(tx, [one.key for d in beaten for one in d.created if one.key in made])
    return [d for d in drafts if d not in beaten]


async def claim_numbers(tx: Transaction, drafts: Sequence[Draft]) -> dict[Draft, list[Moving]]:
    """Claim the numbers that must be unique; the drafts that did not get all, with those."""
    if not any(d.claims for d in drafts):
        return {}
    wanted = sorted(((_claim(one), one) for d in drafts for one in d.claims), key=_first)
    rows = await tx.bulk(
        _CLAIM_NUMBER,
        [(*claim, one.document.object_id, one.touched.claim_tag, True) for claim, one in wanted],
    )
    got = {(row["author_entity"], row["type"], row["claim"]) for row in rows}
    lost = {d: [one for one in d.claims if _claim(one) not in got] for d in drafts}
    return {d: doubled for d, doubled in lost.items() if doubled}


async def by_number(tx: Transaction, wanted: Collection[Claim]) -> dict[Claim, Numbered]:
    """The documents that have some numbers, or had them last; numbers that none ever had are left out."""
    rows = await tx.bulk(_NAMED, sorted(wanted))
    return {
        (row["author_entity"], row["type"], row["claim"]): Numbered(row["object_id"], row["live"])
        for row in rows
    }


async def sharing(tx: Transaction, wanted: Collection[Claim]) -> dict[Claim, list[Row]]:
    """The newest documents under some shared numbers; not locked, for they are only looked at.

    Rows have `object_id`, `number` (the document's now), `status` and `counterparty_entity`.
    """
    found: dict[Claim, list[Row]] = {}
    for row in await tx.bulk(_SHARING, sorted(wanted)) if wanted else ():
        found.setdefault((row["a"], row["t"], row["n"]), []).append(row)
    return found


async def forget_documents(tx: Transaction, drafts: Sequence[Draft]) -> None:
    """Take back documents that were inserted for drafts which then lost."""
    await _forget(tx, [one.key for d in drafts for one in d.created])


async def _forget(tx: Transaction, keys: Sequence[Key]) -> None:
    await tx.bulk(_FORGET_DOCUMENT, keys)


def _key(document: Document) -> Key:
    return document.key


def _claim(one: Moving) -> Claim:
    author, kind, _ = one.document.key
    return author, kind, one.claims or ""


def _first(item: tuple[Claim, Moving]) -> Claim:
    return item[0]
