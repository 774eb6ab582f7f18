"""Switching B2B IDs off and on: the owner not while documents are open, the operator always."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa
import yaml

from hundi.documents.purchase_order import PURCHASE_ORDER
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import system_random
from hundi.onboarding.switching import final_statuses
from hundi.parties import tables as parties
from hundi.parties.operations import NewParty, add_party, set_level, switch
from hundi.parties.queries import levels
from hundi.simulator import story
from hundi.store.engine import Transaction
from tests.exchange.scene import SERVES
from tests.house.sources import ROOT
from tests.onboarding.desk import Desk
from tests.web.conftest import bearer
from tests.web.orders import ROAD, named

BUYER, SUPPLIER = SERVES["buyer"], SERVES["supplier"]


async def order(net: Desk, message: str, body: object, client_id: str = "buyer") -> int:
    sent = {"content-type": "application/json", **bearer(client_id)}
    answer = await net.http.post(ROAD + message, content=story.dumps(body), headers=sent)
    return answer.status_code


async def test_an_id_without_documents_is_switched_off_and_on(net: Desk) -> None:
    answer = await net.own(f"/parties/{BUYER}/deactivate", client_id="buyer")
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    again = await net.own(f"/parties/{BUYER}/deactivate", client_id="buyer")
    assert again.status_code == 200, "it is off already"
    assert await order(net, "req-send", named(story.order())) == 422
    answer = await net.own(f"/parties/{BUYER}/activate", client_id="buyer")
    assert (answer.status_code, answer.json()["active"]) == (200, True)
    assert await order(net, "req-send", named(story.order())) == 200


async def kept_on(net: Desk, client_id: str, b2b_id: str) -> tuple[list[object], int]:
    """What keeps an ID on: the documents that are named, and how many requests are on their way."""
    answer = await net.own(f"/parties/{b2b_id}/deactivate", client_id=client_id)
    if answer.status_code == 200:
        return [], 0
    assert (answer.status_code, answer.json()["code"]) == (409, "PARTY-IN-USE")
    told = answer.json()["faults"][0]["context"]
    return told["documents"], told["coming"]


async def test_an_open_document_keeps_both_its_ids_on(net: Desk) -> None:
    assert await order(net, "req-send", named(story.order())) == 200
    shown = {"type": "purchase-order", "objectId": "PO1", "status": "CREATED"}
    assert await kept_on(net, "buyer", BUYER) == ([shown], 0)
    await net.stage.lease()  # an attempt may have reached the supplier now
    assert await kept_on(net, "supplier", SUPPLIER) == ([shown], 0)
    stranger = await net.own(f"/parties/{SERVES['stranger']}/deactivate", client_id="stranger")
    assert stranger.status_code == 200


async def test_an_id_in_use_is_kept_on_without_waiting_for_its_row(net: Desk) -> None:
    """Nor does anybody wait who accepts a request meanwhile."""
    assert await order(net, "req-send", named(story.order())) == 200
    if net.url.startswith("sqlite"):
        return  # it has one writer, and no locks of rows
    row = sa.select(parties.b2b_id).where(parties.b2b_id.c.b2b_id == BUYER)

    async def holds(tx: Transaction) -> None:
        await tx.select(row.with_for_update(read=True))
        async with asyncio.timeout(30):
            assert (await kept_on(net, "buyer", BUYER))[0]

    await net.stage.database.write(holds)


async def test_a_document_that_has_not_arrived_keeps_an_id_on_unnamed(net: Desk) -> None:
    assert await order(net, "req-send", named(story.order())) == 200
    answer = await net.own(f"/parties/{SUPPLIER}/deactivate", client_id="supplier")
    assert "PO1" not in answer.text
    assert "1 request(s) to this B2B ID are under way" in answer.json()["detail"]
    assert await kept_on(net, "supplier", SUPPLIER) == ([], 1)


async def test_what_was_declined_and_never_held_keeps_its_author_on_alone(net: Desk) -> None:
    assert await order(net, "req-send", named(story.order())) == 200
    await net.stage.finish(await net.stage.lease(), Decision.DECLINED)
    shown = {"type": "purchase-order", "objectId": "PO1", "status": "CREATED"}
    assert await kept_on(net, "buyer", BUYER) == ([shown], 0)
    assert await kept_on(net, "supplier", SUPPLIER) == ([], 0)


async def test_what_was_declined_is_withdrawn_also_when_its_receiver_is_off(net: Desk) -> None:
    """Nothing travels, so nobody is needed; and the author can be switched off after it."""
    assert await order(net, "req-send", named(story.order())) == 200
    await net.stage.decline()
    answer = await net.own(f"/parties/{SUPPLIER}/deactivate", client_id="supplier")
    assert answer.status_code == 200
    again = named(story.order())
    assert await order(net, "req-send", again) == 422, "that would travel"
    cancel = story.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="no"
    )
    assert await order(net, "req-status-change", named(cancel)) == 200
    answer = await net.own(f"/parties/{BUYER}/deactivate", client_id="buyer")
    assert answer.status_code == 200


async def test_what_may_be_held_keeps_an_id_on(net: Desk) -> None:
    """Nobody has answered, and it was given up: the supplier may hold it all the same."""
    assert await order(net, "req-send", named(story.order())) == 200
    await net.stage.finish(await net.stage.lease(), Decision.FAILED)
    rows = await net.stage.rows(sa.text("select req_msg_id from exchange"))
    gone = await net.own(f"/exchanges/{rows[0]['req_msg_id']}/abandon", client_id="buyer")
    assert gone.status_code == 200
    shown = {"type": "purchase-order", "objectId": "PO1", "status": "CREATED"}
    assert await kept_on(net, "supplier", SUPPLIER) == ([shown], 0)


async def test_a_document_in_a_final_status_does_not(net: Desk) -> None:
    await order(net, "req-send", named(story.order()))
    await net.stage.deliver_all()
    cancel = story.status_change(
        "CANCEL", version=1, source="SENT TO SUPPLIER", target="CANCELLED", remarks="no"
    )
    assert await order(net, "req-status-change", named(cancel)) == 200
    busy = await net.own(f"/parties/{BUYER}/deactivate", client_id="buyer")
    assert busy.status_code == 409, "the cancelling itself is open"
    await net.stage.deliver_all()
    for client_id, b2b_id in (("buyer", BUYER), ("supplier", SUPPLIER)):
        answer = await net.own(f"/parties/{b2b_id}/deactivate", client_id=client_id)
        assert answer.status_code == 200


async def test_the_operator_may_always_and_what_is_open_finishes(net: Desk) -> None:
    assert await order(net, "req-send", named(story.order())) == 200
    write = net.stage.database.write
    await write(partial(switch, b2b_id=SUPPLIER, active=False, by_operator=True))
    await net.stage.deliver_all()
    read = await net.http.get("/network/v1/documents/purchase-order/PO1", headers=bearer("buyer"))
    assert read.json()["status"] == "SENT TO SUPPLIER", "the open one finished"
    assert await order(net, "req-send", named(story.order(), "PO2", "N/2")) == 422
    await write(partial(switch, b2b_id=SUPPLIER, active=True, by_operator=True))
    assert await order(net, "req-send", named(story.order(), "PO2", "N/2")) == 200


async def test_what_the_operator_has_switched_off_its_client_does_not_switch_on(net: Desk) -> None:
    write = net.stage.database.write
    await write(partial(switch, b2b_id=SUPPLIER, active=False, by_operator=True))
    answer = await net.own(f"/parties/{SUPPLIER}/activate", client_id="supplier")
    assert (answer.status_code, answer.json()["code"]) == (403, "PARTY-BARRED")
    await write(partial(switch, b2b_id=SUPPLIER, active=True, by_operator=True))
    for verb in ("deactivate", "activate"):
        answer = await net.own(f"/parties/{SUPPLIER}/{verb}", client_id="supplier")
        assert answer.status_code == 200


async def test_nobody_but_the_operator_switches_a_barred_id_on(net: Desk) -> None:
    """Whoever asks without looking first finds it barred as well."""
    c = parties.b2b_id.c
    query = sa.select(c.active, c.barred).where(c.b2b_id == BUYER)

    async def switched(*, active: bool, by_operator: bool) -> tuple[bool, bool]:
        await net.stage.database.write(
            lambda tx: switch(tx, BUYER, active=active, by_operator=by_operator)
        )
        [row] = await net.stage.rows(query)
        return bool(row["active"]), bool(row["barred"])

    assert await switched(active=False, by_operator=True) == (False, True)
    assert await switched(active=True, by_operator=False) == (False, True)
    assert await switched(active=True, by_operator=True) == (True, False)
    assert await switched(active=False, by_operator=False) == (False, False)
    assert await switched(active=True, by_operator=False) == (True, False)


@pytest.mark.parametrize("verb", ["deactivate", "activate"])
async def test_nobody_switches_what_he_does_not_serve(net: Desk, verb: str) -> None:
    for b2b_id in (BUYER, "NOBODY@BCB"):
        answer = await net.own(f"/parties/{b2b_id}/{verb}", client_id="stranger")
        assert (answer.status_code, answer.json()["code"]) == (403, "PARTY-NOT-YOURS")


async def test_the_operator_raises_a_level(net: Desk) -> None:
    write = net.stage.database.write
    await write(partial(set_level, b2b_id=BUYER, level=1))
    assert await net.stage.database.read(partial(levels, b2b_ids={BUYER})) == {BUYER: 1}
    for work in (
        partial(set_level, b2b_id="NOBODY@BCB", level=1),
        partial(switch, b2b_id="NOBODY@BCB", active=True, by_operator=True),
    ):
        with pytest.raises(RefusedError, match="PARTY-UNKNOWN"):
            await write(work)


def test_final_is_what_the_contract_says() -> None:
    path = ROOT / "contract/b2b-purchase-order.yaml"
    cycle = yaml.safe_load(path.read_text(encoding="utf-8"))["x-lifecycle"]
    told = [f"purchase-order|{status}" for status in cycle["final"]]
    assert final_statuses([PURCHASE_ORDER]) == told


async def test_the_operator_joins_nobody_unasked_to_who_registered_himself(net: Desk) -> None:
    """He may be somebody else, and would see all that is exchanged under the new ID."""
    first = NewParty(client_id="supplier", name="Mills", pan="ZZZCM1234K", gstin=None, b2b_id=None)
    database = net.stage.database
    await add_party(database, first, system_random)
    of_pan = sa.update(parties.entity).where(parties.entity.c.pan == first.pan)
    await net.stage.execute(of_pan.values(registration="MSG"))
    wanted = replace(first, client_id="buyer", b2b_id="ZZZCM1234K.HQ@BCB")
    with pytest.raises(RefusedError, match="--joins"):
        await add_party(database, wanted, system_random)
    assert await add_party(database, replace(wanted, joins=True), system_random) == wanted.b2b_id
