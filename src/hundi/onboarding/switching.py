"""Switching B2B IDs off and on again, by whoever serves them; the operator has `hundi party`.

Before the ID is switched off its row is locked, and its documents are looked at. Accepting a request
holds the row in share, so that no request can be accepted between that look and the commit. Whoever
accepts waits meanwhile: so it is looked once before, without the lock, and mostly that is the end.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

from hundi.exchange import visibility
from hundi.exchange.definition import DocumentType
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.parties.model import NOT_YOURS
from hundi.parties.operations import switch
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

IN_USE = Code(
    "PARTY-IN-USE",
    Kind.CONFLICT,
    "The B2B ID has open documents or running financing. End them first, or ask the operator.",
)
BARRED = Code(
    "PARTY-BARRED",
    Kind.RIGHTS,
    "The operator has switched the B2B ID off. Only the operator switches it on again.",
)
CODES = (IN_USE, BARRED)

SHOWN = 10
_ROW = "select b2b_id, entity_id, client_id, barred from b2b_id where b2b_id = $1"
_LOOK, _LOCK = Statement.both(_ROW), Statement.both(f"{_ROW} for update")
_WAITED = "(d.open_exchange is not null or d.type || '|' || d.status <> all($3::text[]))"
# By entity first: that is how documents are indexed. A counterparty is held by what it holds or may
# hold, and by a request that is under way, whose document it may not see yet. What it has declined
# and never held is its author's alone: no message of the counterparty's could end it.
_OPEN = Statement.both(
    "select d.type, d.object_id, d.status, true as seen from document d"
    f" where d.author_entity = $1 and d.author_b2b = $2 and {_WAITED}"
    f" union all select d.type, d.object_id, d.status, {visibility.RECEIVED} as seen"
    " from document d where d.counterparty_entity = $1 and d.counterparty_b2b = $2"
    f" and (d.open_exchange is not null or d.highest_version > 0) and {_WAITED}"
    f" limit {SHOWN}"
)
# An accepted financing request is over as a document, while the financing itself runs until nothing
# is due any more on what the lender has bought.
_RUNNING_OF = (
    "select d.type, d.object_id, d.status from document d join ledger_transfer t"
    " on t.holder_author = d.author_entity and t.holder_type = d.type and t.holder_id = d.object_id"
    " and t.phase = 'POSTED' and t.type || '|' || t.debit = any($3::text[])"
    " join ledger_account a on a.author_entity = t.author_entity and a.type = t.type"
    " and a.object_id = t.object_id and a.debit > a.credit"
    " and a.type || '|' || a.name = any($4::text[])"
)
_RUNNING = Statement.both(
    f"{_RUNNING_OF} where d.author_entity = $1 and d.author_b2b = $2"
    f" union {_RUNNING_OF} where d.counterparty_entity = $1 and d.counterparty_b2b = $2"
    f" limit {SHOWN}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How documents end: states after which nothing is waited for, as `type|status`.

    `stakes` and `owed` are accounts, as `type|name`: whether somebody has bought a document, and
    what is still due on it.
    """

    over: tuple[str, ...]
    stakes: tuple[str, ...]
    owed: tuple[str, ...]


def ends_of(types: Collection[DocumentType]) -> Ends:
    """The ends of some types of documents.

    Over is what no move leaves, what has given its number back, what is settled (a paid invoice, a
    note that counts), and what was never agreed to be: a request that a lender has declined has no
    state at all.
    """
    free = {f"{kind.name}|{status}" for kind in types for status in kind.released | kind.settled}
    never = {f"{kind.name}|" for kind in types if not kind.initial}
    bought = [kind for kind in types if kind.stake is not None]
    return Ends(
        over=tuple(sorted({*final_statuses(types), *free, *never})),
        stakes=tuple(f"{kind.name}|{kind.stake}" for kind in bought),
        owed=tuple(f"{kind.name}|{name}" for kind in bought for name in sorted(kind.guarded)),
    )


def final_statuses(types: Iterable[DocumentType]) -> list[str]:
    """`type|status` of every state that no move leaves."""
    return sorted(
        f"{kind.name}|{status}"
        for kind in types
        for status in {move.target for move in kind.moves} - {move.source for move in kind.moves}
    )


async def deactivate(tx: Transaction, *, client_id: str, b2b_id: str, ends: Ends) -> None:
    """Switch off a B2B ID that the client serves. Raises RefusedError: not its own, or in use."""
    for statement in (_LOOK, _LOCK):
        row = await _own(tx, client_id, b2b_id, statement=statement)
        await _refuse_used(tx, row["entity_id"], b2b_id, ends=ends)
    await switch(tx, b2b_id, active=False, by_operator=False)


async def _refuse_used(tx: Transaction, owner: str, b2b_id: str, *, ends: Ends) -> None:
    waited = await tx.fetch(_OPEN, owner, b2b_id, list(ends.over))
    running = await tx.fetch(_RUNNING, owner, b2b_id, list(ends.stakes), list(ends.owed))
    if waited or running:
        seen = [*(row for row in waited if row["seen"]), *running]
        raise RefusedError([_in_use(seen, coming=sum(not row["seen"] for row in waited))])


async def activate(tx: Transaction, *, client_id: str, b2b_id: str) -> None:
    """Switch a B2B ID on that the client serves. Raises RefusedError: not its own, or barred."""
    row = await _own(tx, client_id, b2b_id)
    if row["barred"]:
        raise RefusedError([BARRED.at("b2bId", BARRED.meaning)])
    await switch(tx, b2b_id, active=True, by_operator=False)


async def _own(
    tx: Transaction, client_id: str, b2b_id: str, *, statement: Statement = _LOCK
) -> Row:
    rows = await tx.fetch(statement, b2b_id)
    if not rows or rows[0]["client_id"] != client_id:
        detail = (
            f"Your client does not serve {b2b_id}. See /network/v1/parties for those it serves."
        )
        raise RefusedError([NOT_YOURS.at("b2bId", detail)])
    return rows[0]


def _in_use(seen: Collection[Row], *, coming: int) -> Fault:
    """Why an ID stays on; of what is `coming` to it and may not be seen yet, that it comes."""
    told = []
    if seen:
        many = f"{SHOWN} or more" if len(seen) >= SHOWN else str(len(seen))
        told.append(
            f"{many} document(s) are open on this B2B ID, or financed and not paid for. End them"
            " first, or ask the operator to switch it off."
        )
    if coming:
        told.append(
            f"{coming} request(s) to this B2B ID are under way and have not arrived. Wait until they"
            " have ended."
        )
    return IN_USE.at("b2bId", " ".join(told), documents=_shown(seen), coming=coming)


def _shown(found: Iterable[Row]) -> list[dict[str, str]]:
    return [
        {"type": row["type"], "objectId": row["object_id"], "status": row["status"]}
        for row in islice(found, SHOWN)
    ]
