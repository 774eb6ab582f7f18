"""The outbox: what attempts to deliver led to, and what nobody finished.

An attempt whose end nobody wrote counts as one that reached the receiver, and its lease's end as a
failed attempt.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import msgspec

from hundi.exchange.answers import Resp
from hundi.exchange.closing import Ending, erased, unanswered
from hundi.exchange.definition import Effect
from hundi.exchange.lapse import lapse
from hundi.exchange.leases import Leased, leased_from
from hundi.exchange.record import State, needed
from hundi.exchange.settle import Ended, Settler
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict
from hundi.exchange.writes import Writes
from hundi.ledger.model import Key
from hundi.store.engine import RetryableError, Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

ANSWER_KEPT = 512
LEASES, EXPIRY, LAPSING = SWEEPS = ("leases", "expiry", "lapsing")
"""What is swept, by the names under which it is counted."""

_DONE = Bulk.of(
    postgresql="update delivery d set state = 'DELIVERED', ended_at = v.at, lease_until = null"
    " from " + rows("id text, at bigint") + " v"
    " where d.webhook_id = v.id and d.state in ('QUEUED', 'LEASED', 'PARKED')"
    # The end of an attempt from before it takes no redrive away that somebody was promised.
    " and not (d.redriven and d.state = 'QUEUED')",
    sqlite="update delivery set state = 'DELIVERED', ended_at = $2, lease_until = null"
    " where webhook_id = $1 and state in ('QUEUED', 'LEASED', 'PARKED')"
    " and not (redriven and state = 'QUEUED')",
    returns=False,
)
_RESCHEDULE = Bulk.of(
    postgresql="update delivery d set state = v.state, due_at = v.due, failures = v.failures,"
    " reached = d.reached or v.reached, lease_until = null,"
    # Given back, it has not been sent yet, and is redriven still.
    " redriven = d.redriven and not v.reached and v.failures = d.failures"
    " from "
    + rows("id text, number integer, state text, due bigint, failures integer, reached boolean")
    + " v"
    # No partial index may tempt the planner away from the key.
    " where d.webhook_id = v.id and d.state || '' = 'LEASED' and d.attempts = v.number",
    sqlite="update delivery set state = $3, due_at = $4, failures = $5,"
    " reached = max(reached, $6), lease_until = null,"
    " redriven = (redriven and not $6 and failures = $5)"
    " where webhook_id = $1 and state = 'LEASED' and attempts = $2",
    returns=False,
)
_END_ATTEMPT = Bulk.of(
    postgresql="update attempt a set ended_at = v.at, status = v.status, milliseconds = v.ms,"
    " reached = v.reached, outcome = v.outcome, reason = v.reason, answer = v.answer"
    " from "
    + rows(
        "id text, number integer, at bigint, status integer, ms integer, reached boolean, outcome text, reason text, answer bytea"
    )
    + " v"
    " where a.webhook_id = v.id and a.number = v.number and a.ended_at is null",
    sqlite="update attempt set ended_at = $3, status = $4, milliseconds = $5, reached = $6,"
    " outcome = $7, reason = $8, answer = $9"
    " where webhook_id = $1 and number = $2 and ended_at is null",
    returns=False,
)
_BY_ATTEMPT: Callable[[Sequence[Any]], Any] = itemgetter(0, 1)
_CLOSING = Statement.both(
    "select x.req_msg_id, x.closing, d.attempts from exchange x"
    " join delivery d on d.webhook_id = x.req_msg_id"
    " where x.req_msg_id = any($1::text[]) and x.closing is not null and x.state = 'OPEN'"
)
_LAPSED = Statement.both(
    "select webhook_id, req_msg_id, kind, effect, attempts, failures, created_at, client_id,"
    " sequences, trace"
    " from delivery where state = 'LEASED' and lease_until <= $1"
    " order by lease_until limit $2"
)
_DUE_TO_EXPIRE = Statement.both(
    "select req_msg_id from exchange where state = 'OPEN' and closing is null"
    " and expires_at is not null and expires_at <= $1 order by expires_at limit $2"
)


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt came to.

    `wait` is in microseconds from now to the next attempt; `parks` ends the trying until somebody
    redrives it. `trace` is the context of the attempt, for what it leads to.
    """

    leased: Leased
    answer: Answer
    verdict: Verdict
    wait: int
    parks: bool
    trace: str | None = None

    def needs(self) -> Iterator[Hashable]:
        """What its writing may find locked: its webhook, and of one that ends an exchange the documents.

        One that ends it because somebody is closing it is not told from others here.
        """
        leased = self.leased
        yield from (leased.webhook_id, leased.req_msg_id)
        ends = _done(self) or self.verdict.decision is Decision.ERASED
        if ends and leased.row is not None and leased.row["message"] is not None:
            yield from needed(leased.row)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes what attempts led to, and sweeps what nobody finished."""

    settler: Settler

    async def finish(self, tx: Transaction, results: Sequence[AttemptResult]) -> Counter[str]:
        """Settle, deliver or reschedule, each in the order that locks documents first.

        How many exchanges it ends, by the state that they enter: not each answer ends one.
        Raises RetryableError where an exchange began to close since it was looked at.
        """
        closing = await _closing(tx, results)
        writes = Writes()
        endings = [e for r in results for e in _endings(r, closing)]
        ended = await self.settler.prepare(tx, endings, writes, read=_read(results, endings))
        freed = (r for r in results if r.leased.has_further_lanes and _done(r))
        writes.freed += [(r.leased.webhook_id,) for r in freed]
        # A `req-X` whose exchange has ended just now is ended with it, by `writes`, and by it alone:
        # PostgreSQL runs what is flushed together as one statement, which writes a row only once.
        left = [r for r in results if not _ended(r, ended)]
        await writes.flush(
            tx,
            (_DONE, sorted((r.leased.webhook_id, tx.now) for r in left if _done(r))),
            (_RESCHEDULE, sorted(_rescheduled(r, tx.now) for r in left if not _done(r))),
            # Two may write the same ends, a late answer and a sweep: in one order.
            (_END_ATTEMPT, sorted((_attempt_row(r, tx.now) for r in results), key=_BY_ATTEMPT)),
        )
        # Who closes an exchange holds its delivery's row, and so do we from here on: whoever was
        # first was told that no further attempt is made, whoever comes now finds no lease.
        if await _closing(tx, results):
            raise RetryableError("an exchange began to close while its attempt was written down")
        return writes.entered

    async def expire(self, tx: Transaction, ids: Sequence[str]) -> Counter[str]:
        """End proposals whose time is over; how many exchanges ended, by state."""
        writes = Writes()
        await self.settler.prepare(tx, [unanswered(id_, State.EXPIRED) for id_ in ids], writes)
        await writes.flush(tx)
        return writes.entered

    async def lapse(self, tx: Transaction, keys: Sequence[Key]) -> None:
        """End documents that nobody has answered in time."""
        await lapse(tx, self.settler, keys)


async def find_lapsed(tx: Transaction, most: int) -> list[Leased]:
    """Deliveries whose lease ran out without an end: their attempts failed."""
    found = await tx.fetch(_LAPSED, tx.now, most)
    return [leased_from(row, tx.now, sending=False) for row in found]


async def find_expired(tx: Transaction, most: int) -> list[str]:
    """Proposals whose time is over."""
    return [row["req_msg_id"] for row in await tx.fetch(_DUE_TO_EXPIRE, tx.now, most)]


async def _closing(tx: Transaction, results: Sequence[AttemptResult]) -> dict[str, State]:
    """How exchanges close that end with these attempts; not with one that another has followed."""
    leased = [r.leased for r in results if r.leased.kind is Kind.REQUEST and not _done(r)]
    numbers = {one.req_msg_id: one.number for one in leased}
    rows = await tx.fetch(_CLOSING, sorted(numbers)) if numbers else ()
    return {
        row["req_msg_id"]: State(row["closing"])
        for row in rows
        if row["attempts"] == numbers[row["req_msg_id"]]
    }


def _read(results: Sequence[AttemptResult], endings: Sequence[Ending]) -> list[Row]:
    """What was read of exchanges that end, when their requests were leased."""
    ending = {e.req_msg_id for e in endings}
    rows = (r.leased.row for r in results if r.leased.req_msg_id in ending)
    return [row for row in rows if row is not None and row["message"] is not None]


def _endings(result: AttemptResult, closing: dict[str, State]) -> list[Ending]:
    leased, verdict = result.leased, result.verdict
    if leased.kind is not Kind.REQUEST:
        return []
    if verdict.decision is Decision.ERASED:
        return [erased(leased.req_msg_id)] if leased.effect == Effect.PROPOSAL.value else []
    reached = result.answer.reached
    if not _done(result):
        state = closing.get(leased.req_msg_id)
        if state is None:
            return []
        return [unanswered(leased.req_msg_id, state, by_attempt=True, reached=reached)]
    declined = verdict.decision is Decision.DECLINED
    resp = Resp(
        leased.req_msg_id,
        "FAILURE" if declined else "SUCCESS",
        verdict.error_code,
        verdict.error_detail,
        verdict.error_field,
    )
    state = State.DECLINED if declined else State.SETTLED
    return [
        Ending(req_msg_id=leased.req_msg_id, state=state, resp=resp, by_attempt=True, reached=True)
    ]


def _ended(result: AttemptResult, ended: dict[str, Ended]) -> bool:
    """Whether this result ended its exchange, and the `req-X` with it."""
    leased = result.leased
    return leased.kind is Kind.REQUEST and ended.get(leased.req_msg_id) is Ended.ENDED


def _done(result: AttemptResult) -> bool:
    return result.verdict.decision in {Decision.SETTLED, Decision.DECLINED}


def _rescheduled(result: AttemptResult, now: int) -> tuple[str, int, str, int, int, bool]:
    leased = result.leased
    again = result.verdict.decision is Decision.ASK_AGAIN
    return (
        leased.webhook_id,
        leased.number,
        "PARKED" if result.parks else "QUEUED",
        now + result.wait,
        leased.failures if again else leased.failures + 1,
        result.answer.reached,
    )


def _attempt_row(result: AttemptResult, now: int) -> tuple[object, ...]:
    answer = result.answer
    return (
        result.leased.webhook_id,
        result.leased.number,
        now,
        answer.status,
        answer.milliseconds,
        answer.reached,
        result.verdict.decision.value,
        result.verdict.reason[:200],
        answer.body[:ANSWER_KEPT],
    )
