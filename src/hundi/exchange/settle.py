"""Ending exchanges: settled, declined, expired, abandoned. OPEN is left exactly once.

The expiry sweeper, abandoning and the counterparty's answer share one conditional update. Documents
are locked first, in key order, then deliveries, then exchanges, by every caller.
"""

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from enum import Enum

from hundi.exchange.answers import Resp
from hundi.exchange.conclude import conclude
from hundi.exchange.definition import DocumentType, MessageType
from hundi.exchange.document import Document
from hundi.exchange.journal import Step, append
from hundi.exchange.record import (
    Exchange,
    RequestDelivery,
    State,
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
    stored_name,
)
from hundi.exchange.writes import Writes
from hundi.kernel.faults import Code, Kind
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, rows

EXPIRED = Code(
    "EXCHANGE-EXPIRED",
    Kind.CONFLICT,
    "The counterparty's system did not answer in time. The document is as it was; send it again.",
)
ABANDONED = Code(
    "EXCHANGE-ABANDONED",
    Kind.CONFLICT,
    "The sender gave the exchange up. The document is as it was.",
)
CODES = (EXPIRED, ABANDONED)

_CLOSE = Bulk.of(
    postgresql="update exchange x set state = v.state, result = v.result, error_code = v.code,"
    " error_detail = v.detail, error_field = v.field, ended_at = v.at"
    " from "
    + rows("id text, state text, result text, code text, detail text, field text, at bigint")
    + " v"
    " where x.req_msg_id = v.id and x.state = 'OPEN' returning x.req_msg_id",
    sqlite="update exchange set state = $2, result = $3, error_code = $4, error_detail = $5,"
    " error_field = $6, ended_at = $7 where req_msg_id = $1 and state = 'OPEN'"
    " returning req_msg_id",
    returns=True,
)
_MARK_CLOSING = Bulk.of(
    postgresql="update exchange x set closing = v.state from "
    + rows("id text, state text")
    + " v where x.req_msg_id = v.id and x.state = 'OPEN' and x.closing is null",
    sqlite="update exchange set closing = $2 where req_msg_id = $1 and state = 'OPEN'"
    " and closing is null",
    returns=False,
)
_FINISH_REQUEST = Bulk.of(
    postgresql="update delivery d set state = v.state, ended_at = v.at, lease_until = null"
    " from " + rows("id text, state text, at bigint") + " v"
    " where d.webhook_id = v.id and d.state in ('QUEUED', 'LEASED', 'PARKED')",
    sqlite="update delivery set state = $2, ended_at = $3, lease_until = null"
    " where webhook_id = $1 and state in ('QUEUED', 'LEASED', 'PARKED')",
    returns=False,
)


class Ended(Enum):
    """What became of a wish to end an exchange."""

    ENDED = "ENDED"
    CLOSING = "CLOSING"  # an attempt is under way: its answer wins, else the end comes with it
    LATE = "LATE"  # the exchange had ended before


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A wish to end an exchange.

    `by_attempt` when it comes with the end of the attempt that held the lease; `reached` says then
    whether that attempt may have reached the receiver.
    """

    req_msg_id: str
    state: State
    resp: Resp
    by_attempt: bool
    reached: bool

    @property
    def answered(self) -> bool:
        """Whether the counterparty decided, and not a clock or the sender."""
        return self.state in {State.SETTLED, State.DECLINED}


def unanswered(
    req_msg_id: str, state: State, *, by_attempt: bool = False, reached: bool = False
) -> Ending:
    """The end of an exchange that the counterparty did not decide: expired or abandoned."""
    code = EXPIRED if state is State.EXPIRED else ABANDONED
    resp = Resp(req_msg_id, "FAILURE", code.name, code.meaning, "")
    return Ending(
        req_msg_id=req_msg_id, state=state, resp=resp, by_attempt=by_attempt, reached=reached
    )


@dataclass(frozen=True, slots=True)
class Settler:
    """Ends exchanges in batches. `messages` are keyed by stored name, `types` by document type."""

    messages: Mapping[str, MessageType]
    types: Mapping[str, DocumentType]

    async def end(self, tx: Transaction, endings: Sequence[Ending]) -> dict[str, Ended]:
        """End what is still open; what each wish came to, by reqMsgId (unknown ids are left out)."""
        exchanges = await load_exchanges(tx, [e.req_msg_id for e in endings], self.messages)
        known = [e for e in endings if e.req_msg_id in exchanges]
        documents = await lock_documents(tx, {m.key for x in exchanges.values() for m in x.moves})
        held = await lock_request_deliveries(tx, [e.req_msg_id for e in known])
        waiting = [e for e in known if _must_wait(e, held.get(e.req_msg_id))]
        await tx.bulk(_MARK_CLOSING, [(e.req_msg_id, e.state.value) for e in waiting])
        due = [e for e in known if e not in waiting]
        won = await close_exchanges(tx, due)
        writes = Writes()
        concluded: set[str] = set()  # one call may bring two answers to the same request
        for ending in due:
            exchange = exchanges[ending.req_msg_id]
            document = documents[exchange.moves[0].key]
            if ending.req_msg_id in won - concluded:
                concluded.add(ending.req_msg_id)
                reached = _reached(ending, held.get(ending.req_msg_id))
                after = self._conclude(
                    writes, exchange, document=document, ending=ending, reached=reached, now=tx.now
                )
            else:
                after = _late(writes, exchange, document=document, ending=ending, now=tx.now)
            documents[after.key] = after
        writes.documents.extend(documents.values())
        await writes.flush(tx)
        return _told(known, waiting, won)

    def _conclude(
        self,
        writes: Writes,
        exchange: Exchange,
        *,
        document: Document,
        ending: Ending,
        reached: bool,
        now: int,
    ) -> Document:
        return conclude(
            writes,
            exchange,
            document=document,
            kind=self.types[document.type],
            state=ending.state,
            resp=ending.resp,
            reached=reached,
            now=now,
        )


async def close_exchanges(tx: Transaction, endings: Sequence[Ending]) -> set[str]:
    """Leave OPEN, once: the ids of those that this call closed. Their `req-X` is withdrawn."""
    first = {e.req_msg_id: e for e in reversed(endings)}
    ordered = [first[id_] for id_ in sorted(first)]
    closed = await tx.bulk(_CLOSE, [_closing_row(e, tx.now) for e in ordered])
    won = {row["req_msg_id"] for row in closed}
    await tx.bulk(
        _FINISH_REQUEST,
        [
            (e.req_msg_id, "DELIVERED" if e.answered else "WITHDRAWN", tx.now)
            for e in ordered
            if e.req_msg_id in won
        ],
    )
    return won


def _closing_row(ending: Ending, now: int) -> tuple[object, ...]:
    resp = ending.resp
    words = (resp.result, resp.error_code, resp.error_detail, resp.error_field)
    return (ending.req_msg_id, ending.state.value, *words, now)


def _must_wait(ending: Ending, delivery: RequestDelivery | None) -> bool:
    """An end that nobody answered for waits for the attempt under way: its answer wins."""
    return (
        not ending.answered and not ending.by_attempt and delivery is not None and delivery.leased
    )


def _reached(ending: Ending, delivery: RequestDelivery | None) -> bool:
    if delivery is None:
        return ending.reached
    if ending.by_attempt:
        return ending.reached or delivery.reached
    return delivery.may_have_reached


def _late(
    writes: Writes, exchange: Exchange, *, document: Document, ending: Ending, now: int
) -> Document:
    """Journal an answer that came after the end; nothing else changes."""
    after = copy(document)
    writes.journal.append(
        append(
            after,
            Step.LATE,
            message=stored_name(exchange.message),
            req_msg_id=exchange.req_msg_id,
            digest=hashlib.sha256(ending.resp.result.encode()).digest(),
            detail=ending.resp.result,
            now=now,
        )
    )
    return after


def _told(known: Sequence[Ending], waiting: Sequence[Ending], won: set[str]) -> dict[str, Ended]:
    marked = {e.req_msg_id for e in waiting}
    told = {}
    for ending in known:
        ended = Ended.ENDED if ending.req_msg_id in won else Ended.LATE
        told[ending.req_msg_id] = Ended.CLOSING if ending.req_msg_id in marked else ended
    return told
