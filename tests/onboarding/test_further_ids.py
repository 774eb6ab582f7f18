"""reg-id: more B2B IDs for a business, all that one call wants or none."""

from typing import Any

import pytest
import sqlalchemy as sa

from hundi.onboarding import rules
from hundi.parties.tables import b2b_id
from tests.onboarding.bodies import PAN, entity, further, gstin, identifier, object_id
from tests.onboarding.desk import NOVICE, RIVAL, Desk

REG_ID = "reg-id"
BASE = f"{PAN}@BCB"
SECOND = gstin(number=2)


@pytest.fixture
async def mills(net: Desk) -> Desk:
    """The novice's business is active, with a second GSTIN."""
    others = [identifier(SECOND), identifier("UDYAM-MH-00-0000001", "UDYAM")]
    await net.active(otherBusinessIdentifiers=others)
    return net


async def ids(net: Desk) -> dict[str, dict[str, Any]]:
    rows = await net.stage.rows(sa.select(b2b_id).where(b2b_id.c.client_id == NOVICE))
    return {str(row["b2b_id"]): row for row in rows}


async def test_an_ending_makes_a_further_id(mills: Desk) -> None:
    body = further(f"{PAN}.MYS@BCB", privacyType="PRIVATE")
    told = await mills.outcome(REG_ID, body)
    assert list(told) == [
        "objectId", "resp", "onboardingB2BIds", "regB2BIds", "additionalInfos",
    ]  # fmt: skip
    assert told["resp"]["result"] == "SUCCESS"
    assert (told["regB2BIds"], told["additionalInfos"]) == (body["regB2BIds"], [])
    row = (await ids(mills))[f"{PAN}.MYS@BCB"]
    assert (row["active"], row["public"], row["description"]) == (True, False, "Head office")


@pytest.mark.parametrize("value", [f"{PAN}.PUNE1@BCB", f"{PAN}.M2@BCB", f"{PAN}.ABC@BCB"])
async def test_endings_have_two_to_five_capitals_or_digits(mills: Desk, value: str) -> None:
    await mills.outcome(REG_ID, further(value))


@pytest.mark.parametrize(
    "value",
    [
        f"{PAN}.A@BCB", f"{PAN}.ABCDEF@BCB", f"{PAN}.mys@BCB", f"{PAN}MYS@BCB", f"{PAN}.MYS",
        f"{PAN}.@BCB", "ZZZCI0000K.MYS@BCB", "FREE@BCB", f"{gstin()}@BCB", f"{PAN}.A B@BCB",
    ],
)  # fmt: skip
async def test_other_forms_are_refused(mills: Desk, value: str) -> None:
    assert await mills.faults(REG_ID, further(value)) == (
        422,
        {("ONBOARD-FURTHER-ID", "regB2BIds.ids[0].value")},
    )


async def test_a_further_id_is_not_extended_again(mills: Desk) -> None:
    await mills.outcome(REG_ID, further(f"{PAN}.MYS@BCB"))
    assert await mills.faults(REG_ID, further(f"{PAN}.MYS.TWO@BCB")) == (
        422,
        {("ONBOARD-FURTHER-ID", "regB2BIds.ids[0].value")},
    )


async def test_a_branch_has_one_id_for_its_gstin(mills: Desk) -> None:
    named = identifier(SECOND)
    first = further(f"{SECOND}@BCB", reason="BRANCH", businessIdentifier=named)
    await mills.outcome(REG_ID, first)
    assert (await ids(mills))[f"{SECOND}@BCB"]["branch_gstin"] == SECOND
    second = further(f"{PAN}.TWO@BCB", reason="BRANCH", businessIdentifier=named)
    assert await mills.faults(REG_ID, second) == (
        422,
        {("ONBOARD-BRANCH", "regB2BIds.ids[0].businessIdentifier.value")},
    )
    await mills.outcome(REG_ID, further(f"{PAN}.TWO@BCB", businessIdentifier=named))


async def test_two_branches_of_one_call_share_no_gstin(mills: Desk) -> None:
    body = further(f"{PAN}.ONE@BCB", reason="BRANCH")
    body["regB2BIds"]["ids"].append(further(f"{PAN}.TWO@BCB", reason="BRANCH")["regB2BIds"]["ids"][0])  # fmt: skip
    assert await mills.faults(REG_ID, body) == (
        422,
        {("ONBOARD-BRANCH", "regB2BIds.ids[1].businessIdentifier.value")},
    )
    assert set(await ids(mills)) == {BASE}, "all or none"


async def test_a_branch_is_known_by_its_gstin(mills: Desk) -> None:
    udyam = identifier("UDYAM-MH-00-0000001", "UDYAM")
    body = further(f"{PAN}.ONE@BCB", reason="BRANCH", businessIdentifier=udyam)
    assert await mills.faults(REG_ID, body) == (
        422,
        {("ONBOARD-BRANCH", "regB2BIds.ids[0].businessIdentifier.documentName")},
    )


async def test_the_identifier_is_registered_for_the_same_entity(mills: Desk) -> None:
    unknown = further(f"{PAN}.ONE@BCB", businessIdentifier=identifier(gstin(number=3)))
    assert await mills.faults(REG_ID, unknown) == (
        422,
        {("ONBOARD-IDENTIFIER-UNKNOWN", "regB2BIds.ids[0].businessIdentifier.value")},
    )
    await mills.active(
        client_id=RIVAL, pan="ZZZCB1234K", number=2,
        primaryBusinessIdentifier=identifier(gstin("ZZZCB1234K")),
    )  # fmt: skip
    theirs = further(f"{PAN}.ONE@BCB", businessIdentifier=identifier(gstin("ZZZCB1234K")))
    assert await mills.faults(REG_ID, theirs) == (
        409,
        {("PARTY-TAKEN", "regB2BIds.ids[0].businessIdentifier.value")},
    )


async def test_what_is_taken_is_told_for_each(mills: Desk) -> None:
    await mills.outcome(REG_ID, further(f"{PAN}.ONE@BCB"))
    body = further(f"{PAN}.ONE@BCB")
    body["regB2BIds"]["ids"] += further(BASE)["regB2BIds"]["ids"]
    assert await mills.faults(REG_ID, body) == (
        409,
        {("PARTY-TAKEN", f"regB2BIds.ids[{n}].value") for n in (0, 1)},
    )


async def test_an_id_stands_once_in_a_call(mills: Desk) -> None:
    body = further(f"{PAN}.ONE@BCB")
    body["regB2BIds"]["ids"] *= 2
    assert await mills.faults(REG_ID, body) == (
        422,
        {("ONBOARD-TWICE", f"regB2BIds.ids[{n}].value") for n in (0, 1)},
    )


async def test_a_call_has_a_hundred_at_most(mills: Desk) -> None:
    one = further(f"{PAN}.ONE@BCB")["regB2BIds"]["ids"][0]
    many = further(f"{PAN}.ONE@BCB")
    many["regB2BIds"]["ids"] = [one | {"value": f"{PAN}.{n:03d}@BCB"} for n in range(101)]
    assert await mills.faults(REG_ID, many) == (422, {("ONBOARD-TOO-MANY", "regB2BIds.ids")})
    many["regB2BIds"]["ids"].pop()
    await mills.outcome(REG_ID, many)
    assert len(await ids(mills)) == 101


async def test_a_gstin_is_checked(mills: Desk) -> None:
    wrong = gstin()[:14] + ("A" if gstin()[14] != "A" else "B")
    body = further(f"{PAN}.ONE@BCB", businessIdentifier=identifier(wrong))
    status, faults = await mills.faults(REG_ID, body)
    assert status == 422
    assert ("ONBOARD-GSTIN", "regB2BIds.ids[0].businessIdentifier.value") in faults


async def test_the_requestor_is_an_active_id_of_the_caller(mills: Desk) -> None:
    path = "onboardingB2BIds.requestorB2BId"
    body = further(f"{PAN}.ONE@BCB")
    for client_id, requestor in ((RIVAL, BASE), (NOVICE, "NOBODY@BCB"), (NOVICE, "STRANGER@BCB")):
        body["onboardingB2BIds"]["requestorB2BId"] = requestor
        refused = await mills.faults(REG_ID, body, client_id=client_id)
        assert refused == (403, {("PARTY-NOT-YOURS", path)})
    await mills.own(f"/parties/{BASE}/deactivate")
    body["onboardingB2BIds"]["requestorB2BId"] = BASE
    assert await mills.faults(REG_ID, body) == (422, {("PARTY-INACTIVE", path)})


async def test_the_object_is_the_requestors_entity(mills: Desk) -> None:
    body = further(f"{PAN}.ONE@BCB")
    body["objectId"] = object_id(9)
    assert await mills.faults(REG_ID, body) == (422, {("ONBOARD-OTHER-OBJECT", "objectId")})


async def test_all_faults_of_the_rules_come_together(mills: Desk) -> None:
    body = further("FREE@BCB", businessIdentifier=identifier(gstin(number=3)))
    body["objectId"] = object_id(9)
    status, faults = await mills.faults(REG_ID, body)
    assert (status, {code for code, _ in faults}) == (
        422,
        {"ONBOARD-OTHER-OBJECT", "ONBOARD-FURTHER-ID", "ONBOARD-IDENTIFIER-UNKNOWN"},
    )


async def test_a_business_of_the_operators_takes_further_ids(net: Desk) -> None:
    [row] = await net.stage.rows(sa.select(b2b_id).where(b2b_id.c.client_id == "buyer"))
    base, known = str(row["b2b_id"]), gstin("ZZZCI0000K")
    await net.stage.execute(sa.text(f"insert into gstin values ('{known}', 'buyer')"))
    body = further(base.replace("@", ".ONE@"), base, number=7, businessIdentifier=identifier(known))
    told = await net.outcome(REG_ID, body, client_id="buyer")
    assert told["resp"]["result"] == "SUCCESS"


async def test_a_sole_proprietors_id_is_extended_too(net: Desk) -> None:
    pan = "ZZZPA1234K"
    body = entity(pan, "SOLE PROP", defaultB2BId="PRET.OWNR.1234.001@BCB")
    assert body["institute"]["defaultB2BId"].endswith("001@BCB")
    await net.active(pan=pan, form="SOLE PROP", defaultB2BId="PRET.OWNR.1234.001@BCB")
    wanted = further(
        "PRET.OWNR.1234.001.SHOP@BCB", "PRET.OWNR.1234.001@BCB",
        businessIdentifier=identifier(gstin(pan)),
    )  # fmt: skip
    told = await net.outcome(REG_ID, wanted)
    assert told["resp"]["result"] == "SUCCESS"


async def test_a_business_has_so_many_ids_and_no_more(
    mills: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_IDS", 2)
    await mills.outcome(REG_ID, further(f"{PAN}.ONE@BCB"))
    refused = await mills.faults(REG_ID, further(f"{PAN}.TWO@BCB"))
    assert refused == (422, {("ONBOARD-TOO-MANY", "regB2BIds.ids")})
    assert set(await ids(mills)) == {BASE, f"{PAN}.ONE@BCB"}
