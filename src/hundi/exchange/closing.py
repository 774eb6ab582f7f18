"""Leaving OPEN: the one conditional update that answers, the clock and the sender share."""

from collections.abc import Sequence

import msgspec

from hundi.exchange.answers import Resp
from hundi.exchange.record import RequestDelivery, State
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
ERASED = Code(
    "EXCHANGE-ERASED",
    Kind.CONFLICT,
    "The request was erased before the counterparty had it. The document is as it was.",
)
CODES = (EXPIRED, ABANDONED, ERASED)

_ENDINGS = "id text, state text, result text, code text, detail text, field text, at bigint"


def closing_exchanges(*, parameter: int = 1, after: str = "") -> str:
    """PostgreSQL's text that closes those of some exchanges that are OPEN, and names them.

    `parameter` brings `closing_rows`; as a part of a larger statement it begins when `after` can be told:
    a condition that is true.
    """
    return (
        "update exchange x set state = v.state, result = v.result, error_code = v.code,"
        " error_detail = v.detail, error_field = v.field, ended_at = v.at"
        f" from {rows(_ENDINGS, parameter=parameter)} v"
        f" where x.req_msg_id = v.id and x.state = 'OPEN'{after} returning x.req_msg_id"
    )


_CLOSE = Bulk.of(
    postgresql=closing_exchanges(),
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


class Ending(msgspec.Struct, frozen=True, kw_only=True):
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

    def must_wait(self, delivery: RequestDelivery | None) -> bool:
        """An end that nobody answered for waits for the attempt under way: its answer wins."""
        undecided = not self.answered and not self.by_attempt
        return undecided and delivery is not None and delivery.leased

    def may_have_reached(self, delivery: RequestDelivery | None) -> bool:
        """Whether the receiver may hold the request."""
        if delivery is None:
            return self.reached
        if self.by_attempt:
            return self.reached or delivery.reached
        return delivery.may_have_reached


def unanswered(
    req_msg_id: str, state: State, *, by_attempt: bool = False, reached: bool = False
) -> Ending:
    """The end of an exchange that the counterparty did not decide: expired or abandoned."""
    code = EXPIRED if state is State.EXPIRED else ABANDONED
    resp = Resp(req_msg_id, "FAILURE", code.name, code.meaning, "")
    return Ending(
        req_msg_id=req_msg_id, state=state, resp=resp, by_attempt=by_attempt, reached=reached
    )


def erased(req_msg_id: str) -> Ending:
    """The end of a proposal whose bytes were erased before it was delivered: given up for good."""
    resp = Resp(req_msg_id, "FAILURE", ERASED.name, ERASED.meaning, "")
    return Ending(
        req_msg_id=req_msg_id, state=State.ABANDONED, resp=resp, by_attempt=True, reached=False
    )


async def close_exchanges(tx: Transaction, endings: Sequence[Ending], writes: Writes) -> set[str]:
    """Leave OPEN, once: the ids of those that this call closed. `writes` is told of them."""
    closed = await tx.bulk(_CLOSE, closing_rows(endings, tx.now))
    won = {row["req_msg_id"] for row in closed}
    note_closed(writes, won, endings, now=tx.now)
    return won


def closing_rows(endings: Sequence[Ending], now: int) -> list[tuple[object, ...]]:
    """Rows for `closing_exchanges`: the first ending of each exchange, in the order of their ids."""
    first = {e.req_msg_id: e for e in reversed(endings)}
    return [_closing_row(first[id_], now) for id_ in sorted(first)]


def note_closed(writes: Writes, won: set[str], endings: Sequence[Ending], *, now: int) -> None:
    """Count exchanges that were closed, by the state that they entered; their `req-X` end with them.

    Nobody else counts one: whoever closes has told `writes` here, and its commit tells the metrics.
    """
    first = {e.req_msg_id: e for e in reversed(endings)}
    closed = [first[id_] for id_ in won]
    writes.entered.update(e.state.value for e in closed)
    writes.ended_requests += [
        (e.req_msg_id, "DELIVERED" if e.answered else "WITHDRAWN", now) for e in closed
    ]


def _closing_row(ending: Ending, now: int) -> tuple[object, ...]:
    resp = ending.resp
    words = (resp.result, resp.error_code, resp.error_detail, resp.error_field)
    return (ending.req_msg_id, ending.state.value, *words, now)


async def mark_closing(tx: Transaction, endings: Sequence[Ending]) -> None:
    """Let exchanges with an attempt under way end with it, unless its answer decides."""
    await tx.bulk(_MARK_CLOSING, sorted((e.req_msg_id, e.state.value) for e in endings))
