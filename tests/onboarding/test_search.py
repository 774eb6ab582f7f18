"""search-entity: who is behind a number. Never a contact, never a private or inactive B2B ID."""

import json

import pytest
import sqlalchemy as sa

from hundi.onboarding import rules
from hundi.onboarding.rules import MOST
from hundi.parties.tables import b2b_id
from tests.onboarding.bodies import PAN, further, gstin, identifier, search
from tests.onboarding.desk import NOVICE, RIVAL, Desk

SEARCH = "search-entity"
BASE, HIDDEN, SHOWN = f"{PAN}@BCB", f"{PAN}.HIDE@BCB", f"{PAN}.SHOW@BCB"
NOTHING = "ONBOARD-NOTHING-FOUND"


@pytest.fixture
async def asker(net: Desk) -> str:
    """The novice has a business with a public and a private further ID; the buyer's ID asks."""
    await net.active()
    await net.outcome("reg-id", further(HIDDEN, privacyType="PRIVATE", description="Secret desk"))
    await net.outcome("reg-id", further(SHOWN, description=""))
    [row] = await net.stage.rows(sa.select(b2b_id).where(b2b_id.c.client_id == "buyer"))
    return str(row["b2b_id"])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("PAN", PAN),
        ("GSTIN", gstin()),
        ("GSTIN", gstin().lower()),
        ("B2BID", BASE),
        ("B2BID", SHOWN),
        ("UDYAM", "UDYAM-MH-00-0000001"),
    ],
)
async def test_a_number_finds_its_business(
    net: Desk, asker: str, parameter: str, value: str
) -> None:
    body = search((parameter, value), requestor=asker)
    told = await net.outcome(SEARCH, body, client_id="buyer")
    assert list(told) == ["objectId", "resp", "respParams", "onboardingB2BIds", "search"]
    assert told["resp"]["result"] == "SUCCESS"
    assert (told["search"], told["onboardingB2BIds"]) == (body["search"], body["onboardingB2BIds"])
    assert told["respParams"]["entityInfo"] == [
        {
            "name": "Pretend Mills Private Limited",
            "alias": "Pretend Mills",
            "state": "MAHARASHTRA",
            "pincode": "411001",
            "b2bIds": [{"value": SHOWN}, {"value": BASE}],
        }
    ]


async def test_nothing_leaks(net: Desk, asker: str) -> None:
    """Whatever is asked by whomever: no e-mail, no phone, no private ID, no bank account."""
    secrets = ("owner@", "sales@", "9000000001", "HIDE", "Secret desk", "001122333307", "FICT0")
    for client_id, requestor in (("buyer", asker), (NOVICE, BASE)):
        for parameter, value in (("PAN", PAN), ("GSTIN", gstin()), ("B2BID", BASE)):
            told = await net.outcome(
                SEARCH, search((parameter, value), requestor=requestor), client_id=client_id
            )
            text = json.dumps(told)
            assert told["resp"]["result"] == "SUCCESS"
            assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("value", [HIDDEN, "NOBODY@BCB", f" {BASE}", BASE.lower(), "%", f"{PAN}%"])
async def test_a_private_id_is_found_no_more_than_one_that_is_not_there(
    net: Desk, asker: str, value: str
) -> None:
    told = await net.outcome(SEARCH, search(("B2BID", value), requestor=asker), client_id="buyer")
    assert (told["resp"]["result"], told["resp"]["errorCd"]) == ("FAILURE", NOTHING)
    assert told["resp"]["errorField"] == "search.criteria"
    assert told["resp"]["errorDtl"] == (
        "No entity with a public B2B ID fits any of the criteria. Check the values."
    )
    assert told["respParams"] == {"entityInfo": []}


async def test_criteria_are_joined_by_or(net: Desk, asker: str) -> None:
    pan = "ZZZCB1234K"
    await net.active(
        client_id=RIVAL, pan=pan, number=2, name="Another Pretence",
        primaryBusinessIdentifier=identifier(gstin(pan)),
    )  # fmt: skip
    body = search(
        ("PAN", PAN), ("GSTIN", gstin(pan)), ("UDYAM", "none"), ("PAN", pan), requestor=asker
    )
    told = await net.outcome(SEARCH, body, client_id="buyer")
    assert [one["name"] for one in told["respParams"]["entityInfo"]] == [
        "Another Pretence",
        "Pretend Mills Private Limited",
    ]


async def test_a_business_without_a_public_active_id_is_not_found(net: Desk, asker: str) -> None:
    for one in (BASE, SHOWN):
        assert (await net.own(f"/parties/{one}/deactivate")).status_code == 200
    told = await net.outcome(SEARCH, search(("PAN", PAN), requestor=asker), client_id="buyer")
    assert told["resp"]["errorCd"] == NOTHING
    assert (await net.own(f"/parties/{BASE}/activate")).status_code == 200
    told = await net.outcome(SEARCH, search(("PAN", PAN), requestor=asker), client_id="buyer")
    assert told["respParams"]["entityInfo"][0]["b2bIds"] == [{"value": BASE}]


async def test_a_pending_business_is_not_found(net: Desk) -> None:
    await net.pending()
    [row] = await net.stage.rows(sa.select(b2b_id).where(b2b_id.c.client_id == "buyer"))
    body = search(("PAN", PAN), ("GSTIN", gstin()), requestor=str(row["b2b_id"]))
    told = await net.outcome(SEARCH, body, client_id="buyer")
    assert told["resp"]["errorCd"] == NOTHING


async def test_what_cannot_be_searched_by_is_refused_one_by_one(net: Desk, asker: str) -> None:
    body = search(("CIN", "1"), ("PAN", PAN), ("PHONE", "9000000001"), requestor=asker)
    assert await net.faults(SEARCH, body, client_id="buyer") == (
        422,
        {("ONBOARD-SEARCH-PARAMETER", f"search.criteria[{n}].searchParameter") for n in (0, 2)},
    )


async def test_a_search_has_its_bounds(net: Desk, asker: str) -> None:
    many = [("PAN", PAN)] * MOST
    await net.outcome(SEARCH, search(*many, requestor=asker), client_id="buyer")
    refused = await net.faults(
        SEARCH, search(*many, ("PAN", PAN), requestor=asker), client_id="buyer"
    )
    assert refused == (422, {("ONBOARD-TOO-MANY", "search.criteria")})
    body = search(requestor=asker)
    status, faults = await net.faults(SEARCH, body, client_id="buyer")
    assert (status, faults) == (400, {("SHAPE-LENGTH", "search.criteria")})


async def test_only_who_serves_an_id_may_ask_as_it(net: Desk, asker: str) -> None:
    path = "onboardingB2BIds.requestorB2BId"
    body = search(("PAN", PAN), requestor=asker)
    assert await net.faults(SEARCH, body) == (403, {("PARTY-NOT-YOURS", path)})
    hidden = search(("PAN", PAN), requestor=HIDDEN)
    missing = search(("PAN", PAN), requestor="NOBODY@BCB")
    for one in (hidden, missing):
        assert await net.faults(SEARCH, one, client_id="buyer") == (
            403,
            {("PARTY-NOT-YOURS", path)},
        )


async def test_what_finds_too_many_ids_tells_none(
    net: Desk, asker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_IDS", 1)
    told = await net.outcome(SEARCH, search(("PAN", PAN), requestor=asker), client_id="buyer")
    assert (told["resp"]["result"], told["resp"]["errorCd"]) == ("FAILURE", "ONBOARD-TOO-MANY")
    assert told["respParams"] == {"entityInfo": []}
