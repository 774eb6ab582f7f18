"""The list of webhooks: every page of every filter together are the whole list, once and in order."""

from functools import partial
from random import Random

from hundi.exchange import deliveries, tables
from hundi.exchange.cursor import key_of
from hundi.exchange.delivery_list import START, Filters
from hundi.exchange.stepping import MOST_PASSED
from tests.exchange.many import b2b_id, exchanged, put, serve, tried, webhook
from tests.exchange.scene import Scene

MINE, OTHERS = ["buyer", "e1"], ["supplier", "f1"]
EXCHANGES = 150


async def read(stage: Scene, filters: Filters, limit: int) -> tuple[list[str], int]:
    """All pages together, and how many there were."""
    found: list[str] = []
    after, pages = "", 0
    while True:
        ask = partial(deliveries.deliveries, client_id="buyer", filters=filters, limit=limit)
        page = await stage.database.read(partial(ask, after=after))
        found += [one["webhookId"] for one in page["deliveries"]]
        after, pages = page["cursor"], pages + 1
        if after is None:
            return found, pages


async def fill(stage: Scene, dice: Random) -> list[dict[str, object]]:
    """Exchanges of everybody with everybody; the webhooks that the client `buyer` may see."""
    everybody = MINE + OTHERS
    sent, made, attempts, seen = [], [], [], []
    for number in range(EXCHANGES):
        sender, receiver = dice.sample(everybody, 2)
        id_, reached = f"MSG{number:04}", dice.random() < 0.7
        sent.append(exchanged(sender, receiver, id_))
        state = dice.choice(("DELIVERED", "DELIVERED", "PARKED", "QUEUED", "HELD"))
        answer = webhook(sender, f"RSP{number:04}", id_, kind="RESP", state=state)
        pair = [webhook(receiver, id_, id_), answer]
        made += pair
        attempts.append(tried(id_, reached=reached))
        if sender in MINE or (receiver in MINE and reached):
            seen += pair
    await stage.database.write(partial(serve, entities=["e1"], client_id="buyer"))
    await stage.database.write(partial(serve, entities=["f1"], client_id="stranger"))
    await stage.database.write(partial(put, table=tables.exchange, made=sent))
    await stage.database.write(partial(put, table=tables.delivery, made=made))
    await stage.database.write(partial(put, table=tables.attempt, made=attempts))
    return sorted(seen, key=lambda w: (w["req_msg_id"], w["webhook_id"]), reverse=True)


async def test_pages_are_the_whole_list_in_order(stage: Scene) -> None:
    dice = Random(3)
    seen = await fill(stage, dice)
    own = {b2b_id(name) for name in MINE}
    some = 0
    for _ in range(40):
        filters = Filters(
            state=dice.choice(("", "", "PARKED", "HELD")),
            side=dice.choice(("", "inbound", "outbound")),
            req_msg_id=dice.choice(("", "", "", f"MSG{dice.randrange(EXCHANGES):04}")),
        )
        whole = [
            one["webhook_id"]
            for one in seen
            if filters.state in ("", one["state"])
            and filters.side in ("", "inbound" if one["receiver_b2b"] in own else "outbound")
            and filters.req_msg_id in ("", one["req_msg_id"])
        ]
        limit = dice.choice((1, 2, 7, 50, 200))
        found, pages = await read(stage, filters, limit)
        assert found == whole, (filters, limit)
        assert pages == max(1, -(-len(whole) // limit))
        some += len(whole) > 1
    assert some > 20


async def test_a_call_without_a_counterparty_is_its_callers(stage: Scene) -> None:
    for number, caller in enumerate(("buyer", "supplier", "buyer")):
        id_ = f"MSG{number}"
        call = exchanged(caller, "", id_, sender_b2b="", receiver_b2b="")
        told = webhook("", f"RSP{number}", id_, receiver_b2b="", client_id=caller)
        await stage.database.write(partial(put, table=tables.exchange, made=[call]))
        await stage.database.write(partial(put, table=tables.delivery, made=[told]))
    assert await read(stage, Filters(), 1) == (["RSP2", "RSP0"], 2)


async def test_what_is_rare_is_found_by_following_the_cursor(stage: Scene) -> None:
    ids = [f"{n:05}" for n in range(2 * MOST_PASSED)]
    sent = [exchanged("buyer", "supplier", f"MSG{n}") for n in ids]
    made = [webhook("buyer", f"RSP{n}", f"MSG{n}") for n in ids]
    made[3]["state"] = made[-3]["state"] = "PARKED"
    await stage.database.write(partial(put, table=tables.exchange, made=sent))
    await stage.database.write(partial(put, table=tables.delivery, made=made))
    found, pages = await read(stage, Filters(state="PARKED"), 50)
    assert found == [made[-3]["webhook_id"], made[3]["webhook_id"]]
    assert 3 <= pages <= 8


async def test_a_cursor_names_no_exchange_that_was_not_shown(stage: Scene) -> None:
    ids = [f"MSG{n // 40:012X}7{n % 40:019X}" for n in range(2 * MOST_PASSED)]
    sent = [exchanged("buyer", "supplier", id_) for id_ in ids]
    made = [webhook("supplier", f"REQ{n}", id_, reached=False) for n, id_ in enumerate(ids)]
    await stage.database.write(partial(put, table=tables.exchange, made=sent))
    await stage.database.write(partial(put, table=tables.delivery, made=made))
    after, named = "", set()
    while after is not None:
        ask = partial(deliveries.deliveries, client_id="supplier", filters=Filters(), limit=3)
        page = await stage.database.read(partial(ask, after=after))
        assert page["deliveries"] == []
        after = page["cursor"]
        named |= {str(key_of(after, "deliveries", first=START)[0])} if after else set()
    assert named
    assert named.isdisjoint(ids)
