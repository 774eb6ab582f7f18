"""What a document refers to and what refers to it, as one of its parties may see it.

Both documents have to be visible, and the reader must know of the reference too: the author of the
document that refers always does, the other party once an exchange that concerns both may be seen.
(An edit that has not left yet may name another order.)
"""

from collections.abc import Sequence

from hundi.exchange import visibility
from hundi.exchange.document import COLUMNS
from hundi.ledger.model import Key, document_key
from hundi.ledger.queries import left_on
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

Json = dict[str, object]

MOST = 200
"""References that are told of one document, each way."""

_DOCUMENT = ", ".join(f"d.{name}" for name in COLUMNS) + f", {visibility.CONTENT} as content_seen"
# The key of the document referred to, as `holds` and `moves` are written: one id may stand in
# another one. A bid and the request that it answers are moved together, and nothing is held.
_ESCAPED = r"""replace(replace(r.target_id, '\', '\\'), '"', '\"')"""
_HELD = (
    "'[\"' || r.target_author || '\",\"' || r.target_type || '\",\"' || " + _ESCAPED + " || '\"]'"
)
_MOVED = (
    '\'{"author_entity":"\' || r.target_author || \'","type":"\' || r.target_type'
    ' || \'","object_id":"\' || ' + _ESCAPED + " || '\",'"
)
_TOLD = (
    "(r.author_entity = any($1::text[]) or exists (select 1 from journal j"
    " join exchange x on x.req_msg_id = j.req_msg_id where j.author_entity = r.author_entity"
    " and j.type = r.type and j.object_id = r.object_id and j.step = 'ACCEPTED'"
    f" and (strpos(x.holds, {_HELD}) > 0 or strpos(x.moves, {_MOVED}) > 0)"
    f" and {visibility.EXCHANGE}))"
)
_OTHERS = (
    f" and {visibility.DOCUMENT} and {_TOLD} and ($5 = '' or d.type = $5)"
    " order by d.created_at, d.author_entity, d.type, d.object_id limit $6"
)


_NAMED_BY = Statement.both(
    f"select {_DOCUMENT}, r.object_id as here from relation r join document d"
    " on d.author_entity = r.target_author and d.type = r.target_type and d.object_id = r.target_id"
    " where r.author_entity = $2 and r.type = $3 and r.object_id = any($4::text[])" + _OTHERS
)
_NAMING = Statement.both(
    f"select {_DOCUMENT}, r.target_id as here from relation r join document d"
    " on d.author_entity = r.author_entity and d.type = r.type and d.object_id = r.object_id"
    " where r.target_author = $2 and r.target_type = $3 and r.target_id = any($4::text[])" + _OTHERS
)


async def named_by(
    tx: Transaction,
    mine: Sequence[str],
    keys: Sequence[Key],
    *,
    kind: str = "",
    limit: int = MOST + 1,
) -> Sequence[Row]:
    """Documents that some documents of one author and type refer to, the oldest first.

    `here` in each row is the objectId that it was found by. `kind` narrows to one type.
    """
    if not keys:
        return ()
    return await tx.fetch(_NAMED_BY, *_arguments(mine, keys, kind, limit=limit))


async def naming(
    tx: Transaction, mine: Sequence[str], keys: Sequence[Key], *, kind: str = ""
) -> Sequence[Row]:
    """Documents that refer to some documents of one author and type, the oldest first."""
    if not keys:
        return ()
    return await tx.fetch(_NAMING, *_arguments(mine, keys, kind, limit=MOST + 1))


def _arguments(mine: Sequence[str], keys: Sequence[Key], kind: str, *, limit: int) -> list[object]:
    """What the statements are asked with. Raises ValueError for keys of several authors or types."""
    [(author, type_)] = {key[:2] for key in keys}
    return [list(mine), author, type_, [key[2] for key in keys], kind, limit]


async def around(tx: Transaction, mine: Sequence[str], key: Key) -> Json:
    """The members `refersTo` and `referredBy` of a document's page."""
    above = await named_by(tx, mine, [key])
    below = await naming(tx, mine, [key])
    keys = {document_key(row) for row in (*above[:MOST], *below[:MOST])}
    left = await left_on(tx, keys)
    return {"refersTo": _told(above, left), "referredBy": _told(below, left)}


def _told(rows: Sequence[Row], left: dict[Key, list[Json]]) -> Json:
    documents = [
        {
            "type": row["type"],
            "objectId": row["object_id"],
            "author": row["author_b2b"],
            # What a repeated `req-send` says is its author's until it may have left.
            "number": row["number"] if row["content_seen"] else "",
            "status": row["status"],
            "left": left[document_key(row)],
        }
        for row in rows[:MOST]
    ]
    return {"documents": documents, "more": len(rows) > MOST}
