"""Claims by insert: a document's key, and its number among the author's live documents."""

from collections.abc import Collection, Sequence

from hundi.exchange import tables
from hundi.exchange.document import COLUMNS
from hundi.exchange.draft import Draft
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, insert, rows

_CLAIM_DOCUMENT = insert(tables.document, COLUMNS, claims=("author_entity", "type", "object_id"))
_NUMBER = ("author_entity", "type", "claim", "object_id", "tag", "live")
# A number that was let go may be used again, an invoice's only with the IRN it had (or had none).
_IF_FREE = (
    " on conflict (author_entity, type, claim) do update set object_id = excluded.object_id,"
    " tag = excluded.tag, live = excluded.live where not number_claim.live"
    " and (number_claim.tag = '' or number_claim.tag = excluded.tag)"
    " returning author_entity, type, claim"
)
_PLAIN = insert(tables.number_claim, _NUMBER)
_CLAIM_NUMBER = Bulk(_PLAIN.postgresql + _IF_FREE, _PLAIN.sqlite + _IF_FREE, returns=True)
_NAMED = Bulk.of(
    postgresql="select n.author_entity, n.type, n.claim, n.object_id from "
    + rows("a text, t text, c text")
    + " k join number_claim n on n.author_entity = k.a and n.type = k.t and n.claim = k.c"
    " where n.live",
    sqlite="select author_entity, type, claim, object_id from number_claim"
    " where author_entity = $1 and type = $2 and claim = $3 and live",
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


async def claim_documents(tx: Transaction, drafts: Sequence[Draft]) -> list[Draft]:
    """Insert the documents that are created; the drafts that still stand."""
    creating = sorted((d for d in drafts if d.plan.creating), key=lambda d: d.document.key)
    rows = await tx.bulk(_CLAIM_DOCUMENT, [d.document.row() for d in creating])
    made = {(row["author_entity"], row["type"], row["object_id"]) for row in rows}
    return [d for d in drafts if not d.plan.creating or d.document.key in made]


async def claim_numbers(tx: Transaction, drafts: Sequence[Draft]) -> list[Draft]:
    """Claim the numbers that must be unique; the drafts that still stand."""
    wanted = {_claim(d): d for d in drafts if d.claims is not None}
    rows = await tx.bulk(
        _CLAIM_NUMBER,
        [
            (*key, d.document.object_id, d.plan.touched.claim_tag, True)
            for key, d in sorted(wanted.items(), key=_first)
        ],
    )
    got = {(row["author_entity"], row["type"], row["claim"]) for row in rows}
    return [d for d in drafts if d.claims is None or _claim(d) in got]


async def ids_by_number(tx: Transaction, wanted: Collection[Claim]) -> dict[Claim, str]:
    """The objectIds of documents that are named by their number; unknown ones are left out."""
    rows = await tx.bulk(_NAMED, sorted(wanted))
    return {(row["author_entity"], row["type"], row["claim"]): row["object_id"] for row in rows}


async def forget_documents(tx: Transaction, drafts: Sequence[Draft]) -> None:
    """Take back documents that were inserted for drafts which then lost."""
    await tx.bulk(_FORGET_DOCUMENT, [d.document.key for d in drafts if d.plan.creating])


def _claim(draft: Draft) -> Claim:
    author, kind, _ = draft.document.key
    return author, kind, draft.claims or ""


def _first(item: tuple[Claim, Draft]) -> Claim:
    return item[0]
