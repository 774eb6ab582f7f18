"""reg-check-entity: is a business known? The answer comes by webhook, to a client without a B2B ID too."""

import pytest

from tests.onboarding.bodies import FORM, PAN, SOLE, check, object_id
from tests.onboarding.desk import Desk

CHECK = "reg-check-entity"


async def test_a_new_business_is_new(net: Desk) -> None:
    told = await net.outcome(CHECK, check())
    assert list(told) == ["objectId", "resp", "instituteStatus", "checkInstitute"]
    assert told["resp"]["result"] == "SUCCESS"
    assert told["instituteStatus"] == {
        "institutes": [
            {"status": "NEW", "objectId": object_id(), "name": "Pretend Mills", "b2bIds": []}
        ]
    }
    assert told["checkInstitute"] == check()["checkInstitute"]


async def test_a_known_business_is_shown_with_its_public_ids(net: Desk) -> None:
    await net.active()
    told = await net.outcome(CHECK, check(number=2), client_id="buyer")
    assert told["instituteStatus"]["institutes"] == [
        {
            "status": "EXISTING",
            "objectId": object_id(1),
            "name": "Pretend Mills Private Limited",
            "b2bIds": [f"{PAN}@BCB"],
        }
    ]
    assert "9000000001" not in str(told)
    assert "owner@" not in str(told)


async def test_a_business_of_the_operators_has_no_object_id(net: Desk) -> None:
    told = await net.outcome(CHECK, check("ZZZCI0000K"))
    [one] = told["instituteStatus"]["institutes"]
    assert (one["status"], one["name"]) == ("EXISTING", "Buyer")
    assert "objectId" not in one


@pytest.mark.parametrize(
    ("pan", "form"),
    [(PAN, "LLP"), (PAN, "SOLE PROP"), (SOLE, FORM), ("ZZZXA1234K", FORM), ("ZZZGA1234K", "AJP")],
)
async def test_pan_and_legal_form_must_agree(net: Desk, pan: str, form: str) -> None:
    refused = await net.faults(CHECK, check(pan, form))
    assert refused == (422, {("ONBOARD-PAN-FORM", "checkInstitute.value")})


@pytest.mark.parametrize("form", ["GOVERNMENT AGENCY", "GOVERNEMNT AGENCY"])
async def test_both_spellings_of_government_agency_pass(net: Desk, form: str) -> None:
    await net.outcome(CHECK, check("ZZZGA1234K", form))


async def test_all_faults_of_the_shape_come_together(net: Desk) -> None:
    body = check()
    body["surplus"] = 1
    body["objectId"] = "ORG1"
    body["device"] = {}
    body["checkInstitute"] |= {"docName": "TAN", "type": "CLUB", "value": "abc"}
    del body["initiatorEntity"]
    assert await net.faults(CHECK, body) == (
        400,
        {
            ("SHAPE-UNKNOWN", "surplus"),
            ("SHAPE-PATTERN", "objectId"),
            ("SHAPE-MISSING", "device.tag"),
            ("SHAPE-VALUE", "checkInstitute.docName"),
            ("SHAPE-VALUE", "checkInstitute.type"),
            ("SHAPE-PATTERN", "checkInstitute.value"),
            ("SHAPE-MISSING", "initiatorEntity"),
        },
    )
