"""A registration that waits for its code is given up by its client, and may begin again."""

import asyncio

import sqlalchemy as sa

from hundi.exchange.tables import exchange
from hundi.onboarding.ownership import lapse
from hundi.onboarding.tables import registration
from tests.onboarding.bodies import check, entity
from tests.onboarding.desk import RIVAL, Desk, queued
from tests.onboarding.test_invariants import checked
from tests.onboarding.test_registration import REGISTER, status
from tests.web import test_network as net_tests


async def test_a_waiting_registration_is_given_up_and_begins_again(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    fault = (await net.call(REGISTER, entity())).json()["payload"]["faults"][0]
    path = f"/exchanges/{req_msg_id}/abandon"
    assert (fault["code"], fault["context"]) == ("ONBOARD-PENDING", {"reqMsgId": req_msg_id})
    assert f"POST /network/v1{path}" in fault["detail"]
    first = await net.own(path, key="k")
    assert net_tests.checked(first, "NetworkExchange")["state"] == "ABANDONED"
    assert (await net.own(path, key="k")).content == first.content
    [told] = await net.told()
    assert (told.path, told.body["institute"]) == (
        "api/v0/business-onboarding/respRegEntity", entity()["institute"],
    )  # fmt: skip
    resp = told.body["resp"]
    assert (resp["reqMsgId"], resp["result"]) == (req_msg_id, "FAILURE")
    assert resp["errorCd"] == "EXCHANGE-ABANDONED"
    assert await status(net) == "CHECKED"
    shown = await net.shown(req_msg_id)
    assert (shown["state"], shown["ownership"]["state"]) == ("ABANDONED", "ABANDONED")
    assert (await net.give(req_msg_id, code)).json()["code"] == "ONBOARD-NOT-PENDING"
    again = await net.taken(REGISTER, entity())
    assert (await net.give(again, await net.code(again))).status_code == 200
    assert (await checked(net))[0] == []


async def test_an_end_that_was_told_is_not_told_again(net: Desk) -> None:
    """The exchange has left OPEN by another hand: its code makes no business, and no webhook follows."""
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    mine = exchange.c.req_msg_id == req_msg_id
    await net.stage.execute(sa.update(exchange).where(mine).values(state="ABANDONED"))
    net_tests.problem(await net.give(req_msg_id, code), 409, "ONBOARD-NOT-PENDING")
    assert await status(net) == "REGISTRATION PENDING"
    await net.stage.execute(sa.update(registration).values(lapses_at=1))
    assert [await net.codes.lapse() for _ in range(2)] == [1, 0]
    assert await status(net) == "CHECKED"
    assert await queued(net.stage) == 0
    assert (await net.shown(req_msg_id))["state"] == "ABANDONED"


async def test_only_its_client_gives_a_registration_up(net: Desk) -> None:
    path = f"/exchanges/{await net.pending()}/abandon"
    refused = await net.own(path, client_id=RIVAL)
    net_tests.problem(refused, 404, "EXCHANGE-UNKNOWN")
    assert await status(net) == "REGISTRATION PENDING"


async def test_what_has_ended_is_not_given_up(net: Desk) -> None:
    req_msg_id = await net.pending()
    await net.give(req_msg_id, await net.code(req_msg_id))
    refused = await net.own(f"/exchanges/{req_msg_id}/abandon")
    told = net_tests.problem(refused, 409, "EXCHANGE-ENDED")
    assert told["faults"][0]["context"] == {"state": "SETTLED"}
    assert await status(net) == "ACTIVE"
    asked = await net.taken("reg-check-entity", check(number=2))
    net_tests.problem(await net.own(f"/exchanges/{asked}/abandon"), 409, "EXCHANGE-FACT")


async def test_no_code_is_sent_for_what_was_given_up(net: Desk) -> None:
    req_msg_id = await net.pending()
    await net.own(f"/exchanges/{req_msg_id}/abandon")
    await net.codes.send_due()
    assert net.contacts.messages() == []
    assert not await net.stage.database.write(lambda tx: lapse(tx, req_msg_id))


async def test_it_ends_once_whoever_is_faster(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    given, gone = await asyncio.gather(
        net.give(req_msg_id, code), net.own(f"/exchanges/{req_msg_id}/abandon")
    )
    assert sorted((given.status_code, gone.status_code)) == [200, 409]
    assert await queued(net.stage) == 1
    assert (await checked(net))[0] == []
