"""Switching B2B IDs off and on again, by whoever serves them; the operator has `hundi party`.

The row of the ID is locked first. Accepting a request holds it in share, so that no request can be
accepted between the look at the open documents and the commit.
"""

from collections.abc import Collection, Iterable

from hundi.exchange.definition import DocumentType
from hundi.kernel.faults import Code, Kind, RefusedError
from hundi.parties.model import NOT_YOURS
from hundi.parties.operations import switch
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

IN_USE = Code(
    "PARTY-IN-USE",
    Kind.CONFLICT,
    "The B2B ID has open documents or running financing. End them first, or ask the operator.",
)
CODES = (IN_USE,)

SHOWN = 10
_LOCK = Statement.both(
    "select b2b_id, entity_id, client_id from b2b_id where b2b_id = $1 for update"
)
# By entity first: that is how documents are indexed.
_OPEN = Statement.both(
    "select type, object_id, status from document"
    " where author_entity = $1 and author_b2b = $2"
    " and (open_exchange is not null or type || '|' || status <> all($3::text[]))"
    " union all select type, object_id, status from document"
    " where counterparty_entity = $1 and counterparty_b2b = $2"
    " and (open_exchange is not null or type || '|' || status <> all($3::text[]))"
    f" limit {SHOWN}"
)


def final_statuses(types: Iterable[DocumentType]) -> list[str]:
    """`type|status` of every state that no move leaves: documents in all others are open."""
    return sorted(
        f"{kind.name}|{status}"
        for kind in types
        for status in {move.target for move in kind.moves} - {move.source for move in kind.moves}
    )


async def deactivate(
    tx: Transaction, client_id: str, b2b_id: str, *, final: Collection[str]
) -> None:
    """Switch off a B2B ID that the client serves. Raises RefusedError: not its own, or in use."""
    row = await _own(tx, client_id, b2b_id)
    found = await tx.fetch(_OPEN, row["entity_id"], b2b_id, list(final))
    if found:
        raise RefusedError([IN_USE.at("b2bId", _sentence(found), documents=_shown(found))])
    await switch(tx, b2b_id, active=False)


async def activate(tx: Transaction, client_id: str, b2b_id: str) -> None:
    """Switch a B2B ID on that the client serves. Raises RefusedError where it is not its own."""
    await _own(tx, client_id, b2b_id)
    await switch(tx, b2b_id, active=True)


async def _own(tx: Transaction, client_id: str, b2b_id: str) -> Row:
    rows = await tx.fetch(_LOCK, b2b_id)
    if not rows or rows[0]["client_id"] != client_id:
        detail = (
            f"Your client does not serve {b2b_id}. See /network/v1/parties for those it serves."
        )
        raise RefusedError([NOT_YOURS.at("b2bId", detail)])
    return rows[0]


def _sentence(found: Collection[Row]) -> str:
    many = (
        f"{SHOWN} or more documents are" if len(found) == SHOWN else f"{len(found)} document(s) are"
    )
    return f"{many} open on this B2B ID. End them first, or ask the operator to switch it off."


def _shown(found: Iterable[Row]) -> list[dict[str, str]]:
    return [
        {"type": row["type"], "objectId": row["object_id"], "status": row["status"]}
        for row in found
    ]
