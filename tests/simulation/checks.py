"""The promises, as questions to a world that has come to rest."""

from collections.abc import Iterator

from hundi.exchange.journal import first_broken
from tests.simulation.world import World


def broken_promises(world: World) -> list[str]:
    """Every promise that the world broke, in words; empty when all were kept."""
    return [
        *_lost(world),
        *_unended(world),
        *_applied_twice(world),
        *_apart(world),
        *_journals(world),
        *_untold(world),
        *_feed(world),
    ]


def _lost(world: World) -> Iterator[str]:
    kept = {row[0] for row in world.connection.execute("select req_msg_id from exchange")}
    for lost in world.acknowledged.keys() - kept:
        yield f"{lost} was acknowledged and is lost"


def _unended(world: World) -> Iterator[str]:
    rows = world.connection.execute("select state, count(*) from exchange group by state")
    counts = dict(tuple(row) for row in rows)
    known = ("SETTLED", "DECLINED", "EXPIRED", "ABANDONED", "OPEN")
    if sum(counts.values()) != sum(counts.get(state, 0) for state in known):
        yield f"states do not add up: {counts}"
    for row in world.connection.execute("select * from exchange where state = 'OPEN'"):
        yield f"{row['req_msg_id']} ({row['message']}, {row['effect']}) never ended"
    for row in world.connection.execute("select * from document where open_exchange is not null"):
        yield f"{row['object_id']} is busy with {row['open_exchange']}"


def _applied_twice(world: World) -> Iterator[str]:
    counts = ((side, *item) for side, erp in world.erps.items() for item in erp.applied().items())
    for side, webhook_id, times in counts:
        if times > 1:
            yield f"{side} applied {webhook_id} {times} times"


def _apart(world: World) -> Iterator[str]:
    """Each side's held version is the network's once the lanes are empty."""
    for row in world.connection.execute("select * from document"):
        network = (row["version"], row["status"])
        for side, erp in world.erps.items():
            held = erp.held(row["object_id"])
            theirs = None if held is None else (held.version, held.status)
            unheld = theirs is None and row["status"] in {"CREATED", "CANCELLED"}
            if theirs != network and not unheld:
                yield f"{side} holds {row['object_id']} at {theirs}, the network at {network}"


def _journals(world: World) -> Iterator[str]:
    for row in world.connection.execute("select * from document"):
        rows = world.connection.execute(
            "select * from journal where object_id = ? order by sequence", (row["object_id"],)
        ).fetchall()
        trouble = first_broken(rows, row["head_sequence"], bytes(row["head_hash"]))
        if trouble is not None:
            yield f"journal of {row['object_id']}: {trouble}"


def _untold(world: World) -> Iterator[str]:
    """Each ended exchange has exactly one resp-X, and it was delivered."""
    rows = world.connection.execute(
        "select x.req_msg_id, count(d.webhook_id) as told from exchange x left join delivery d"
        " on d.req_msg_id = x.req_msg_id and d.kind = 'RESP' and d.state = 'DELIVERED'"
        " where x.state <> 'OPEN' group by x.req_msg_id having told <> 1"
    )
    for row in rows:
        yield f"{row['req_msg_id']} was told {row['told']} times"


def _feed(world: World) -> Iterator[str]:
    rows = world.connection.execute(
        "select client_id, count(*) as many, max(position) as last, count(distinct position) as own"
        " from event group by client_id"
    )
    for row in rows:
        if not row["many"] == row["last"] == row["own"]:
            yield f"the feed of {row['client_id']} has gaps: {tuple(row)}"
