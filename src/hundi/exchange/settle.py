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
from hundi.exchange.following import consequences, followers_of
from hundi.exchange.gathering import papers_of
from hundi.exchange.papers import guarded_accounts
from hundi.exchange.receipts import answer_receipts
from hundi.exchange.record import (
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
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
        followers = await followers_of(tx, exchanges.values())
        exchanges |= await load_exchanges(tx, followers, self.messages)
        documents = await lock_documents(tx, {key for x in exchanges.values() for key in x.keys})
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
        ending = [exchanges[id_] for id_ in sorted(won)]
        papers = await papers_of(tx, self.types, documents, step="e", ending=ending)
        concluded: set[str] = set()  # one call may bring two answers to the same request
        for one in due:
            exchange = exchanges[one.req_msg_id]
            if one.req_msg_id in won - concluded:
                concluded.add(one.req_msg_id)
                writes.entered[one.state.value] += 1
                reached = one.may_have_reached(held.get(one.req_msg_id))
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
                note_late(writes, exchange, papers=papers, ending=one, now=tx.now)
        await answer_receipts(tx, ending, papers=papers, writes=writes)
        writes.documents.extend(papers.documents.values())
        writes.book(papers.books, guarded_accounts(self.types), tx.now)
        return _told(known, waiting, won)


def _told(known: Sequence[Ending], waiting: Sequence[Ending], won: set[str]) -> dict[str, Ended]:
    marked = {e.req_msg_id for e in waiting}
    told = {}
    for ending in known:
        ended = Ended.ENDED if ending.req_msg_id in won else Ended.LATE
        told[ending.req_msg_id] = Ended.CLOSING if ending.req_msg_id in marked else ended
    return told
