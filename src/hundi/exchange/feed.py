"""The event feed: what happened to a client's exchanges, numbered after it was committed.

The road writes events without a number, because ids taken before a commit can become visible out
of order. One numberer at a time gives every committed event of a client the next position, so a
reader that has seen position n never misses one below it. Readers wait for nobody.

A store that was restored from a copy has forgotten how far its readers are. Its feeds go on in a new
generation, behind every position that was ever given out.
"""

from collections.abc import Sequence

from hundi.exchange.cursor import BAD_CURSOR, cursor, key_of
from hundi.exchange.writes import STATUS
from hundi.kernel.faults import RefusedError
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

BATCH = 2000
GENERATION = 40
"""Bits of a position that count within a generation; those above count the restores."""

_TRY_LOCK = Statement.both(
    "select pg_try_advisory_xact_lock(6845733031) as got", sqlite="select 1 as got"
)
_PICKED = (
    "select event_id, client_id, row_number() over (partition by client_id order by event_id) as n"
    " from (select event_id, client_id from event where position is null"
    f" order by event_id limit {BATCH}) as unnumbered"
)
_GROW = (
    "insert into feed_head (client_id, position) select client_id, max(n) from picked"
    " where true group by client_id on conflict (client_id)"
    " do update set position = feed_head.position + excluded.position"
)
_SIZES = "select client_id, max(n) as n from picked group by client_id"
# `heads` says where each client's feed ends with this batch; the batch itself ends there.
_PLACE = "heads.position - sizes.n + picked.n"

_NUMBER = Statement(
    f"with picked as ({_PICKED}), sizes as ({_SIZES}),"
    f" heads as ({_GROW} returning client_id, position)"
    f" update event set position = {_PLACE} from picked"
    " join heads on heads.client_id = picked.client_id"
    " join sizes on sizes.client_id = picked.client_id"
    " where event.event_id = picked.event_id returning event.event_id",
    f"with picked as ({_PICKED}), sizes as ({_SIZES})"
    f" update event set position = {_PLACE.replace('heads', 'feed_head')} from picked"
    " join feed_head on feed_head.client_id = picked.client_id"
    " join sizes on sizes.client_id = picked.client_id"
    " where event.event_id = picked.event_id returning event.event_id",
)
# SQLite takes no insert inside `with`: there the heads move in a statement of their own.
_GROW_ALONE = Statement.both(f"with picked as ({_PICKED}) {_GROW}")
_EVENTS = Statement.both(
    "select e.position, e.kind, e.req_msg_id, e.type, e.object_id, e.sequence, e.at,"
    " d.author_b2b, x.message, j.status from event e"
    " join document d on d.author_entity = e.author_entity and d.type = e.type"
    " and d.object_id = e.object_id"
    " join exchange x on x.req_msg_id = e.req_msg_id"
    f" left join journal j on e.kind = '{STATUS}' and j.author_entity = e.author_entity"
    " and j.type = e.type and j.object_id = e.object_id and j.sequence = e.sequence"
    " where e.client_id = $1 and e.position > $2 order by e.position limit $3"
)

_BEGIN_ANEW = Statement.both(
    f"insert into feed_head (client_id, position) select client_id, cast(1 as bigint) << {GENERATION}"
    " from client where true on conflict (client_id) do update"
    f" set position = ((feed_head.position >> {GENERATION}) + 1) << {GENERATION} returning client_id"
)
_HEADS = Statement.both(
    "select client_id, position from feed_head where client_id = any($1::text[])"
)


async def number_events(tx: Transaction) -> int:
    """Number committed events, at most 2,000; how many. 0 also while another one is numbering.

    Positions of a client start at 1 and have no gaps but those of `follows`; events of a document keep its
    journal's order.
    """
    [lock] = await tx.fetch(_TRY_LOCK)
    if not lock["got"]:
        return 0
    if tx.dialect == "sqlite":
        await tx.fetch(_GROW_ALONE)
    return len(await tx.fetch(_NUMBER))


async def events(tx: Transaction, client_id: str, *, after: int, limit: int) -> list[Row]:
    """A client's events behind a position, in order.

    Rows hold position, kind (a journal step, `WARNED` or `STATUS`), req_msg_id, message, type,
    object_id, author_b2b, sequence (the document's journal number), at, and the new status where
    the kind is `STATUS`, else None. Raises RefusedError for a position that the feed has not reached:
    its store was restored from a copy, and nobody has said so.
    """
    found = list(await tx.fetch(_EVENTS, client_id, after, limit))
    if not found and after > (await heads(tx, [client_id])).get(client_id, 0):
        detail = (
            "The feed has not come so far: the network was restored from a copy. Read it from its begin,"
            " without a cursor."
        )
        raise RefusedError([BAD_CURSOR.at("cursor", detail)])
    return found


async def begin_generation(tx: Transaction) -> int:
    """Have all feeds go on behind whatever their readers have seen; how many. For a restored store."""
    return len(await tx.fetch(_BEGIN_ANEW))


def follows(position: int, last: int) -> bool:
    """Whether an event's position is the next after `last`, or the first of a later generation."""
    return position == last + 1 or (position > last and position % (1 << GENERATION) == 1)


def ends(head: int, last: int) -> bool:
    """Whether a feed whose last event has position `last` may end at `head`."""
    return head == last or (head > last and head % (1 << GENERATION) == 0)


async def heads(tx: Transaction, client_ids: Sequence[str]) -> dict[str, int]:
    """Where the feeds of some clients end now: the last position; a client without events is not in it."""
    rows = await tx.fetch(_HEADS, list(client_ids))
    return {row["client_id"]: row["position"] for row in rows}


def cursor_of(position: int) -> str:
    """The cursor that a reader hands back to go on behind a position."""
    return cursor("events", position)


def position_of(text: str) -> int:
    """The position behind a cursor; 0, the start, for an empty one. Raises RefusedError."""
    [position] = key_of(text, "events", first=(0,))
    return int(position)
