"""The promises, as questions to a world that has come to rest."""

from collections import Counter
from collections.abc import Iterator
from sqlite3 import Row

from hundi.documents import invoice_ledger
from hundi.simulator.believing import Held
from hundi.store.engine import drive
from hundi.store.sqlite import InlineDatabase
from tests.simulation.world import World
from tests.trade.invariants import wrong_in


def broken_promises(world: World) -> list[str]:
    """Every promise that the world broke, in words; empty when all were kept."""
    return [
        *_lost(world),
        *_unended(world),
        *_not_at_rest(world),
        *_applied_twice(world),
        *_apart(world),
        *_store(world),
        *_still_reserved(world),
        *_not_given_back(world),
        *_untold(world),
    ]


def _lost(world: World) -> Iterator[str]:
    text = "select req_msg_id from exchange union all select receipt_id from receipt"
    kept = {row[0] for row in world.connection.execute(text)}
    for lost in world.acknowledged.keys() - kept:
        yield f"{lost} was acknowledged and is lost"


def _unended(world: World) -> Iterator[str]:
    for row in world.connection.execute("select * from exchange where state = 'OPEN'"):
        yield f"{row['req_msg_id']} ({row['message']}, {row['effect']}) never ended"
    for row in world.connection.execute("select * from document where open_exchange is not null"):
        yield f"{row['object_id']} is busy with {row['open_exchange']}"


def _not_at_rest(world: World) -> Iterator[str]:
    for what in world.left:
        yield f"a sweep met a mistake: {what}"
    if waiting := world.unfinished():
        yield f"{waiting} webhooks or documents wait for ever"


def _applied_twice(world: World) -> Iterator[str]:
    counts = ((side, *item) for side, erp in world.erps.items() for item in erp.applied().items())
    for side, webhook_id, times in counts:
        if times > 1:
            yield f"{side} applied {webhook_id} {times} times"


def _apart(world: World) -> Iterator[str]:
    """What each side holds is what the network has, once the lanes are empty."""
    shared = "select * from document where type not in ('financing-request', 'bid')"
    for row in world.connection.execute(shared):
        for side, erp in ((side, world.erps[side]) for side in ("buyer", "supplier")):
            held = erp.held(row["object_id"])
            if held is None:
                agrees = row["status"] in {"CREATED", "CANCELLED"}
            else:
                agrees = held.type == row["type"] and _same(world, row, held)
            if not agrees:
                yield f"{side} holds {held}, the network {tuple(row)[:12]}"


PAYMENT = {
    "DELIVERED": ("pay", False),
    "FAILED": ("pay", True),
    "CONFIRMED": ("ACCEPT", None),
    "REFUSED": ("REJECT", None),
}
"""How an ERP holds a payment in each state: the last word on it, and whether it is disputed."""


def _same(world: World, row: Row, held: Held) -> bool:
    if row["type"] == "payment":  # it tells neither versions nor statuses
        word, disputed = PAYMENT.get(row["status"], ("", None))
        return held.status == word and disputed in {None, held.disputed}
    if (held.version, held.status) == (row["version"], row["status"]):
        return True
    # A note may change what is due, and no message tells the invoice's status that follows.
    money = row["status"] in invoice_ledger.OWED and held.status in invoice_ledger.OWED
    return money and held.version == row["version"] and _is_noted(world, row["object_id"])


def _is_noted(world: World, invoice: str) -> bool:
    found = world.connection.execute(
        "select 1 from relation where target_id = ? and type = 'cd-note'", (invoice,)
    )
    return found.fetchone() is not None


def _store(world: World) -> list[str]:
    """What `hundi invariants` says of it."""
    return drive(InlineDatabase(world.connection, world.clock).read(wrong_in))


def _still_reserved(world: World) -> Iterator[str]:
    """Nothing is pending but what a payment waits for that is not confirmed yet."""
    rows = world.connection.execute(
        "select t.*, d.status from ledger_transfer t join document d on"
        " d.author_entity = t.holder_author and d.type = t.holder_type"
        " and d.object_id = t.holder_id where t.phase = 'PENDING'"
    )
    for row in rows:
        waits = row["standing"] and row["holder_type"] == "payment"
        if not waits or row["status"] not in {"DELIVERED", "FAILED"}:
            yield f"{row['transfer_id']} of {row['holder_id']} ({row['status']}) is still reserved"


def _not_given_back(world: World) -> Iterator[str]:
    """A document that is rejected or cancelled draws nothing on others any more."""
    rows = world.connection.execute(
        "select t.*, d.status from ledger_transfer t join document d on"
        " d.author_entity = t.holder_author and d.type = t.holder_type"
        " and d.object_id = t.holder_id where t.phase = 'POSTED' and t.object_id <> t.holder_id"
        " and d.type in ('invoice', 'cd-note') and d.status in ('REJECTED', 'CANCELLED')"
    )
    nets: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        nets[row["holder_id"], row["object_id"], row["debit"]] += row["amount"]
        nets[row["holder_id"], row["object_id"], row["credit"]] -= row["amount"]
    for (holder, object_id, account), net in nets.items():
        if net:
            yield f"{holder} is released and holds {net} on {account} of {object_id}"


def _untold(world: World) -> Iterator[str]:
    """Each ended exchange or receipt has exactly one resp-X, and it was delivered."""
    rows = world.connection.execute(
        "select x.req_msg_id, count(d.webhook_id) as told from exchange x left join delivery d"
        " on d.req_msg_id = x.req_msg_id and d.kind = 'RESP' and d.state = 'DELIVERED'"
        " where x.state <> 'OPEN' and x.receipt_id is null group by x.req_msg_id having told <> 1"
        " union all select r.receipt_id, count(d.webhook_id) as told from receipt r left join"
        " delivery d on d.webhook_id = 'RSP' || substr(r.receipt_id, 4) and d.state = 'DELIVERED'"
        " group by r.receipt_id having told <> 1"
    )
    for row in rows:
        yield f"{row['req_msg_id']} was told {row['told']} times"
