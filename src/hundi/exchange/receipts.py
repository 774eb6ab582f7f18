"""Receipts: a call to several receivers is several exchanges; its sender is answered once.

The ack names the receipt. Each exchange lives and ends by itself; whoever ends the last one, in its
own transaction, queues the one `resp-X`. Receipts are locked after exchanges, in order of their ids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hundi.exchange.answers import Resp, outcome_body
from hundi.exchange.papers import Papers
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.request import Request
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import Writes
from hundi.kernel.identity import response_id
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

ENDED = "ENDED"
"""State of a receipt all of whose exchanges have ended; before that it is OPEN."""

_COUNT_DOWN = Bulk.of(
    postgresql="update receipt r set waiting = r.waiting - v.n from "
    + rows("id text, n integer")
    + " v where r.receipt_id = v.id returning r.receipt_id, r.waiting",
    sqlite="update receipt set waiting = waiting - $2 where receipt_id = $1"
    " returning receipt_id, waiting",
    returns=True,
)
_END = Bulk.of(
    postgresql="update receipt r set result = v.result, ended_at = v.at from "
    + rows("id text, result text, at bigint")
    + " v where r.receipt_id = v.id",
    sqlite="update receipt set result = $2, ended_at = $3 where receipt_id = $1",
    returns=False,
)
_LEGS = Statement.both(
    "select x.receipt_id, x.req_msg_id, x.receiver_b2b, x.state, x.error_code, x.error_detail,"
    " x.error_field from exchange x where x.receipt_id = any($1::text[])"
    " order by x.receipt_id, x.req_msg_id"
)
_CALLS = Statement.both("select body_id, bytes from body where body_id = any($1::text[])")


class LegEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How one exchange of a receipt ended."""

    receiver_b2b: str
    state: str
    error_code: str = ""
    error_detail: str = ""
    error_field: str = ""


def outcome(receipt_id: str, legs: Sequence[LegEnd]) -> Resp:
    """The one answer: SUCCESS, PARTIAL or FAILURE, with the words of the first that failed."""
    failed = [one for one in legs if one.state != State.SETTLED.value]
    if not failed:
        return Resp(receipt_id, "SUCCESS")
    told = "; ".join(f"{one.receiver_b2b} {one.state}: {one.error_detail}" for one in failed)
    return Resp(
        receipt_id,
        "PARTIAL" if len(failed) < len(legs) else "FAILURE",
        failed[0].error_code,
        f"{len(failed)} of {len(legs)} did not settle. {told}"[:1000],
        failed[0].error_field,
    )


def new_receipt(
    writes: Writes,
    receipt_id: str,
    exchanges: Sequence[Exchange],
    *,
    waiting: int,
    request: Request,
    papers: Papers,
    now: int,
) -> None:
    """The receipt of a call; it has ended at once where no exchange waits for an answer."""
    first = exchanges[0]
    resp = outcome(
        receipt_id,
        [LegEnd(receiver_b2b=x.receiver_b2b, state=State.SETTLED.value) for x in exchanges],
    )
    writes.receipts.append(
        (
            receipt_id,
            stored_name(first.message),
            first.client_id,
            waiting,
            "PENDING" if waiting else resp.result,
            request.idempotency_key,
            now,
            None if waiting else now,
        )
    )
    writes.bodies.append((receipt_id, request.raw))
    if not waiting:
        _queue(writes, exchanges, papers=papers, resp=resp, call=request.raw)


async def answer_receipts(
    tx: Transaction, ended: Sequence[Exchange], *, papers: Papers, writes: Writes
) -> None:
    """Count what has ended off the receipts, and answer those of which nothing is left."""
    counts = Counter(one.receipt_id for one in ended if one.receipt_id is not None)
    if not counts:
        return
    left = await tx.bulk(_COUNT_DOWN, sorted(counts.items()))
    done = sorted(row["receipt_id"] for row in left if not row["waiting"])
    if not done:
        return
    legs = await _legs(tx, done)
    calls = {row["body_id"]: bytes(row["bytes"]) for row in await tx.fetch(_CALLS, done)}
    results: list[tuple[Any, ...]] = []
    for receipt_id in done:
        resp = outcome(receipt_id, legs[receipt_id])
        results.append((receipt_id, resp.result, tx.now))
        last = [one for one in ended if one.receipt_id == receipt_id]
        _queue(writes, last, papers=papers, resp=resp, call=calls.get(receipt_id))
    await tx.bulk(_END, results)


async def _legs(tx: Transaction, receipt_ids: Sequence[str]) -> Mapping[str, list[LegEnd]]:
    found: dict[str, list[LegEnd]] = {}
    for row in await tx.fetch(_LEGS, list(receipt_ids)):
        found.setdefault(row["receipt_id"], []).append(_leg_end(row))
    return found


def _leg_end(row: Row) -> LegEnd:
    return LegEnd(
        receiver_b2b=row["receiver_b2b"],
        state=row["state"],
        error_code=row["error_code"],
        error_detail=row["error_detail"],
        error_field=row["error_field"],
    )


def _queue(
    writes: Writes, last: Sequence[Exchange], *, papers: Papers, resp: Resp, call: bytes | None
) -> None:
    """The `resp-X` of the call, in the lanes of what its last exchanges were about."""
    exchange = last[-1]
    if exchange.sender_mailbox:
        return
    body_id = response_id(resp.req_msg_id)
    payload = outcome_body(call, exchange.message.informs, resp)
    writes.bodies.append((body_id, payload))
    about = [papers.documents[move.key] for one in last for move in one.moves]
    writes.webhook(
        Kind.RESPONSE,
        about,
        webhook_id=body_id,
        req_msg_id=exchange.req_msg_id,
        effect=exchange.effect.value,
        receiver_b2b=exchange.sender_b2b,
        client_id=exchange.client_id,
        path=exchange.message.inform,
        body_id=body_id,
        idempotency_key=exchange.idempotency_key,
        trace=exchange.trace,
    )
