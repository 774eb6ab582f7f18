"""Ending exchanges: settled, declined, expired, abandoned. OPEN is left exactly once.

The expiry sweeper, abandoning and the counterparty's answer share one conditional update. Documents
are locked first, in key order, then deliveries, then exchanges, by every caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from hundi.exchange.closing import Ending, close_exchanges, mark_closing
from hundi.exchange.conclude import conclude, note_late
from hundi.exchange.definition import DocumentType, MessageType
from hundi.exchange.document import Document
from hundi.exchange.following import consequences, followers_of
from hundi.exchange.gathering import papers_of
from hundi.exchange.last_read import locked_and_closed
from hundi.exchange.papers import Papers, guarded_accounts
from hundi.exchange.receipts import answer_receipts
from hundi.exchange.record import (
    Exchange,
    RequestDelivery,
    exchange_from,
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
)
from hundi.exchange.writes import Writes
from hundi.ledger.model import Key
from hundi.store.engine import Row, Transaction


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

    async def end(self, tx: Transaction, endings: Sequence[Ending]) -> "Became":
        """End what is still open."""
        writes = Writes()
        told = await self.prepare(tx, endings, writes)
        await writes.flush(tx)
        return Became(told, writes.entered)

    async def prepare(
        self,
        tx: Transaction,
        endings: Sequence[Ending],
        writes: Writes,
        *,
        read: Sequence[Row] = (),
    ) -> dict[str, Ended]:
        """What each wish came to, by reqMsgId (unknown ids are left out).

        Exchanges are closed; every other row is left in `writes` to be flushed. `read` are rows of
        `OF_EXCHANGE` that somebody has read before.
        """
        exchanges = {row["req_msg_id"]: exchange_from(row, self.messages) for row in read}
        unread = [e.req_msg_id for e in endings if e.req_msg_id not in exchanges]
        exchanges |= await load_exchanges(tx, unread, self.messages)
        known = [e for e in endings if e.req_msg_id in exchanges]
        left = await self._closed(tx, known, exchanges=exchanges, writes=writes)
        ending = [exchanges[id_] for id_ in sorted(left.won)]
        papers = await papers_of(tx, self.types, left.documents, step="e", ending=ending)
        self._concluded(left, exchanges, papers, writes=writes, now=tx.now)
        await answer_receipts(tx, ending, papers=papers, writes=writes)
        writes.documents.extend(papers.documents.values())
        writes.book(papers.books, guarded_accounts(self.types), tx.now)
        return _told(known, left)

    async def _closed(
        self,
        tx: Transaction,
        known: Sequence[Ending],
        *,
        exchanges: dict[str, Exchange],
        writes: Writes,
    ) -> "_Left":
        """Lock everything that ends and close what may leave OPEN; followers join `exchanges`."""
        followers = await followers_of(tx, exchanges.values())
        exchanges |= await load_exchanges(tx, followers, self.messages)
        keys = {key for x in exchanges.values() for key in x.keys}
        if not followers and known and all(e.by_attempt for e in known):
            documents, held, won = await locked_and_closed(tx, keys, known, writes=writes)
            return _Left(documents, held, due=known, waiting=(), won=won)
        documents = await lock_documents(tx, keys)
        held = await lock_request_deliveries(tx, list(exchanges))
        waiting = [e for e in known if e.must_wait(held.get(e.req_msg_id))]
        await mark_closing(tx, waiting)
        due = [e for e in known if e not in waiting]
        won = await close_exchanges(tx, due, writes)
        if followers:
            ended = [e for e in due if e.req_msg_id in won]
            after = consequences(ended, exchanges, writes, now=tx.now)
            won |= await close_exchanges(tx, after, writes)
            due += after
        return _Left(documents, held, due=due, waiting=waiting, won=won)

    def _concluded(
        self,
        left: "_Left",
        exchanges: Mapping[str, Exchange],
        papers: Papers,
        *,
        writes: Writes,
        now: int,
    ) -> None:
        concluded: set[str] = set()  # one call may bring two answers to the same request
        for one in left.due:
            exchange = exchanges[one.req_msg_id]
            if one.req_msg_id in left.won and one.req_msg_id not in concluded:
                concluded.add(one.req_msg_id)
                conclude(
                    writes,
                    exchange,
                    papers=papers,
                    state=one.state,
                    resp=one.resp,
                    reached=one.may_have_reached(left.held.get(one.req_msg_id)),
                    now=now,
                )
            elif one.answered:  # a clock or the sender that came too late did nothing
                note_late(writes, exchange, papers=papers, ending=one, now=now)


@dataclass(frozen=True, slots=True)
class Became:
    """What wishes to end exchanges came to, by reqMsgId, and how many ended, by the state they entered.

    More than was wished for may end: what follows an exchange ends with it.
    """

    told: Mapping[str, Ended]
    entered: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Left:
    """Documents and deliveries under their locks; of the endings that were `due`, `won` left OPEN."""

    documents: dict[Key, Document]
    held: Mapping[str, RequestDelivery]
    due: Sequence[Ending]
    waiting: Sequence[Ending]
    won: set[str]


def _told(known: Sequence[Ending], left: _Left) -> dict[str, Ended]:
    marked = {e.req_msg_id for e in left.waiting}
    told = {}
    for ending in known:
        ended = Ended.ENDED if ending.req_msg_id in left.won else Ended.LATE
        told[ending.req_msg_id] = Ended.CLOSING if ending.req_msg_id in marked else ended
    return told
