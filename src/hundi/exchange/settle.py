"""Ending exchanges: settled, declined, expired, abandoned. OPEN is left exactly once.

The expiry sweeper, abandoning and the counterparty's answer share one conditional update. Documents
are locked first, in key order, then deliveries, then exchanges, by every caller.
"""

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from enum import Enum

from hundi.exchange.closing import Ending, close_exchanges, mark_closing
from hundi.exchange.conclude import conclude
from hundi.exchange.definition import DocumentType, MessageType
from hundi.exchange.gathering import papers_of
from hundi.exchange.journal import Step, append
from hundi.exchange.papers import Papers, guarded_accounts
from hundi.exchange.receipts import answer_receipts
from hundi.exchange.record import (
    Exchange,
    RequestDelivery,
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
    stored_name,
)
from hundi.exchange.writes import Writes
from hundi.store.engine import Transaction


class Ended(Enum):
    """What became of a wish to end an exchange."""

    ENDED = "ENDED"
    CLOSING = "CLOSING"  # an attempt is under way: its answer wins, else the end comes with it
    LATE = "LATE"  # the exchange had ended before


@dataclass(frozen=True, slots=True)
class Settler:
    """Ends exchanges in batches. `messages` are keyed by stored name, `types` by document type."""

    messages: Mapping[str, MessageType]
    types: Mapping[str, DocumentType]

    async def end(self, tx: Transaction, endings: Sequence[Ending]) -> dict[str, Ended]:
        """End what is still open; what each wish came to, by reqMsgId (unknown ids are left out)."""
        writes = Writes()
        told = await self.prepare(tx, endings, writes)
        await writes.flush(tx)
        return told

    async def prepare(
        self, tx: Transaction, endings: Sequence[Ending], writes: Writes
    ) -> dict[str, Ended]:
        """The same, with the exchanges closed and every other row left in `writes` to be flushed."""
        exchanges = await load_exchanges(tx, [e.req_msg_id for e in endings], self.messages)
        known = [e for e in endings if e.req_msg_id in exchanges]
        documents = await lock_documents(tx, {key for x in exchanges.values() for key in x.keys})
        held = await lock_request_deliveries(tx, [e.req_msg_id for e in known])
        waiting = [e for e in known if _must_wait(e, held.get(e.req_msg_id))]
        await mark_closing(tx, waiting)
        due = [e for e in known if e not in waiting]
        won = await close_exchanges(tx, due, writes)
        ending = [exchanges[id_] for id_ in sorted(won)]
        papers = await papers_of(tx, self.types, documents, step="e", ending=ending)
        concluded: set[str] = set()  # one call may bring two answers to the same request
        for one in due:
            exchange = exchanges[one.req_msg_id]
            if one.req_msg_id in won - concluded:
                concluded.add(one.req_msg_id)
                reached = _reached(one, held.get(one.req_msg_id))
                conclude(
                    writes,
                    exchange,
                    papers=papers,
                    state=one.state,
                    resp=one.resp,
                    reached=reached,
                    now=tx.now,
                )
            elif one.answered:  # a clock or the sender that came too late did nothing
                _late(writes, exchange, papers=papers, ending=one, now=tx.now)
        await answer_receipts(tx, ending, papers=papers, writes=writes)
        writes.documents.extend(papers.documents.values())
        writes.book(papers.books, guarded_accounts(self.types), tx.now)
        return _told(known, waiting, won)


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


def _late(writes: Writes, exchange: Exchange, *, papers: Papers, ending: Ending, now: int) -> None:
    """Journal an answer that came after the end; nothing else changes."""
    key = exchange.moves[0].key
    after = papers.documents[key] = copy(papers.documents[key])
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


def _told(known: Sequence[Ending], waiting: Sequence[Ending], won: set[str]) -> dict[str, Ended]:
    marked = {e.req_msg_id for e in waiting}
    told = {}
    for ending in known:
        ended = Ended.ENDED if ending.req_msg_id in won else Ended.LATE
        told[ending.req_msg_id] = Ended.CLOSING if ending.req_msg_id in marked else ended
    return told
