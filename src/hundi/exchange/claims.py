"""Claims by insert: a document's key, and its number among the author's live documents."""

from collections.abc import Sequence

from hundi.exchange import tables
from hundi.exchange.document import COLUMNS
from hundi.exchange.draft import Draft
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, insert, rows

_CLAIM_DOCUMENT = insert(tables.document, COLUMNS, claims=("author_entity", "type", "object_id"))
_CLAIM_NUMBER = insert(
    tables.number_claim,
    ("author_entity", "type", "claim", "object_id"),
    claims=("author_entity", "type", "claim"),
)
_FORGET_DOCUMENT = Bulk.of(
    postgresql="delete from document d using "
    + rows("a text, t text, o text")
    + " gone where d.author_entity = gone.a and d.type = gone.t and d.object_id = gone.o",
    sqlite="delete from document where author_entity = $1 and type = $2 and object_id = $3",
    returns=False,
)


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
        [(*key, d.document.object_id) for key, d in sorted(wanted.items(), key=_first)],
    )
    got = {(row["author_entity"], row["type"], row["claim"]) for row in rows}
    return [d for d in drafts if d.claims is None or _claim(d) in got]


async def forget_documents(tx: Transaction, drafts: Sequence[Draft]) -> None:
    """Take back documents that were inserted for drafts which then lost."""
    await tx.bulk(_FORGET_DOCUMENT, [d.document.key for d in drafts if d.plan.creating])


def _claim(draft: Draft) -> tuple[str, str, str]:
    author, kind, _ = draft.document.key
    return author, kind, draft.claims or ""


def _first(item: tuple[tuple[str, str, str], Draft]) -> tuple[str, str, str]:
    return item[0]
