"""The rules of a registration, pure: what passes, what is refused, with code and path."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel.reading import read
from hundi.onboarding import rules
from hundi.onboarding.model import LegalForm, RegisterEntityBody
from hundi.onboarding.states import CODES_BY_NAME, state_code
from tests.onboarding.bodies import CONTRACT, PAN, SOLE, entity, gstin, identifier

LETTERS = CONTRACT["components"]["schemas"]["Pan"]["x-holder-type-letter"]
FORMS = LegalForm.__args__  # type: ignore[attr-defined]
PRIMARY = "institute.primaryBusinessIdentifier.value"


def told(body: dict[str, Any]) -> set[tuple[str, str]]:
    typed = read(msgspec.json.encode(body), RegisterEntityBody)
    return {(f.code, f.path) for f in rules.registration_findings(typed)}


def test_a_golden_registration_has_no_fault() -> None:
    assert told(entity()) == set()
    assert told(entity(SOLE, "SOLE PROP")) == set()


def test_letters_are_the_contracts() -> None:
    spelt = {
        letter: {form for word in words.split(" or ") for form in _spellings(word)}
        for letter, words in LETTERS.items()
    }
    assert {letter: set(forms) for letter, forms in rules.FORMS.items()} == spelt


def _spellings(word: str) -> tuple[str, ...]:
    return (word, "GOVERNEMNT AGENCY") if word == "GOVERNMENT AGENCY" else (word,)


@given(
    first=st.text("ABCXYZ", min_size=3, max_size=3),
    letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    form=st.sampled_from(FORMS),
    digits=st.text("0123456789", min_size=4, max_size=4),
)
def test_pan_and_form_agree_or_are_refused(first: str, letter: str, form: str, digits: str) -> None:
    """One letter a form; P for a sole proprietor alone, and he has no other."""
    pan = f"{first}{letter}A{digits}K"
    known = form in rules.FORMS.get(letter, ())
    faults = told(entity(pan, form))
    assert (("ONBOARD-PAN-FORM", "institute.lei.value") in faults) is not known
    assert rules.is_sole(pan) is (letter == "P")
    if form == "SOLE PROP" and known:
        assert letter == "P"


@pytest.mark.parametrize(
    ("wanted", "good"),
    [
        (f"{PAN}@BCB", True),
        (f"{gstin()}@BCB", True),
        ("ZZZCB1234K@BCB", False),
        (f"{gstin('ZZZCB1234K')}@BCB", False),
        (f"{PAN}.MYS@BCB", False),
        (PAN, False),
        (f"{PAN.lower()}@BCB", False),
        ("PRET.OWNR.1234.001@BCB", False),
        ("MYSHOP@BCB", False),
    ],
)
def test_a_companys_default_id(wanted: str, good: bool) -> None:
    fault = ("ONBOARD-DEFAULT-ID", "institute.defaultB2BId")
    assert (fault in told(entity(defaultB2BId=wanted))) is not good


@pytest.mark.parametrize(
    ("wanted", "good"),
    [
        ("PRET.OWNR.1234.001@BCB", True),
        (f"{SOLE}@BCB", True),
        ("PRET.OWNR.1235.001@BCB", False),
        ("PRE.OWNR.1234.001@BCB", False),
        ("PRET.OWNR.1234.01@BCB", False),
        ("pret.OWNR.1234.001@BCB", False),
    ],
)
def test_a_sole_proprietors_default_id(wanted: str, good: bool) -> None:
    fault = ("ONBOARD-DEFAULT-ID", "institute.defaultB2BId")
    assert (fault in told(entity(SOLE, "SOLE PROP", defaultB2BId=wanted))) is not good


@pytest.mark.parametrize(
    "value",
    [
        gstin()[:14] + ("0" if gstin()[14] != "0" else "1"),  # check character
        "27ZZZCA1234K1X",  # too short
        gstin("ZZZCB1234K"),  # another PAN
        gstin(state="29"),  # another state than the address
    ],
)
def test_a_gstin_is_checked_against_form_owner_and_state(value: str) -> None:
    assert told(entity(primaryBusinessIdentifier=identifier(value))) == {("ONBOARD-GSTIN", PRIMARY)}


def test_a_branch_in_another_state_is_no_fault() -> None:
    others = [identifier(gstin(state="29"))]
    assert told(entity(otherBusinessIdentifiers=others)) == set()
    address = entity()["institute"]["addresses"][0]
    far = [address, address | {"type": "BRANCH OFFICE", "state": "Karnataka"}]
    primary = identifier(gstin(state="29"))
    assert told(entity(addresses=far, primaryBusinessIdentifier=primary)) == set()


@pytest.mark.parametrize("state", ["MAHARASHTRA", "Maharashtra", "MAHA RASHTRA", "Bombay"])
def test_a_state_that_nobody_knows_is_not_held_against_a_gstin(state: str) -> None:
    address = entity()["institute"]["addresses"][0] | {"state": state}
    assert told(entity(addresses=[address])) == set()


def test_an_official_gstin_holds_no_pan() -> None:
    assert told(entity(primaryBusinessIdentifier=identifier("9917USA00001UNZ"))) == set()


def test_the_same_identifier_stands_once() -> None:
    twice = [identifier(gstin()), identifier("u1", "UDYAM"), identifier("U1", "UDYAM")]
    others = "institute.otherBusinessIdentifiers"
    assert told(entity(otherBusinessIdentifiers=twice)) == {
        ("ONBOARD-TWICE", PRIMARY),
        *(("ONBOARD-TWICE", f"{others}[{n}].value") for n in (0, 1, 2)),
    }


def test_identifiers_are_a_hundred_at_most() -> None:
    others = [identifier(f"U{n}", "UDYAM") for n in range(100)]
    assert told(entity(otherBusinessIdentifiers=others)) == {
        ("ONBOARD-TOO-MANY", "institute.otherBusinessIdentifiers")
    }
    assert told(entity(otherBusinessIdentifiers=others[1:])) == set()


@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (2, 2)])
def test_a_business_begins_at_version_one(pair: tuple[int, int]) -> None:
    version = {"currentVersion": pair[0], "newVersion": pair[1]}
    assert told(entity(objectVersion=version)) == {("ONBOARD-VERSION", "institute.objectVersion")}


def test_optional_members_may_be_empty() -> None:
    empty = entity(
        alias="", emails=[], cin="", dins=[], primaryEmail="", otherBusinessIdentifiers=[]
    )
    assert told(empty) == set()


@pytest.mark.parametrize(
    ("category", "owned", "documents", "account", "level"),
    [
        ("5943", True, True, True, 3),
        ("5943", True, True, False, 2),
        ("5943", True, False, True, 2),
        ("5943", False, True, True, 1),
        ("0000", True, True, True, 1),
    ],
)
def test_levels(category: str, owned: bool, documents: bool, account: bool, level: int) -> None:
    found = rules.level_of(category=category, owned=owned, documents=documents, account=account)
    assert found == level


def test_states_are_those_of_gstins() -> None:
    assert len(set(CODES_BY_NAME.values())) == len(CODES_BY_NAME) == 36
    assert state_code("Jammu & Kashmir") == "01"
    assert state_code("TAMILNADU") == state_code("Tamil Nadu") == "33"
    assert state_code("ORISSA") == "21"
    assert state_code("") is state_code("ATLANTIS") is None
