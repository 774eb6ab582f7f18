"""How many codes are sent, and how many may be wrong; and what a code proves."""

import sqlalchemy as sa

from hundi.kernel.clock import DAY, MINUTE, SECOND
from hundi.onboarding.tables import registration
from tests.onboarding.bodies import check, entity
from tests.onboarding.desk import NOVICE, RIVAL, Desk

REGISTER = "reg-entity"


async def test_nobody_is_flooded_with_codes(net: Desk) -> None:
    for number in (1, 2):
        await net.pending(number=number, client_id=(NOVICE, RIVAL)[number - 1])
    await net.stage.execute(sa.update(registration).values(codes=15))
    await net.outcome("reg-check-entity", check(number=3), client_id="buyer")
    answer = await net.call(REGISTER, entity(number=3), client_id="buyer")
    assert answer.status_code == 429
    assert answer.json()["payload"]["resp"]["errorCd"] == "ONBOARD-CODE-LIMIT"
    assert int(answer.headers["retry-after"]) > 0
    await net.stage.execute(sa.update(registration).values(asked_at=registration.c.asked_at - DAY))
    await net.taken(REGISTER, entity(number=3), client_id="buyer")


async def test_nobody_uses_up_the_codes_of_another_clients_number(net: Desk) -> None:
    await net.pending(number=1)
    await net.stage.execute(sa.update(registration).values(codes=10))
    await net.outcome("reg-check-entity", check(number=2))
    assert (await net.call(REGISTER, entity(number=2))).status_code == 429
    await net.outcome("reg-check-entity", check(number=3), client_id=RIVAL)
    await net.taken(REGISTER, entity(number=3), client_id=RIVAL)


async def test_whoever_asks_for_one_code_too_many_is_told_the_same(net: Desk) -> None:
    """By registering anew, or by asking for a further code of a registration."""
    req_msg_id = await net.pending(number=1)
    earlier = registration.c.asked_at - 2 * MINUTE
    await net.stage.execute(sa.update(registration).values(codes=4, asked_at=earlier))
    await net.pending(number=2)
    second = registration.c.object_id == entity(number=2)["institute"]["objectId"]
    await net.stage.execute(sa.update(registration).where(second).values(codes=6))
    await net.outcome("reg-check-entity", check(number=3))
    anew = await net.call(REGISTER, entity(number=3))
    further = await net.own(f"/onboarding/{req_msg_id}/resend")
    assert (anew.status_code, further.status_code) == (429, 429)
    [fault] = anew.json()["payload"]["faults"]
    [told] = further.json()["faults"]
    assert (fault["code"], fault["detail"]) == (told["code"], told["detail"])
    assert anew.headers["retry-after"] == further.headers["retry-after"] == str(DAY // SECOND)


async def test_a_client_guesses_so_often_a_day(net: Desk) -> None:
    """Each registration has five tries, and there may be many."""
    await net.pending(number=1)
    await net.stage.execute(sa.update(registration).values(tries=100))
    req_msg_id = await net.pending(number=2)
    code = await net.code(req_msg_id)
    answer = await net.give(req_msg_id, code)
    assert (answer.status_code, answer.json()["code"]) == (429, "ONBOARD-CODE-LIMIT")
    await net.stage.execute(sa.update(registration).values(tries=0))
    assert (await net.give(req_msg_id, code)).status_code == 200


async def test_further_gstins_need_a_proved_pan(net: Desk) -> None:
    """A shop's registration of one's own proves no PAN."""
    await net.outcome("reg-check-entity", check())
    body = entity()
    shop = {"documentName": "SHOP ESTABLISHMENT NUMBER", "value": "SHOP-7", "registeredName": "S"}
    gstin = body["institute"]["primaryBusinessIdentifier"]
    body["institute"] |= {
        "primaryBusinessIdentifier": shop, "otherBusinessIdentifiers": [gstin],
    }  # fmt: skip
    answer = await net.call(REGISTER, body)
    assert answer.status_code == 422
    [fault] = answer.json()["payload"]["faults"]
    assert fault["path"] == "institute.otherBusinessIdentifiers[0].value"
