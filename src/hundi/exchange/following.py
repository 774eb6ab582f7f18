"""Exchanges that wait for another one of their call: losers hear of it once the winner has agreed.

The first exchange of a call leads. A follower is accepted with it and keeps its documents busy, but
its `req-X` is held. It goes out when the leader has settled; where the leader ends otherwise, the
follower is given up, and its receiver never knew.
"""

from collections.abc import Iterable, Mapping, Sequence

from hundi.exchange.answers import Resp
from hundi.exchange.closing import Ending, unanswered
from hundi.exchange.record import Exchange, State
from hundi.exchange.writes import Writes
from hundi.store.engine import Transaction
from hundi.store.statement import Statement

HELD = "HELD"
"""State of the delivery of a follower's `req-X`."""

_FOLLOWERS = Statement.both(
    "select req_msg_id from exchange where leader_id = any($1::text[]) and state = 'OPEN'"
    " order by req_msg_id"
)


async def followers_of(tx: Transaction, exchanges: Iterable[Exchange]) -> list[str]:
    """The open exchanges that wait for some others. Not locked: closing them decides."""
    leaders = [x.req_msg_id for x in exchanges if x.receipt_id is not None and x.leader_id is None]
    rows = await tx.fetch(_FOLLOWERS, leaders) if leaders else ()
    return [row["req_msg_id"] for row in rows]


def consequences(
    ended: Sequence[Ending], exchanges: Mapping[str, Exchange], writes: Writes, *, now: int
) -> list[Ending]:
    """How followers of what has just ended end too; those that go on are released in `writes`."""
    states = {one.req_msg_id: one.state for one in ended}
    endings: list[Ending] = []
    for exchange in exchanges.values():
        state = states.get(exchange.leader_id or "")
        if state is None:
            continue
        if state is not State.SETTLED:
            endings.append(unanswered(exchange.req_msg_id, State.ABANDONED))
        elif exchange.receiver_mailbox:
            endings.append(_at_once(exchange))
        else:
            writes.released.append((exchange.req_msg_id, now))
    return endings


def _at_once(exchange: Exchange) -> Ending:
    """A mailbox holds what reaches it."""
    return Ending(
        req_msg_id=exchange.req_msg_id,
        state=State.SETTLED,
        resp=Resp(exchange.req_msg_id, "SUCCESS"),
        by_attempt=False,
        reached=True,
    )
