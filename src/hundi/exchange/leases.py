"""Leases: which webhooks are due, and who may send them now.

A lease is a row written before the first byte goes out, together with the row of its attempt.
PostgreSQL picks, leases and reads in one statement (in a few where another dispatcher keeps much of what
is due), skipping what others are just taking; SQLite, which cannot, goes step by step and is alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType

import msgspec

from hundi.exchange.record import OF_EXCHANGE
from hundi.exchange.verdict import Kind
from hundi.kernel.clock import HOUR, SECOND
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

LEASE = 30 * SECOND
RESPONSE_HOLDS_LANE = HOUR
IN_FLIGHT = "IN FLIGHT"
"""What an attempt's row says until its end is written."""
BEHIND = (0, 8, 64, 256)
"""Extra rows to read per client, step by step, when another dispatcher holds the rows due first.

It holds a few for a moment, and as many as it has places for while it stands still."""
NOBODY: Mapping[str, int] = MappingProxyType({})
"""Nobody has an attempt under way."""

WITH_SERVED = (
    "with recursive c(client_id) as ("
    " select min(client_id) from delivery where state = 'QUEUED' union all"
    " select (select min(d.client_id) from delivery d"
    " where d.state = 'QUEUED' and d.client_id > c.client_id)"
    " from c where c.client_id is not null),"
    " served as (select c.client_id from c join client l on l.client_id = c.client_id"
    " where l.disabled_at is null) "
)
"""Begins a statement: the clients that have queued webhooks and an endpoint that is not disabled, each
by one step in the index of what is queued, however much that is."""
_SERVED = Statement.both(WITH_SERVED + "select client_id from served")
# A webhook waits to be first in its lanes. A `resp-X`, and its copy, holds them for an hour at most;
# after it only while it is tried or due itself, so that the replay of a gap keeps the order. (Not one
# of several documents: it may be due and wait in another lane. Scalar subqueries: as `not exists` a
# planner may join all that waits with all that waits.)
_AHEAD = (
    " and p.state in ('QUEUED', 'LEASED') and (p.kind = 'REQ' or p.created_at > {now} - "
    f"{RESPONSE_HOLDS_LANE}"
    " or (p.sequences is null and (p.state = 'LEASED' or p.due_at <= {now}))) limit 1) is null"
)
_FIRST_IN_LANE = (
    "(select p.webhook_id from delivery p where p.lane = w.lane and p.position < w.position"
    + _AHEAD
    # Others about several documents may have this lane as a further one.
    + " and (select p.webhook_id from further_lane l join delivery p on p.webhook_id = l.webhook_id"
    " where l.lane = w.lane and l.position < w.position"
    + _AHEAD
    # And this one may have further lanes, which others have as their first or as a further one.
    + " and (w.sequences is null or ((select p.webhook_id from further_lane m"
    " join delivery p on p.lane = m.lane and p.position < m.position"
    " where m.webhook_id = w.webhook_id"
    + _AHEAD
    + " and (select p.webhook_id from further_lane m join further_lane l"
    " on l.lane = m.lane and l.position < m.position"
    " join delivery p on p.webhook_id = l.webhook_id where m.webhook_id = w.webhook_id"
    + _AHEAD
    + "))"
)
_SENT = (
    "webhook_id",
    "req_msg_id",
    "kind",
    "effect",
    "path",
    "position",
    "attempts",
    "failures",
    "idempotency_key",
    "created_at",
    "sequences",
    "trace",
)
_PARCEL = (
    f"select {', '.join('d.' + c for c in _SENT)}, b.bytes, c.client_id, c.endpoint_url,"
    " c.endpoint_headers, c.webhook_secret, c.previous_secret, c.previous_secret_until,"
    f" c.empty_means_success, {OF_EXCHANGE}"
    " from {leased} d left join body b on b.body_id = d.body_id"
    # A webhook for no B2B ID goes to the client itself: it may be about to get its first one.
    " left join b2b_id i on i.b2b_id = d.receiver_b2b"
    " join client c on c.client_id = coalesce(i.client_id, d.client_id)"
    # With a request goes what its end is written with: it need not be read again.
    " left join exchange x on x.req_msg_id = case when d.kind = 'REQ' then d.req_msg_id end"
    " left join client s on s.client_id = x.client_id"
)
_AT_ONCE = Statement.both(
    WITH_SERVED + ", room as (select client_id,"
    " coalesce(($1::jsonb->>client_id)::integer, $5::integer) as k,"
    " coalesce(($6::jsonb->>client_id)::integer, 0) as flying,"
    " hashtextextended(client_id, $2::bigint) as lot from served),"
    " ranked as materialized (select d.webhook_id, d.place, d.lot, q.client_id, q.k from room q"
    " cross join lateral (select s.webhook_id, q.lot,"
    " q.flying + row_number() over (order by s.due_at) as place"
    " from (select w.webhook_id, w.due_at from delivery w"
    " where w.state = 'QUEUED' and w.client_id = q.client_id and w.due_at <= $2"
    f" and {_FIRST_IN_LANE.format(now='$2::bigint')}"
    " order by w.due_at limit greatest(least(q.k, $4::integer), 0) + sign(greatest(q.k, 0)) * $7::integer)"
    " s) d),"
    # Locked is what is taken, and but for a look behind nothing else: who is frozen here keeps no more.
    " held as materialized (select v.webhook_id, r.client_id, r.k, r.place from ranked r"
    " join delivery v on v.webhook_id = r.webhook_id and v.state || '' = 'QUEUED' and v.due_at <= $2"
    " order by r.place, r.lot limit $4::integer for update of v skip locked),"
    # Ranked behind what others keep, a client has more candidates than room.
    " picked as materialized (select webhook_id from (select webhook_id, k,"
    " row_number() over (partition by client_id order by place) as n from held) h where n <= k),"
    " leased as (update delivery d set state = 'LEASED', lease_until = $3,"
    " attempts = d.attempts + 1 from picked where d.webhook_id = picked.webhook_id"
    " and d.state || '' = 'QUEUED'"  # no partial index may tempt the planner away from the key
    f" returning {', '.join('d.' + c for c in _SENT)}, d.redriven, d.body_id, d.receiver_b2b, d.client_id),"
    " noted as (insert into attempt"
    " (webhook_id, number, redriven, started_at, reached, outcome, reason, answer)"
    f" select webhook_id, attempts, redriven, $2, true, '{IN_FLIGHT}', '', '' from leased) "
    "select n.missed, l.* from (select least($4::integer, (select count(*) from ranked))"
    " - (select count(*) from picked) as missed) n left join ("
    + _PARCEL.format(leased="leased")
    + ") l on true"
)

_PICK = Statement.both(
    "select w.webhook_id from delivery w"
    " where w.state = 'QUEUED' and w.client_id = $1 and w.due_at <= $2"
    f" and {_FIRST_IN_LANE.format(now='$2')} order by w.due_at limit $3"
)
_LEASE = Statement.both(
    "update delivery set state = 'LEASED', lease_until = $2, attempts = attempts + 1"
    " where webhook_id = any($1::text[])"
)
_NOTE = Statement.both(
    "insert into attempt"
    " (webhook_id, number, redriven, started_at, reached, outcome, reason, answer)"
    f" select webhook_id, attempts, redriven, $2, true, '{IN_FLIGHT}', '', x''"
    " from delivery where webhook_id = any($1::text[])"
)
_PARCELS = Statement.both(
    _PARCEL.format(leased="delivery") + " where d.webhook_id = any($1::text[])"
)


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that this process may send now, until its lease ends.

    `row` names what to send and where to, and for a request what `exchange_from` reads; None for one
    whose lease lapsed and that is not sent.
    `has_further_lanes`: they are freed by its end. `created_at` and `leased_at` are
    of one clock, the database's, which may differ from this process's. `trace` is the context of the
    acceptance that it follows from.
    """

    webhook_id: str
    req_msg_id: str
    kind: Kind
    effect: str
    number: int
    failures: int
    created_at: int
    leased_at: int
    client_id: str
    has_further_lanes: bool
    trace: str | None
    row: Row | None


async def lease(
    tx: Transaction,
    *,
    room: Mapping[str, int],
    total: int,
    others: int = 0,
    flying: Mapping[str, int] = NOBODY,
) -> list[Leased]:
    """Take due webhooks: at most `room[client]` of each client, the oldest due of each first.

    Of a client that `room` does not name, at most `others`; of one whose endpoint is disabled, none.
    Each is the first of its lane. Every client gets its first before any gets its second, and those
    that are `flying` count: where few places are free, they go to who has the fewest. Among these a lot
    decides, each time another: the oldest would keep out who is new for as long as there are many with
    old ones. The attempt's row is written with the lease.
    """
    if total <= 0:
        return []
    take = _step_by_step if tx.dialect == "sqlite" else _at_once
    places = _Places(room=room, others=others, flying=flying, total=total)
    return [leased_from(row, tx.now) for row in await take(tx, places)]


def leased_from(row: Row, now: int, *, sending: bool = True) -> Leased:
    """A leased webhook from its row, by the database's clock."""
    return Leased(
        webhook_id=row["webhook_id"],
        req_msg_id=row["req_msg_id"],
        kind=Kind(row["kind"]),
        effect=row["effect"],
        number=row["attempts"],
        failures=row["failures"],
        created_at=row["created_at"],
        leased_at=now,
        client_id=row["client_id"],
        has_further_lanes=row["sequences"] is not None,
        trace=row["trace"],
        row=row if sending else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """How many webhooks may be leased: as `lease` takes it."""

    room: Mapping[str, int]
    others: int
    flying: Mapping[str, int]
    total: int

    def without(self, taken: Sequence[Row]) -> "_Places":
        """Those that are left when some are taken."""
        counts = Counter(row["client_id"] for row in taken)
        room = {c: self.room.get(c, self.others) - n for c, n in counts.items()}
        flying = {c: self.flying.get(c, 0) + n for c, n in counts.items()}
        return _Places(
            room={**self.room, **room},
            others=self.others,
            flying={**self.flying, **flying},
            total=self.total - len(taken),
        )


async def _at_once(tx: Transaction, places: _Places) -> Sequence[Row]:
    """What is due; where others keep so much of it that places are left, what comes behind that."""
    taken: list[Row] = []
    for behind in BEHIND:
        found, missed = await _taken(tx, places, behind=behind)
        taken += found
        if not missed or len(found) == places.total:
            break
        places = places.without(found)
    return taken


async def _taken(tx: Transaction, places: _Places, *, behind: int) -> tuple[list[Row], bool]:
    """Leased webhooks, and whether places were left because others keep what is due."""
    room, flying = _json(places.room), _json(places.flying)
    until, total, others = tx.now + LEASE, places.total, places.others
    rows = await tx.fetch(_AT_ONCE, room, tx.now, until, total, others, flying, behind)
    taken = [row for row in rows if row["webhook_id"] is not None]
    return taken, rows[0]["missed"] > 0


def _json(counts: Mapping[str, int]) -> str:
    return msgspec.json.encode(dict(counts)).decode()


def _lot(client_id: str, now: int) -> bytes:
    return blake2b(f"{client_id}{now}".encode(), digest_size=8).digest()


async def _step_by_step(tx: Transaction, places: _Places) -> Sequence[Row]:
    found: list[tuple[int, bytes, str]] = []
    for row in await tx.fetch(_SERVED):
        client_id = row["client_id"]
        most = min(places.room.get(client_id, places.others), places.total)
        due = await tx.fetch(_PICK, client_id, tx.now, most) if most > 0 else ()
        place, lot = places.flying.get(client_id, 0), _lot(client_id, tx.now)
        found += [(place + n, lot, one["webhook_id"]) for n, one in enumerate(due)]
    picked = [webhook_id for _, _, webhook_id in sorted(found)][: places.total]
    if not picked:
        return ()
    await tx.fetch(_LEASE, picked, tx.now + LEASE)
    await tx.fetch(_NOTE, picked, tx.now)
    return await tx.fetch(_PARCELS, picked)
