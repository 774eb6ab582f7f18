"""reg-entity: a business registers, and proves with a code that it is its own."""

import json

import pytest
import sqlalchemy as sa

from hundi.exchange.tables import exchange
from hundi.kernel.clock import DAY, HOUR, MINUTE
from hundi.onboarding import ownership
from hundi.onboarding.tables import business_identifier, candidate, registration
from hundi.parties.queries import levels, served
from hundi.parties.tables import entity as entities
from hundi.parties.tables import gstin as gstins
from tests.onboarding.bodies import PAN, SOLE, check, entity, gstin, identifier, object_id
from tests.onboarding.desk import NOVICE, RIVAL, Desk, queued

REGISTER = "reg-entity"


async def age(net: Desk, req_msg_id: str, **by: int) -> None:
    """Move moments of a registration into the past."""
    r = registration.c
    values = {name: getattr(r, name) - span for name, span in by.items()}
    await net.stage.execute(
        sa.update(registration).where(r.req_msg_id == req_msg_id).values(**values)
    )


async def status(net: Desk, number: int = 1, client_id: str = NOVICE) -> str:
    c = candidate.c
    query = sa.select(c.status).where(c.object_id == object_id(number), c.client_id == client_id)
    [row] = await net.stage.rows(query)
    return str(row["status"])


async def test_a_business_registers_and_becomes_active_with_its_default_id(net: Desk) -> None:
    req_msg_id = await net.pending()
    assert await status(net) == "REGISTRATION PENDING"
    assert await net.told() == [], "nothing is told before the code came back"
    shown = await net.shown(req_msg_id)
    assert (shown["state"], shown["result"], shown["answer"]) == ("OPEN", "PENDING", None)
    code = await net.code(req_msg_id)
    [message] = net.contacts.messages()
    assert (message["phone"], message["email"]) == ("+919000000001", "owner@pretend.example.com")
    assert (await net.give(req_msg_id, code)).json()["state"] == "SETTLED"
    [told] = await net.told()
    assert list(told.body) == ["resp", "institute", "additionalInfos"]
    assert told.body["resp"] == {
        "reqMsgId": req_msg_id, "result": "SUCCESS", "errorCd": "", "errorDtl": "", "errorField": "",
    }  # fmt: skip
    assert told.body["institute"] == entity()["institute"]
    assert told.body["additionalInfos"] == entity()["additionalInfos"]
    assert told.path == "api/v0/business-onboarding/respRegEntity"
    assert await status(net) == "ACTIVE"
    [party] = (await net.http.get(
        "/network/v1/parties", headers={"authorization": f"Bearer {NOVICE}-token"}
    )).json()["parties"]  # fmt: skip
    assert (party["b2bId"], party["active"], party["public"], party["level"]) == (
        f"{PAN}@BCB", True, True, 2,
    )  # fmt: skip
    assert [r["gstin"] for r in await net.stage.rows(sa.select(gstins.c.gstin))] == [gstin()]
    [udyam] = await net.stage.rows(sa.select(business_identifier))
    assert (udyam["document"], udyam["value"]) == ("UDYAM", "UDYAM-MH-00-0000001")


async def test_levels_are_told_to_those_who_gate_by_them(net: Desk) -> None:
    await net.active(mccCode="0000")
    ids = {f"{PAN}@BCB", "nobody@BCB", *(r["b2b_id"] for r in await net.stage.rows(sa.text("select b2b_id from b2b_id")))}  # type: ignore[arg-type]  # fmt: skip
    found = await net.stage.database.read(lambda tx: levels(tx, ids))
    assert found.pop(f"{PAN}@BCB") == 1, "no merchant category, no paying"
    assert set(found.values()) == {3}, "the operator vouches for those it added"
    known = await net.stage.database.write(lambda tx: served(tx, {f"{PAN}@BCB"}))
    assert known[f"{PAN}@BCB"].level == 1


async def test_a_repeat_under_its_key_is_the_same_answer(net: Desk) -> None:
    await net.outcome("reg-check-entity", check())
    first = await net.call(REGISTER, entity(), key="k1")
    again = await net.call(REGISTER, entity(), key="k1")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["hundi-exchange-state"] == "OPEN"
    other = await net.call("reg-check-entity", check(), key="k1")
    assert other.status_code == 422
    assert other.json()["payload"]["resp"]["errorCd"] == "KEY-MISMATCH"
    unreadable = await net.call(REGISTER, b"{", key="k1")
    assert unreadable.json()["payload"]["resp"]["errorCd"] == "KEY-MISMATCH"
    req_msg_id = first.json()["payload"]
    await net.give(req_msg_id, await net.code(req_msg_id))
    [told] = await net.told()
    assert told.key == "k1"
    once_more = await net.call(REGISTER, entity(), key="k1")
    assert (once_more.content, once_more.headers["hundi-exchange-state"]) == (
        first.content, "SETTLED",
    )  # fmt: skip


async def test_it_must_be_checked_first_and_as_it_registers(net: Desk) -> None:
    refused = (409, {("ONBOARD-NOT-CHECKED", "institute.objectId")})
    assert await net.faults(REGISTER, entity()) == refused
    await net.outcome("reg-check-entity", check())
    assert await net.faults(REGISTER, entity(), client_id=RIVAL) == refused
    assert await net.faults(REGISTER, entity("ZZZCB1234K")) == refused
    await net.taken(REGISTER, entity())


async def test_one_registration_of_an_object_waits_at_a_time(net: Desk) -> None:
    req_msg_id = await net.pending()
    answer = await net.call(REGISTER, entity())
    [fault] = answer.json()["payload"]["faults"]
    assert (answer.status_code, fault["code"]) == (409, "ONBOARD-PENDING")
    assert fault["context"]["reqMsgId"] == req_msg_id
    await net.outcome("reg-check-entity", check("ZZZCB1234K"))
    assert await status(net) == "REGISTRATION PENDING", "a check does not end it"


async def test_what_is_taken_is_told_all_at_once(net: Desk) -> None:
    await net.active()
    await net.outcome("reg-check-entity", check(), client_id=RIVAL)
    answer = await net.call(REGISTER, entity(), client_id=RIVAL)
    faults = answer.json()["payload"]["faults"]
    assert answer.status_code == 409
    assert [(f["code"], f["path"], f["context"]["portalCode"]) for f in faults] == [
        ("ONBOARD-OBJECT-TAKEN", "institute.objectId", "ONB0003"),
        ("ONBOARD-ENTITY-EXISTS", "institute.lei.value", "ONB0001"),
        ("PARTY-TAKEN", "institute.defaultB2BId", "ONB0004"),
        ("PARTY-TAKEN", "institute.primaryBusinessIdentifier.value", "ONB0005"),
        ("PARTY-TAKEN", "institute.otherBusinessIdentifiers[0].value", "ONB0005"),
    ]


async def test_the_operators_businesses_are_taken_too(net: Desk) -> None:
    await net.outcome("reg-check-entity", check("ZZZCI0000K"))
    status_, faults = await net.faults(REGISTER, entity("ZZZCI0000K"))
    assert status_ == 409
    assert ("ONBOARD-ENTITY-EXISTS", "institute.lei.value") in faults


async def test_a_sole_proprietor_may_have_several_businesses(net: Desk) -> None:
    for number in (1, 2):
        pan_gstin = gstin(SOLE, number=number)
        await net.active(
            pan=SOLE,
            form="SOLE PROP",
            number=number,
            defaultB2BId=f"PRET.OWNR.1234.00{number}@BCB",
            primaryBusinessIdentifier=identifier(pan_gstin),
        )
    found = await net.stage.rows(sa.select(entities.c.entity_id).where(entities.c.pan == SOLE))
    assert len(found) == 2
    told = await net.outcome("reg-check-entity", check(SOLE, "SOLE PROP", number=3))
    institutes = told["instituteStatus"]["institutes"]
    assert [one["b2bIds"] for one in institutes] == [
        ["PRET.OWNR.1234.001@BCB"], ["PRET.OWNR.1234.002@BCB"],
    ]  # fmt: skip


async def test_who_proves_ownership_first_gets_what_two_want(net: Desk) -> None:
    """An unproved registration blocks nobody; the later proof fails, and its client is told why."""
    mine = await net.pending()
    theirs = await net.pending(client_id=RIVAL, number=2, otherBusinessIdentifiers=[])
    code, other = await net.code(mine), await net.code(theirs)
    won = await net.give(theirs, other, client_id=RIVAL)
    lost = await net.give(mine, code)
    assert (won.status_code, lost.status_code) == (200, 409)
    assert {f["code"] for f in lost.json()["faults"]} == {"ONBOARD-ENTITY-EXISTS", "PARTY-TAKEN"}
    told = {one.client_id: one.body["resp"] for one in await net.told()}
    assert told[RIVAL]["result"] == "SUCCESS"
    assert (told[NOVICE]["result"], told[NOVICE]["errorCd"]) == ("FAILURE", "ONBOARD-ENTITY-EXISTS")
    assert await status(net) == "CHECKED"


async def test_five_wrong_codes_end_it_and_it_may_begin_again(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1, 0):
        answer = await net.give(req_msg_id, wrong)
        assert answer.status_code == 422
        assert answer.json()["code"] == "ONBOARD-CODE-WRONG"
        assert answer.json()["faults"][0]["context"] == {"triesLeft": left}
    late = await net.give(req_msg_id, code)
    assert (late.status_code, late.json()["code"]) == (409, "ONBOARD-NOT-PENDING")
    [told] = await net.told()
    assert told.body["resp"]["result"] == "FAILURE"
    assert told.body["resp"]["errorCd"] == "ONBOARD-CODE-WRONG"
    assert await status(net) == "CHECKED"
    assert (await net.shown(req_msg_id))["state"] == "DECLINED"
    again = await net.taken(REGISTER, entity())
    assert (await net.give(again, await net.code(again))).status_code == 200


async def test_a_code_counts_for_ten_minutes(net: Desk) -> None:
    req_msg_id = await net.pending()
    early = await net.give(req_msg_id, "123456")
    assert (early.status_code, early.json()["code"]) == (422, "ONBOARD-CODE-NONE")
    code = await net.code(req_msg_id)
    await age(net, req_msg_id, code_expires_at=10 * MINUTE)
    late = await net.give(req_msg_id, code)
    assert (late.status_code, late.json()["code"]) == (422, "ONBOARD-CODE-NONE")
    assert (await net.shown(req_msg_id))["ownership"]["tries"] == 0


async def test_another_code_may_be_asked_for_within_limits(net: Desk) -> None:
    req_msg_id = await net.pending()
    first = await net.code(req_msg_id)
    soon = await net.own(f"/onboarding/{req_msg_id}/resend")
    assert (soon.status_code, soon.json()["code"]) == (429, "ONBOARD-CODE-LIMIT")
    assert 1 <= int(soon.headers["retry-after"]) <= 60
    seen = {first}
    for _ in range(4):
        await age(net, req_msg_id, asked_at=MINUTE)
        assert (await net.own(f"/onboarding/{req_msg_id}/resend")).status_code == 202
        seen.add(await net.code(req_msg_id))
    assert len(seen) > 1
    await age(net, req_msg_id, asked_at=MINUTE)
    assert (await net.own(f"/onboarding/{req_msg_id}/resend")).status_code == 429
    stale = await net.give(req_msg_id, first)
    assert stale.status_code == 422, "only the code that was sent last counts"
    newest = net.contacts.messages()[-1]["code"]
    assert (await net.give(req_msg_id, newest)).status_code == 200
    over = await net.own(f"/onboarding/{req_msg_id}/resend")
    assert (over.status_code, over.json()["code"]) == (409, "ONBOARD-NOT-PENDING")


async def test_a_registration_lapses_after_a_day(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    assert await net.codes.lapse() == 0
    await age(net, req_msg_id, lapses_at=DAY)
    assert await net.codes.lapse() == 1
    assert await net.codes.lapse() == 0
    [told] = await net.told()
    assert (told.body["resp"]["result"], told.body["resp"]["errorCd"]) == (
        "FAILURE", "ONBOARD-LAPSED",
    )  # fmt: skip
    assert (await net.shown(req_msg_id))["state"] == "EXPIRED"
    assert await status(net) == "CHECKED"
    assert (await net.give(req_msg_id, code)).status_code == 409
    await net.taken(REGISTER, entity())


async def test_a_code_is_not_at_rest_anywhere(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    [row] = await net.stage.rows(sa.select(registration))
    assert code not in str(row)
    assert len(bytes(row["code_hash"])) == 32
    await net.give(req_msg_id, code)
    [row] = await net.stage.rows(sa.select(registration))
    assert row["code_hash"] is row["code_salt"] is None


async def test_sending_that_fails_is_tried_again_with_another_code(
    net: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "SECOND", MINUTE)  # five seconds are soon over, five minutes not
    req_msg_id = await net.pending()
    net.contacts.fails = 1
    await net.codes.send_due()
    assert net.contacts.messages() == []
    assert (await net.give(req_msg_id, "000000")).json()["code"] == "ONBOARD-CODE-NONE"
    assert await net.codes.send_due() == 0, "not at once"
    await age(net, req_msg_id, due_at=5 * MINUTE)
    assert (await net.give(req_msg_id, await net.code(req_msg_id))).status_code == 200


async def test_a_rail_with_a_fault_of_its_own_stops_nobody(net: Desk, capsys) -> None:
    req_msg_id = await net.pending()
    codes: list[str] = []

    async def broken(_: object, code: str, **__: object) -> None:
        codes.append(code)
        raise KeyError(code)

    send, net.contacts.send = net.contacts.send, broken  # type: ignore[method-assign,assignment]
    await net.codes.send_due()
    net.contacts.send = send  # type: ignore[method-assign]
    logged = capsys.readouterr()
    assert "KeyError" in logged.out + logged.err
    assert codes[0] not in logged.out + logged.err
    await age(net, req_msg_id, due_at=5 * 10**6)
    assert (await net.give(req_msg_id, await net.code(req_msg_id))).status_code == 200


async def test_a_sender_that_dies_before_sending_loses_nothing(net: Desk) -> None:
    """Killed between the commit and the sending: the lease runs out, and a code goes out."""
    req_msg_id = await net.pending()

    class Killed(BaseException):
        pass

    async def die(*_: object, **__: object) -> None:
        raise Killed

    send, net.contacts.send = net.contacts.send, die  # type: ignore[method-assign,assignment]
    with pytest.raises(Killed):
        await net.codes.send_due()
    net.contacts.send = send  # type: ignore[method-assign]
    assert await net.codes.send_due() == 0, "somebody may be sending it now"
    await age(net, req_msg_id, due_at=HOUR)
    assert (await net.give(req_msg_id, await net.code(req_msg_id))).status_code == 200


async def test_a_stranger_cannot_see_or_prove_it(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    for answer in (
        await net.give(req_msg_id, code, client_id=RIVAL),
        await net.own(f"/onboarding/{req_msg_id}/resend", client_id=RIVAL),
        await net.http.get(
            f"/network/v1/onboarding/{req_msg_id}", headers={"authorization": "Bearer rival-token"}
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "ONBOARD-UNKNOWN")
    rival = {"authorization": "Bearer rival-token"}
    theirs = await net.http.get(f"/network/v1/exchanges/{req_msg_id}", headers=rival)
    assert theirs.status_code == 404
    theirs = await net.http.get(f"/network/v1/deliveries?reqMsgId={req_msg_id}", headers=rival)
    assert (theirs.status_code, theirs.json()["deliveries"]) == (200, [])
    await net.give(req_msg_id, code)
    mine = {"authorization": f"Bearer {NOVICE}-token"}
    shown = (await net.http.get(f"/network/v1/exchanges/{req_msg_id}", headers=mine)).json()
    assert (shown["state"], shown["documents"]) == ("SETTLED", [])
    assert [d["side"] for d in shown["deliveries"]] == ["inbound"]
    await net.told()
    before = await queued(net.stage)
    again = await net.own(f"/deliveries/RSP{req_msg_id[3:]}/redrive")
    assert (again.status_code, await queued(net.stage)) == (202, before + 1)


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "१२३४५६", ""])
async def test_a_code_is_six_digits(net: Desk, code: str) -> None:
    req_msg_id = await net.pending()
    answer = await net.give(req_msg_id, code)
    assert (answer.status_code, answer.json()["code"]) == (400, "SHAPE-PATTERN")


async def test_a_code_call_takes_json_alone(net: Desk) -> None:
    mine = {"authorization": f"Bearer {NOVICE}-token"}
    path = "/network/v1/onboarding/MSG1/code"
    plain = await net.http.post(path, content=b"{}", headers=mine)
    assert plain.status_code == 415
    broken = await net.http.post(
        path, content=b"{", headers={**mine, "content-type": "application/json"}
    )
    assert broken.status_code == 400


async def test_a_mailbox_reads_its_answer(net: Desk) -> None:
    await net.stage.execute(sa.text("update client set mailbox = true where client_id = 'novice'"))
    req_msg_id = await net.taken("reg-check-entity", check())
    assert await net.told() == []
    shown = await net.shown(req_msg_id)
    assert (shown["result"], shown["webhook"]) == ("SUCCESS", None)
    assert shown["answer"]["instituteStatus"]["institutes"][0]["status"] == "NEW"


async def test_nothing_is_kept_of_a_refused_call(net: Desk) -> None:
    await net.faults(REGISTER, entity())
    for table in (exchange, registration, candidate):
        assert await net.stage.rows(sa.select(sa.func.count().label("n")).select_from(table)) == [
            {"n": 0}
        ]


async def test_the_answer_echoes_the_very_members(net: Desk) -> None:
    await net.outcome("reg-check-entity", check())
    body = entity()
    body["institute"]["extra"] = {"kept": [1, 2.50, "é"]}
    raw = json.dumps(body).replace("2.5", "2.50").encode()
    req_msg_id = await net.taken(REGISTER, raw)
    await net.give(req_msg_id, await net.code(req_msg_id))
    shown = await net.http.get(
        f"/network/v1/onboarding/{req_msg_id}", headers={"authorization": f"Bearer {NOVICE}-token"}
    )
    assert b"2.50" in shown.content
