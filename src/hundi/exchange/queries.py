"""Questions about documents and exchanges, asked inside a transaction, answered as JSON objects.

The tenant scope is the only door: each function takes the client that asks, and what this client
may not see does not exist for it. Bodies are spliced into answers as they came, so that no number
is read and written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from hundi.exchange import relations, visibility
from hundi.exchange.answers import parts_of
from hundi.exchange.cursor import LARGEST, cursor, key_of
from hundi.exchange.definition import MessageType, VersionRule
from hundi.exchange.document import COLUMNS, PlannedMove, last_at
from hundi.exchange.document_list import START, Filters, page
from hundi.exchange.stakes import bought_by
from hundi.exchange.standing import UNKNOWN
from hundi.exchange.writes import moves_from
from hundi.kernel.clock import to_text
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.ledger.model import document_key
from hundi.ledger.queries import accounts_of
from hundi.parties.queries import entities_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

Json = dict[str, object]

AMBIGUOUS = Code(
    "DOC-AMBIGUOUS",
    Kind.CONFLICT,
    "Several authors have a document with this objectId. Name the author with ?author=.",
)
CODES = (AMBIGUOUS,)

MOST_ACCOUNTS = 200
MOST_VERSIONS = 200
"""The newest ones that a document's page tells."""
_CONTENT_RULES = {VersionRule.FIRST, VersionRule.NEXT}
_DOCUMENT = ", ".join(f"d.{name}" for name in COLUMNS) + f", {visibility.CONTENT} as content_seen"
# Looked up once by its author and once by its counterparty: no index serves both at once.
_NAMED = Statement.both(
    "with named as (select author_entity from document"
    " where author_entity = any($1::text[]) and type = $2 and object_id = $3"
    " union select author_entity from document"
    " where counterparty_entity = any($1::text[]) and type = $2 and object_id = $3)"
    f" select {_DOCUMENT} from named n join document d on d.author_entity = n.author_entity"
    f" and d.type = $2 and d.object_id = $3 where {visibility.DOCUMENT}"
    " and ($4 = '' or d.author_b2b = $4) order by d.author_b2b"
)
_OF_DOCUMENT = "j.author_entity = $2 and j.type = $3 and j.object_id = $4"
_CONTENTS = Statement.both(
    "select j.sequence, x.req_msg_id, x.message, x.state, x.moves, x.warnings, x.created_at"
    " from journal j join exchange x on x.req_msg_id = j.req_msg_id"
    f" where {_OF_DOCUMENT} and j.sequence < $5 and j.step = 'ACCEPTED' and {visibility.EXCHANGE}"
    f" and {visibility.BRINGS} order by j.sequence desc limit $6"
)
_BROUGHT = Statement.both(
    "select req_msg_id, message, warnings from exchange where req_msg_id = $1"
)
_UNSEEN = Statement.both(
    "select x.req_msg_id from journal j join exchange x on x.req_msg_id = j.req_msg_id"
    f" where {_OF_DOCUMENT} and j.step = 'ACCEPTED' and x.booked and not {visibility.EXCHANGE}"
)
_BODY = Statement.both("select bytes from body where body_id = $1")


@dataclass(frozen=True, slots=True)
class _Content:
    """A version of a document and the exchange that brought it."""

    row: Row
    move: PlannedMove


async def documents(
    tx: Transaction, client_id: str, filters: Filters, *, after: str, limit: int
) -> Json:
    """A page of documents, the newest first: `{documents, cursor}`; cursor null behind the last.

    A page may be short and go on, where filters leave out much. Raises RefusedError for a cursor of
    another list.
    """
    mine = await entities_of(tx, client_id)
    at, author, type_, object_id = key_of(after, "documents", first=START)
    place = (int(at), str(author), str(type_), str(object_id))
    rows, behind = await page(tx, mine, filters, after=place, limit=limit)
    return {
        "documents": [_summary(row, await _held(tx, mine, row)) for row in rows],
        "cursor": behind and cursor("documents", *behind),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A document as it is shown, its row, and the entities for which it was asked."""

    shown: Json
    row: Row
    mine: Sequence[str]


async def document(
    tx: Transaction,
    client_id: str,
    messages: Mapping[str, MessageType],
    *,
    type_: str,
    object_id: str,
    author: str = "",
) -> Page:
    """One document with the subject of the current version, its newest versions, what it refers to.

    `messages` are the message types by stored name. `missed` is the last change of status or
    version, as a 409 tells it to a sender who has missed it. Raises RefusedError: unknown, or of
    several authors.
    """
    mine = await entities_of(tx, client_id)
    row = await the_one(tx, mine, (type_, object_id, author))
    shown = await _shown(tx, mine, row, messages=messages)
    return Page(shown=shown, row=row, mine=mine)


async def _shown(
    tx: Transaction, mine: Sequence[str], row: Row, *, messages: Mapping[str, MessageType]
) -> Json:
    contents = await _contents(tx, mine, row, most=MOST_VERSIONS)
    held = contents[0] if not row["content_seen"] else None
    body_id = held.row["req_msg_id"] if held else row["body_id"]
    [current] = await tx.fetch(_BROUGHT, body_id)
    # Whom lenders were asked by, and how many, is told to nobody; who has bought it, to both sides.
    stake = next(m.document.stake for m in messages.values() if m.document.name == row["type"])
    return {
        **_summary(row, held),
        "assignedTo": await bought_by(
            tx, document_key(row), account=stake if row["booked"] else None
        ),
        "nextVersion": row["highest_version"] + 1,
        "missed": {
            "reqMsgId": row["last_exchange"],
            "kind": row["last_step"],
            "at": to_text(last_at(row)),
        },
        "body": await _subject(tx, current, messages),
        "versions": [_version(one, row, body_id) for one in reversed(contents[:MOST_VERSIONS])],
        "moreVersions": len(contents) > MOST_VERSIONS,
        "warnings": msgspec.Raw(current["warnings"].encode()),
        **await relations.around(tx, mine, document_key(row)),
        "accounts": await _accounts(tx, mine, row, hidden=stake or ""),
    }


async def _accounts(tx: Transaction, mine: Sequence[str], row: Row, *, hidden: str) -> Json:
    """The document's books, without what messages have reserved that never reached the reader."""
    unseen = await tx.fetch(_UNSEEN, list(mine), *document_key(row)) if row["booked"] else ()
    ids = [one["req_msg_id"] for one in unseen]
    return await accounts_of(tx, document_key(row), limit=MOST_ACCOUNTS, hidden=hidden, unseen=ids)


async def the_one(tx: Transaction, mine: Sequence[str], named: tuple[str, str, str]) -> Row:
    """The document with a type, an objectId and, unless it is "", an author. Raises RefusedError."""
    type_, object_id, author = named
    rows = await tx.fetch(_NAMED, list(mine), type_, object_id, author)
    if not rows:
        detail = f"You are party to no {type_} {object_id}. Check the type and the objectId."
        raise RefusedError([UNKNOWN.at("objectId", detail)])
    if len(rows) > 1:
        raise RefusedError([_ambiguous(object_id, [row["author_b2b"] for row in rows])])
    return rows[0]


def _ambiguous(object_id: str, authors: list[str]) -> Fault:
    detail = f"{' and '.join(authors)} each have a {object_id}. Add ?author= and one of them."
    return AMBIGUOUS.at("author", detail, authors=authors)


async def _held(tx: Transaction, mine: Sequence[str], row: Row) -> _Content | None:
    """The last content that reached a reader who may not see the current one; None for others."""
    if row["content_seen"]:
        return None
    return (await _contents(tx, mine, row, most=1))[0]


async def _contents(tx: Transaction, mine: Sequence[str], row: Row, *, most: int) -> list[_Content]:
    """The newest versions that the reader may see, one more than `most` at most, the newest first."""
    contents: list[_Content] = []
    before, more = LARGEST, True
    while more and len(contents) <= most:
        found = await tx.fetch(_CONTENTS, list(mine), *document_key(row), before, most + 1)
        pairs = ((one, move) for one in found for move in moves_from(one["moves"]))
        contents += [
            _Content(one, move)
            for one, move in pairs
            if move.key == document_key(row) and move.version in _CONTENT_RULES
        ]
        before, more = found[-1]["sequence"] if found else 0, len(found) > most
    return contents[: most + 1]


def _summary(row: Row, held: _Content | None) -> Json:
    return {
        "type": row["type"],
        "objectId": row["object_id"],
        "author": row["author_b2b"],
        "counterparty": row["counterparty_b2b"],
        "number": held.move.number if held else row["number"],
        "status": row["status"],
        "version": held.move.new_version if held else row["version"],
        "agreedVersion": row["agreed_version"],
        "openExchange": row["open_exchange"],
        "createdAt": to_text(row["created_at"]),
        "updatedAt": to_text(row["updated_at"]),
    }


async def _subject(
    tx: Transaction, row: Row, messages: Mapping[str, MessageType]
) -> msgspec.Raw | None:
    found = await tx.fetch(_BODY, row["req_msg_id"])
    if not found:  # erased on request; the journal keeps its digest
        return None
    parts = parts_of(bytes(found[0]["bytes"]), messages[row["message"]].subject)
    return msgspec.Raw(parts.subject)


def _version(content: _Content, row: Row, body_id: str) -> Json:
    req_msg_id = content.row["req_msg_id"]
    return {
        "version": content.move.new_version,
        "reqMsgId": req_msg_id,
        "status": content.row["state"],
        "at": to_text(content.row["created_at"]),
        "current": req_msg_id == body_id,
        "agreed": req_msg_id == row["agreed_body_id"],
    }
