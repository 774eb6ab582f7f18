"""Onboarding bodies about invented businesses, and the contract that they must fit."""

from typing import Any

import yaml

from hundi.kernel.tax_ids import check_character
from tests.house.sources import ROOT

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-onboarding.yaml").read_text(encoding="utf-8"))
Body = dict[str, Any]

PAN, FORM, STATE = "ZZZCA1234K", "COMPANY", "MAHARASHTRA"
SOLE = "ZZZPA1234K"


def gstin(pan: str = PAN, *, state: str = "27", number: int = 1) -> str:
    """A GSTIN with its check character."""
    first = f"{state}{pan}{number}Z"
    return first + check_character(first)


def object_id(number: int = 1) -> str:
    return f"ORG{number:032d}"


def device() -> Body:
    return {"tag": {"name": "GEOCODE", "value": "19.0760,72.8777"}}


def check(pan: str = PAN, form: str = FORM, *, number: int = 1) -> Body:
    return {
        "initiatorEntity": "SUPPLIER",
        "objectId": object_id(number),
        "device": device(),
        "checkInstitute": {
            "docName": "PAN", "type": form, "value": pan, "registeredName": "Pretend Mills",
        },
    }  # fmt: skip


def identifier(value: str, document: str = "GSTIN") -> Body:
    return {"documentName": document, "value": value, "registeredName": "Pretend Mills"}


def entity(pan: str = PAN, form: str = FORM, *, number: int = 1, **members: Any) -> Body:
    """A registration; `members` replace those of `institute`."""
    phone = {"type": "MOBILE", "countryCode": "+91", "phoneNumber": "9000000001"}
    institute = {
        "objectId": object_id(number),
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "name": "Pretend Mills Private Limited",
        "alias": "Pretend Mills",
        "defaultB2BId": f"{pan}@BCB",
        "mccCode": "5943",
        "lei": {
            "documentName": "PAN", "type": form, "value": pan, "registeredName": "Pretend Mills",
        },
        "primaryBusinessIdentifier": identifier(gstin(pan)),
        "otherBusinessIdentifiers": [identifier(f"UDYAM-MH-00-{number:07d}", "UDYAM")],
        "addresses": [
            {
                "type": "REGISTERED", "addressLine1": "12 Market Road", "city": "Pune",
                "state": STATE, "country": "INDIA", "pincode": "411001",
            }
        ],
        "bankAccounts": [
            {"accountNum": "001122333307", "ifsc": "FICT0000027", "beneficiaryName": "Pretend"}
        ],
        "contactNumbers": [phone],
        "emails": ["sales@pretend.example.com"],
        "primaryContactNumber": phone,
        "primaryEmail": "owner@pretend.example.com",
    }  # fmt: skip
    return {
        "initiatorEntity": "SUPPLIER",
        "device": device(),
        "institute": institute | members,
        "additionalInfos": [{"name": "costCentre", "value": "CC-10"}],
    }


def further(value: str, requestor: str = f"{PAN}@BCB", *, number: int = 1, **members: Any) -> Body:
    """A call for one further B2B ID; `members` replace those of the wanted ID."""
    wanted = {
        "value": value, "privacyType": "PUBLIC", "reason": "OTHER", "description": "Head office",
        "businessIdentifier": identifier(gstin()),
    }  # fmt: skip
    return {
        "initiatorEntity": "SUPPLIER",
        "objectId": object_id(number),
        "device": device(),
        "onboardingB2BIds": {"requestorB2BId": requestor},
        "regB2BIds": {"ids": [wanted | members]},
    }


def search(*criteria: tuple[str, str], requestor: str) -> Body:
    """A search by (parameter, value) pairs."""
    return {
        "initiatorEntity": "BUYER",
        "objectId": object_id(),
        "device": device(),
        "onboardingB2BIds": {"requestorB2BId": requestor},
        "search": {
            "criteria": [
                {"searchParameter": parameter, "operator": "EXACT", "value": value}
                for parameter, value in criteria
            ]
        },
    }
