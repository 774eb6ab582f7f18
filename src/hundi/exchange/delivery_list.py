"""The list of webhooks in pages, those of the newest exchanges first.

A client comes to its exchanges by the B2B IDs of its businesses, which sent them or received them,
and to the calls without a counterparty that it has made itself.
"""

from dataclasses import astuple, dataclass

from hundi.exchange import visibility
from hundi.exchange.stepping import Stepping
from hundi.kernel.identity import moment_of
from hundi.parties.queries import entities_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

Place = tuple[str, str]
"""Where a webhook stands in the list: its exchange, then its own id."""

START: Place = ("Z", "")
"""Before every exchange: their ids begin with other letters."""

# What is for no B2B ID is for the client itself.
_INBOUND = "(coalesce(o.client_id, w.client_id) = $2)"
_COLUMNS = (
    "select w.webhook_id, w.req_msg_id, w.kind, w.receiver_b2b, w.state, w.due_at, w.attempts,"
    " w.redriven, w.created_at, w.ended_at, x.message, x.closing, x.state as exchange_state,"
    f" {_INBOUND} as inbound, a.started_at, a.status, a.milliseconds, a.outcome, a.reason"
)
_JOINED = (
    " join exchange x on x.req_msg_id = w.req_msg_id"
    " left join b2b_id o on o.b2b_id = w.receiver_b2b"
    " left join attempt a on a.webhook_id = w.webhook_id and a.number = w.attempts"
    f" where ({visibility.EXCHANGE} or {visibility.OWN_CALL.format(client='$2')})"
)
DELIVERY = f"{_COLUMNS} from delivery w{_JOINED}"
"""Webhooks `w` that may be seen: `$1` are the reader's entities, `$2` its client id."""

_ROAD = (
    "x.req_msg_id from exchange x where {of} and x.req_msg_id <= $6"
    " order by x.req_msg_id desc limit $8"
)
_SIDES = ("sender_b2b", "receiver_b2b")
_IDS = "(select i.b2b_id from b2b_id i where i.entity_id = any($1::text[])) m"
_OWN = _ROAD.format(of=visibility.OWN_CALL.format(client="$2"))


def _roads_postgresql() -> str:
    roads = " union all ".join(
        f"(select {place} as side, " + _ROAD.format(of=f"x.{side} = m.b2b_id") + ")"
        for place, side in enumerate(_SIDES)
    )
    return (
        f"select m.b2b_id, r.* from {_IDS} cross join lateral ({roads}) r"
        f" union all (select '', {len(_SIDES)}, {_OWN})"
    )


def _roads_sqlite() -> str:
    """SQLite has no `lateral`; a list of keys may be limited for each B2B ID, too."""
    roads = (
        f"select m.b2b_id as b2b_id, {place} as side, e.req_msg_id as req_msg_id"
        f" from {_IDS} cross join exchange e where e.req_msg_id in (select "
        + _ROAD.format(of=f"x.{side} = m.b2b_id")
        + ")"
        for place, side in enumerate(_SIDES)
    )
    return " union all ".join((*roads, f"select * from (select '', {len(_SIDES)}, {_OWN})"))


def _page(roads: str, *, webhooks: str) -> str:
    """One step, as `Stepping` has it: without the outer `left join` an empty one would tell nothing."""
    return (
        "with looked as materialized (select r.*, row_number() over"
        f" (partition by r.b2b_id, r.side order by r.req_msg_id desc) as place from ({roads}) r),"
        " ahead as materialized (select max(l.req_msg_id) as req_msg_id from looked l"
        " where l.place = $8)"
        " select h.req_msg_id as behind, s.* from ahead h left join"
        f" ({_COLUMNS} from (select distinct l.req_msg_id from looked l, ahead b"
        " where l.req_msg_id >= coalesce(b.req_msg_id, '')) k"
        f" cross join {webhooks}{_JOINED} and w.req_msg_id = k.req_msg_id"
        " and ($3 = '' or w.state = $3)"
        " and ($4 = '' or w.req_msg_id = $4 or x.receipt_id = $4)"
        f" and ($5 = '' or {_INBOUND} = ($5 = 'inbound'))"
        " and (w.req_msg_id, w.webhook_id) < ($6, $7)"
        " order by w.req_msg_id desc, w.webhook_id desc limit $9) s on true"
        " order by s.req_msg_id desc, s.webhook_id desc"
    )


# Webhooks are looked up by their exchange. Either database would rather go through all webhooks in
# the order of the list, until a page is full.
_OF_THEM = {
    "postgresql": "lateral (select * from delivery v where v.req_msg_id = k.req_msg_id offset 0) w",
    "sqlite": "delivery w",
}
# The id of an exchange, or that of a receipt of the client's own: the exchanges of its call. Not by their
# key itself: a planner would go through everybody's exchanges in the order of the list.
_NAMED = (
    "select '' as b2b_id, 0 as side, cast($4 as text) as req_msg_id union all"
    " select * from (select '', 1, x.req_msg_id from exchange x"
    " where x.receipt_id = $4 and x.client_id = $2 and x.req_msg_id || '' <= $6"
    " order by x.req_msg_id || '' desc limit $8) c"
)


def _both(*, postgresql: str, sqlite: str) -> Statement:
    return Statement.both(
        _page(postgresql, webhooks=_OF_THEM["postgresql"]),
        sqlite=_page(sqlite, webhooks=_OF_THEM["sqlite"]),
    )


_LIST = _both(postgresql=_roads_postgresql(), sqlite=_roads_sqlite())
_OF_NAMED = _both(postgresql=_NAMED, sqlite=_NAMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of deliveries is narrowed to; "" does not narrow.

    `req_msg_id` is an exchange's, or that of the receipt of the client's own call to several receivers.
    `side` is `inbound` for webhooks to the client itself, `outbound` for those to counterparties.
    """

    state: str = ""
    req_msg_id: str = ""
    side: str = ""


async def page(
    tx: Transaction, client_id: str, filters: Filters, *, after: Place, limit: int
) -> tuple[list[Row], Place | None]:
    """Webhooks behind a place, and the place behind which the next page begins; None: no more."""
    mine = await entities_of(tx, client_id)
    narrowed = (mine, client_id, *astuple(filters))
    statement = _OF_NAMED if filters.req_msg_id else _LIST
    stepping: Stepping[Place] = Stepping(
        roads=len(mine) * len(_SIDES) + 1,
        step=lambda place, each, most: tx.fetch(statement, *narrowed, *place, each, most),
        item=_place,
        behind=_behind,
        moment=lambda place: moment_of(place[0]),
        above=lambda place: (moment_of(place[0]) + "Z", ""),
    )
    return await stepping.page(after, limit)


def _place(row: Row) -> Place | None:
    return None if row["webhook_id"] is None else (row["req_msg_id"], row["webhook_id"])


def _behind(row: Row) -> Place | None:
    return None if row["behind"] is None else (row["behind"], "")
