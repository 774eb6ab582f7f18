"""A document's journal in pages, each verified: its rows follow from the row before the page.

Pages read one after the other verify the whole chain; the last one ends at the document's head.
"""

from collections.abc import Sequence
from typing import Any

from hundi.exchange import visibility
from hundi.exchange.cursor import cursor, key_of
from hundi.exchange.journal import COLUMNS, Chain
from hundi.exchange.queries import Json, the_one
from hundi.kernel.clock import to_text
from hundi.ledger.model import document_key
from hundi.parties.queries import entities_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

_ROWS = Statement.both(
    f"select {', '.join('j.' + name for name in COLUMNS)}, {visibility.EXCHANGE} as seen"
    " from journal j join exchange x on x.req_msg_id = j.req_msg_id"
    " where j.author_entity = $2 and j.type = $3 and j.object_id = $4 and j.sequence >= $5"
    " order by j.sequence limit $6"
)


async def history(
    tx: Transaction,
    client_id: str,
    *,
    named: tuple[str, str, str],
    after: str = "",
    limit: int = 200,
) -> Json:
    """A page of the journal in order, whether it verifies, and `cursor`: null behind the last row.

    `named` are type, objectId and, where several have it, the author's B2B ID. Rows of exchanges that
    never reached the reader's side are withheld: of them only the number and the hash are told, which
    the next row's hash needs. Raises RefusedError as `queries.document` does, and for a foreign cursor.
    """
    mine = await entities_of(tx, client_id)
    row = await the_one(tx, mine, named)
    of = f"history {row['author_b2b']} {row['type']} {row['object_id']}"
    [behind] = key_of(after, of, first=(0,))
    found = await tx.fetch(_ROWS, mine, *document_key(row), behind, limit + 1 + bool(behind))
    entries = found[bool(behind) :]
    page, more = entries[:limit], len(entries) > limit
    broken = _broken(row, found[: len(page) + bool(behind)], behind=int(behind), last=not more)
    return {
        "type": row["type"],
        "objectId": row["object_id"],
        "author": row["author_b2b"],
        "head": {"sequence": row["head_sequence"], "hash": bytes(row["head_hash"]).hex()},
        "verified": broken is None,
        "broken": broken,
        "entries": [_entry(entry) for entry in page],
        "cursor": cursor(of, page[-1]["sequence"]) if more else None,
    }


def _broken(document: Row, rows: Sequence[Row], *, behind: int, last: bool) -> str | None:
    """What is wrong with a page, the row before it first; None if all is well."""
    chain = Chain()
    if behind:
        if not rows or rows[0]["sequence"] != behind:
            return f"row {behind} is missing"
        chain.begin(behind, bytes(rows[0]["hash"]))
    chain.take(rows[bool(behind) :])
    if not last:
        return chain.trouble
    return chain.end(document["head_sequence"], bytes(document["head_hash"]))


def _entry(row: Row) -> dict[str, Any]:
    if not row["seen"]:
        return {"sequence": row["sequence"], "withheld": True, "hash": bytes(row["hash"]).hex()}
    return {
        "sequence": row["sequence"],
        "withheld": False,
        "step": row["step"],
        "message": row["message"],
        "reqMsgId": row["req_msg_id"],
        "status": row["status"],
        "version": row["version"],
        "detail": row["detail"],
        "at": to_text(row["at"]),
        "digest": bytes(row["digest"]).hex(),
        "hash": bytes(row["hash"]).hex(),
    }
