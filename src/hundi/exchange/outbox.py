"""The outbox: which webhooks are due, who holds which, and what an attempt led to.

A lease is a row written before the first byte goes out. An attempt whose end nobody wrote counts as
one that reached the receiver, and its lease's end as a failed attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hundi.exchange import tables
from hundi.exchange.answers import Resp
from hundi.exchange.closing import Ending, unanswered
from hundi.exchange.record import State
from hundi.exchange.settle import Settler
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict
from hundi.kernel.clock import HOUR, SECOND
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, insert, rows

LEASE = 30 * SECOND
RESPONSE_HOLDS_LANE = HOUR
ANSWER_KEPT = 512

_QUEUED_CLIENTS = Statement.both(
    "with recursive c(client_id) as ("
    " select min(client_id) from delivery where state = 'QUEUED' union all"
    " select (select min(d.client_id) from delivery d"
    " where d.state = 'QUEUED' and d.client_id > c.client_id)"
    " from c where c.client_id is not null)"
    " select c.client_id from c join client l on l.client_id = c.client_id"
    " where l.disabled_at is null"
)
# A webhook waits to be first in its lane. A `resp-X` holds its lane for an hour at most.
_FIRST_IN_LANE = (
    " and not exists (select 1 from delivery p where p.lane = w.lane and p.position < w.position"
    " and p.state in ('QUEUED', 'LEASED') and (p.kind <> 'RESP' or p.created_at > {now} - {hour}))"
)
_PICK = Bulk.of(
    postgresql="select d.webhook_id from"
    " " + rows("client_id text, now bigint, k integer") + " q"
    " cross join lateral (select s.webhook_id, row_number() over (order by s.due_at) as place"
    " from (select w.webhook_id, w.due_at from delivery w"
    " where w.state = 'QUEUED' and w.client_id = q.client_id and w.due_at <= q.now"
    + _FIRST_IN_LANE.format(now="q.now", hour=RESPONSE_HOLDS_LANE)
    + " order by w.due_at limit 64 for update of w skip locked) s) d where d.place <= q.k",
    sqlite="select w.webhook_id from delivery w"
    " where w.state = 'QUEUED' and w.client_id = $1 and w.due_at <= $2"
    + _FIRST_IN_LANE.format(now="$2", hour=RESPONSE_HOLDS_LANE)
    + " order by w.due_at limit $3",
    returns=True,
)
_LEASE = Bulk.of(
    postgresql="update delivery d set state = 'LEASED', lease_until = v.until,"
    " attempts = d.attempts + 1 from " + rows("id text, until bigint") + " v"
    " where d.webhook_id = v.id and d.state = 'QUEUED' returning d.webhook_id, d.attempts, d.redriven",
    sqlite="update delivery set state = 'LEASED', lease_until = $2, attempts = attempts + 1"
    " where webhook_id = $1 and state = 'QUEUED' returning webhook_id, attempts, redriven",
    returns=True,
)
_ATTEMPT = insert(
    tables.attempt,
    ("webhook_id", "number", "redriven", "started_at", "reached", "outcome", "reason", "answer"),
)
_PARCELS = Statement.both(
    "select d.webhook_id, d.req_msg_id, d.kind, d.effect, d.path, d.position, d.attempts,"
    " d.failures, d.idempotency_key, d.created_at, b.bytes, c.client_id, c.endpoint_url,"
    " c.endpoint_headers, c.webhook_secret, c.previous_secret, c.previous_secret_until,"
    " c.empty_means_success"
    " from delivery d join body b on b.body_id = d.body_id"
    " join b2b_id i on i.b2b_id = d.receiver_b2b join client c on c.client_id = i.client_id"
    " where d.webhook_id = any($1::text[])"
)
_DONE = Bulk.of(
    postgresql="update delivery d set state = 'DELIVERED', ended_at = v.at, lease_until = null"
    " from " + rows("id text, at bigint") + " v"
    " where d.webhook_id = v.id and d.state in ('QUEUED', 'LEASED', 'PARKED')",
    sqlite="update delivery set state = 'DELIVERED', ended_at = $2, lease_until = null"
    " where webhook_id = $1 and state in ('QUEUED', 'LEASED', 'PARKED')",
    returns=False,
)
_RESCHEDULE = Bulk.of(
    postgresql="update delivery d set state = v.state, due_at = v.due, failures = v.failures,"
    " reached = d.reached or v.reached, redriven = false, lease_until = null"
    " from "
    + rows("id text, number integer, state text, due bigint, failures integer, reached boolean")
    + " v"
    " where d.webhook_id = v.id and d.state = 'LEASED' and d.attempts = v.number",
    sqlite="update delivery set state = $3, due_at = $4, failures = $5,"
    " reached = max(reached, $6), redriven = false, lease_until = null"
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
_CLOSING = Statement.both(
    "select req_msg_id, closing from exchange"
    " where req_msg_id = any($1::text[]) and closing is not null and state = 'OPEN'"
)
_LAPSED = Statement.both(
    "select webhook_id, req_msg_id, kind, effect, attempts, failures, created_at, client_id"
    " from delivery where state = 'LEASED' and lease_until <= $1"
    " order by lease_until limit 256"
)
_DUE_TO_EXPIRE = Statement.both(
    "select req_msg_id from exchange where state = 'OPEN' and closing is null"
    " and expires_at is not null and expires_at <= $1 order by expires_at limit 256"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A webhook that this process may send now, until its lease ends.

    `row` names what to send and where to; None for one whose lease lapsed and that is not sent.
    """

    webhook_id: str
    req_msg_id: str
    kind: Kind
    effect: str
    number: int
    failures: int
    created_at: int
    client_id: str
    row: Row | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What one attempt came to.

    `wait` is in microseconds from now to the next attempt; `parks` ends the trying until somebody
    redrives it.
    """

    leased: Leased
    answer: Answer
    verdict: Verdict
    wait: int
    parks: bool


async def queued_clients(tx: Transaction) -> list[str]:
    """Clients that have queued webhooks and an endpoint that is not disabled."""
    return [row["client_id"] for row in await tx.fetch(_QUEUED_CLIENTS)]


async def lease(tx: Transaction, *, room: dict[str, int], total: int) -> list[Leased]:
    """Take due webhooks: at most `room[client]` of each client, the oldest due of each first.

    Each is the first of its lane. The attempt's row is written with the lease.
    """
    asked = [(client_id, tx.now, k) for client_id, k in room.items() if k > 0]
    picked = [row["webhook_id"] for row in await tx.bulk(_PICK, asked)]
    rows = await tx.bulk(_LEASE, [(w, tx.now + LEASE) for w in sorted(picked[:total])])
    await tx.bulk(
        _ATTEMPT,
        [
            (
                r["webhook_id"],
                r["attempts"],
                bool(r["redriven"]),
                tx.now,
                True,
                "IN FLIGHT",
                "",
                b"",
            )
            for r in rows
        ],
    )
    if not rows:
        return []
    parcels = await tx.fetch(_PARCELS, [r["webhook_id"] for r in rows])
    return [_leased(row) for row in parcels]


def _leased(row: Row, *, sending: bool = True) -> Leased:
    return Leased(
        webhook_id=row["webhook_id"],
        req_msg_id=row["req_msg_id"],
        kind=Kind(row["kind"]),
        effect=row["effect"],
        number=row["attempts"],
        failures=row["failures"],
        created_at=row["created_at"],
        client_id=row["client_id"],
        row=row if sending else None,
    )


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes what attempts led to, and sweeps what nobody finished."""

    settler: Settler

    async def finish(self, tx: Transaction, results: Sequence[AttemptResult]) -> Sequence[None]:
        """Settle, deliver or reschedule, each in the order that locks documents first."""
        closing = await _closing(tx, results)
        await self.settler.end(tx, [e for r in results for e in _endings(r, closing)])
        await tx.bulk(_DONE, sorted((r.leased.webhook_id, tx.now) for r in results if _done(r)))
        await tx.bulk(_RESCHEDULE, sorted(_rescheduled(r, tx.now) for r in results if not _done(r)))
        await tx.bulk(_END_ATTEMPT, [_attempt_row(r, tx.now) for r in results])
        return [None] * len(results)

    async def lapsed(self, tx: Transaction) -> list[Leased]:
        """Deliveries whose lease ran out without an end: their attempts failed."""
        return [_leased(row, sending=False) for row in await tx.fetch(_LAPSED, tx.now)]

    async def expire(self, tx: Transaction) -> int:
        """End the proposals whose time is over; how many were looked at."""
        rows = await tx.fetch(_DUE_TO_EXPIRE, tx.now)
        await self.settler.end(tx, [unanswered(r["req_msg_id"], State.EXPIRED) for r in rows])
        return len(rows)


async def _closing(tx: Transaction, results: Sequence[AttemptResult]) -> dict[str, State]:
    ids = [r.leased.req_msg_id for r in results if r.leased.kind is Kind.REQUEST and not _done(r)]
    rows = await tx.fetch(_CLOSING, ids) if ids else ()
    return {row["req_msg_id"]: State(row["closing"]) for row in rows}


def _endings(result: AttemptResult, closing: dict[str, State]) -> list[Ending]:
    leased, verdict = result.leased, result.verdict
    if leased.kind is not Kind.REQUEST:
        return []
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
