"""Questions about exchanges and their webhooks, asked inside a transaction.

An exchange is its sender's; its receiver sees it, and its webhooks, once an attempt may have
brought it there, a fact from its ack on. Of a receiver's answer only the outcome travels: the bytes
that came back are shown to the client whose endpoint gave them, and to nobody else.
"""

from collections.abc import Sequence

import msgspec

from hundi.exchange import visibility
from hundi.exchange.cursor import cursor, key_of
from hundi.exchange.definition import Touches
from hundi.exchange.delivery_list import DELIVERY, START, Filters, page
from hundi.exchange.findings import all_told
from hundi.exchange.leases import IN_FLIGHT, LEASE
from hundi.exchange.verdict import Decision
from hundi.exchange.writes import holds_from, moves_from
from hundi.kernel.clock import to_text, to_text_if
from hundi.kernel.faults import Code, Kind, RefusedError
from hundi.ledger.model import document_key
from hundi.parties.queries import entities_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

Json = dict[str, object]

UNKNOWN_EXCHANGE = Code(
    "EXCHANGE-UNKNOWN",
    Kind.UNKNOWN,
    "The client is party to no such exchange, or it has not reached the client yet.",
)
UNKNOWN_DELIVERY = Code(
    "DELIVERY-UNKNOWN",
    Kind.UNKNOWN,
    "The client is party to no such delivery, or it has not reached the client yet.",
)
CODES = (UNKNOWN_EXCHANGE, UNKNOWN_DELIVERY)

_EXCHANGE = Statement.both(
    "select x.req_msg_id, x.message, x.sender_b2b, x.receiver_b2b, x.effect, x.state, x.closing,"
    " x.moves, x.holds, x.warnings, x.idempotency_key, x.result, x.error_code, x.error_detail,"
    " x.error_field, x.created_at, x.expires_at, x.ended_at, x.receipt_id,"
    f" ({visibility.SENT_BY_ME} or {visibility.OWN_CALL.format(client='$3')}) as sent_by_me"
    " from exchange x where x.req_msg_id = $2"
    f" and ({visibility.EXCHANGE} or {visibility.OWN_CALL.format(client='$3')})"
)
_RECEIPT = Statement.both(
    "select receipt_id, message, waiting, result, idempotency_key, created_at, ended_at"
    " from receipt where receipt_id = $1 and client_id = $2"
)
_OF_RECEIPT = Statement.both(
    "select x.req_msg_id, x.receiver_b2b, x.state, x.closing, x.result, x.error_code,"
    " x.error_detail, x.ended_at, x.warnings from exchange x where x.receipt_id = $1"
    " order by x.req_msg_id"
)
_AUTHORS = Statement.both(
    "select author_b2b from document where author_entity = $1 and type = $2 and object_id = $3"
)
_SEEN = Statement.both(
    "select d.author_entity, d.type, d.object_id, d.author_b2b from document d"
    " where d.author_entity = any($2::text[]) and d.type = any($3::text[])"
    f" and d.object_id = any($4::text[]) and {visibility.DOCUMENT}"
)
_OF_EXCHANGE = Statement.both(
    f"{DELIVERY} and w.req_msg_id = $3 order by w.req_msg_id desc, w.webhook_id desc limit $4"
)
_NAMED = Statement.both(f"{DELIVERY} and w.webhook_id = $3")
_ATTEMPTS = Statement.both(
    "select number, redriven, started_at, ended_at, status, milliseconds, reached, outcome, reason,"
    " answer from attempt where webhook_id = $1 order by number desc limit $2"
)
UNENDED = "nobody wrote what it came to: its process has ended, or lost the database"
_MOST_ATTEMPTS = 200
_MOST_OF_AN_EXCHANGE = 50


async def exchange(tx: Transaction, *, client_id: str, req_msg_id: str) -> Json:
    """One exchange with its outcome and its webhooks, or a receipt with its exchanges.

    Raises RefusedError where it is unknown.
    """
    mine = await entities_of(tx, client_id)
    rows = await tx.fetch(_EXCHANGE, mine, req_msg_id, client_id)
    if not rows:
        receipt = await _receipt(tx, client_id, req_msg_id)
        if receipt is not None:
            return receipt
        detail = f"You are party to no exchange {req_msg_id}. Check the reqMsgId."
        raise RefusedError([UNKNOWN_EXCHANGE.at("reqMsgId", detail)])
    webhooks = await tx.fetch(_OF_EXCHANGE, mine, client_id, req_msg_id, _MOST_OF_AN_EXCHANGE)
    return {
        **_exchange(rows[0]),
        "documents": [*await _moved(tx, rows[0]), *await _held(tx, mine, rows[0])],
        "deliveries": [_delivery(row, tx.now) for row in reversed(webhooks)],
    }


async def _receipt(tx: Transaction, client_id: str, receipt_id: str) -> Json | None:
    """A call to several receivers, for the client that made it."""
    rows = await tx.fetch(_RECEIPT, receipt_id, client_id)
    if not rows:
        return None
    row, exchanges = rows[0], await tx.fetch(_OF_RECEIPT, receipt_id)
    return {
        "reqMsgId": receipt_id,
        "message": row["message"],
        "state": "OPEN" if row["waiting"] else "ENDED",
        "result": row["result"],
        "warnings": all_told(one["warnings"] for one in exchanges),
        "idempotencyKey": row["idempotency_key"],
        "createdAt": to_text(row["created_at"]),
        "endedAt": to_text_if(row["ended_at"]),
        "exchanges": [
            {
                "reqMsgId": one["req_msg_id"],
                "receiver": one["receiver_b2b"],
                "state": one["state"],
                "closing": one["closing"],
                "result": one["result"],
                "errorCd": one["error_code"],
                "errorDtl": one["error_detail"],
                "endedAt": to_text_if(one["ended_at"]),
            }
            for one in exchanges
        ],
    }


async def deliveries(
    tx: Transaction, client_id: str, filters: Filters, *, after: str, limit: int
) -> Json:
    """A page of deliveries, those of the newest exchanges first: `{deliveries, cursor}`.

    A page may be short and go on, where filters leave out much. Raises RefusedError for a cursor of
    another list.
    """
    req_msg_id, webhook_id = key_of(after, "deliveries", first=START)
    place = (str(req_msg_id), str(webhook_id))
    rows, behind = await page(tx, client_id, filters, after=place, limit=limit)
    return {
        "deliveries": [_delivery(row, tx.now) for row in rows],
        "cursor": behind and cursor("deliveries", *behind),
    }


async def delivery(tx: Transaction, *, client_id: str, webhook_id: str) -> Json:
    """One delivery with its latest 200 attempts, in order. Raises RefusedError where it is unknown."""
    mine = await entities_of(tx, client_id)
    rows = await tx.fetch(_NAMED, mine, client_id, webhook_id)
    if not rows:
        raise unknown_delivery(webhook_id)
    attempts = await tx.fetch(_ATTEMPTS, webhook_id, _MOST_ATTEMPTS)
    own = bool(rows[0]["inbound"])
    return {
        **_delivery(rows[0], tx.now),
        "attemptLog": [_attempt(row, tx.now, own=own) for row in reversed(attempts)],
    }


def unknown_delivery(webhook_id: str) -> RefusedError:
    """The refusal of a delivery that the client is no party to."""
    detail = f"You are party to no delivery {webhook_id}. Check the webhook id."
    return RefusedError([UNKNOWN_DELIVERY.at("webhookId", detail)])


def _exchange(row: Row) -> Json:
    return {
        "reqMsgId": row["req_msg_id"],
        "message": row["message"],
        "sender": row["sender_b2b"],
        "receiver": row["receiver_b2b"],
        "effect": row["effect"],
        "state": row["state"],
        "closing": row["closing"],
        "result": row["result"],
        "errorCd": row["error_code"],
        "errorDtl": row["error_detail"],
        "errorField": row["error_field"],
        "warnings": msgspec.Raw(row["warnings"].encode()),
        "idempotencyKey": row["idempotency_key"] if row["sent_by_me"] else None,
        "receipt": row["receipt_id"] if row["sent_by_me"] else None,
        "createdAt": to_text(row["created_at"]),
        "expiresAt": to_text_if(row["expires_at"]),
        "endedAt": to_text_if(row["ended_at"]),
    }


async def _moved(tx: Transaction, row: Row) -> list[Json]:
    """What the exchange does to each document that it moves."""
    moves = moves_from(row["moves"])
    found = [await tx.fetch(_AUTHORS, *move.key) for move in moves]
    return [
        {
            "type": move.type,
            "objectId": move.object_id,
            "author": authors[0]["author_b2b"],
            "how": Touches.MOVES.value,
            "from": move.source,
            "to": move.target,
            "version": move.new_version,
        }
        for move, authors in zip(moves, found, strict=True)
    ]


async def _held(tx: Transaction, mine: Sequence[str], row: Row) -> list[Json]:
    """The documents that the exchange draws on, as far as the reader may see them."""
    keys = holds_from(row["holds"])
    if not keys:
        return []
    parts = [sorted(set(part)) for part in zip(*keys, strict=True)]
    authors = {
        document_key(one): one["author_b2b"] for one in await tx.fetch(_SEEN, list(mine), *parts)
    }
    return [
        {
            "type": key[1],
            "objectId": key[2],
            "author": authors[key],
            "how": Touches.HOLDS.value,
            "from": None,
            "to": None,
            "version": None,
        }
        for key in keys
        if key in authors
    ]


def _delivery(row: Row, now: int) -> Json:
    waiting = row["state"] in {"QUEUED", "PARKED"}
    return {
        "webhookId": row["webhook_id"],
        "reqMsgId": row["req_msg_id"],
        "message": row["message"],
        "kind": row["kind"],
        "receiver": row["receiver_b2b"],
        "side": "inbound" if row["inbound"] else "outbound",
        "state": row["state"],
        "attempts": row["attempts"],
        "lastAttempt": _last_attempt(row, now),
        "redriven": bool(row["redriven"]),
        "dueAt": to_text(row["due_at"]) if waiting else None,
        "createdAt": to_text(row["created_at"]),
        "endedAt": to_text_if(row["ended_at"]),
    }


def _last_attempt(row: Row, now: int) -> Json | None:
    if row["started_at"] is None:
        return None
    return {
        "at": to_text(row["started_at"]),
        "status": row["status"],
        "milliseconds": row["milliseconds"],
        **_outcome(row, now),
    }


def _outcome(row: Row, now: int) -> Json:
    """What an attempt came to: one whose lease is over is under way no more, though nobody wrote its end.

    Its process was killed, or lost the database, and the exchange ended before a sweep could end the attempt.
    """
    if row["outcome"] == IN_FLIGHT and row["started_at"] + LEASE <= now:
        return {"outcome": Decision.FAILED.value, "reason": UNENDED}
    return {"outcome": row["outcome"], "reason": row["reason"]}


def _attempt(row: Row, now: int, *, own: bool) -> Json:
    return {
        "number": row["number"],
        "redriven": bool(row["redriven"]),
        "startedAt": to_text(row["started_at"]),
        "endedAt": to_text_if(row["ended_at"]),
        "status": row["status"],
        "milliseconds": row["milliseconds"],
        "reached": bool(row["reached"]),
        **_outcome(row, now),
        "answer": bytes(row["answer"]).decode("utf-8", "replace") if own else None,
    }
