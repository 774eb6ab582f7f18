"""Bodies, paths, examples and the life cycle are the contract's."""

import msgspec
import pytest
from msgspec import inspect

from hundi.kernel import members
from hundi.kernel.fields import Group, Strict
from hundi.kernel.reading import read
from hundi.onboarding import model
from hundi.onboarding.calls import CALLS, CallType
from hundi.onboarding.model import LIFE, Status
from hundi.onboarding.rules import CODES
from tests.documents.test_contract import bare, struct
from tests.house.sources import ROOT
from tests.onboarding.bodies import CONTRACT

SCHEMAS = CONTRACT["components"]["schemas"]
EXAMPLES = CONTRACT["components"]["examples"]
PAIRS: dict[type[Group], str] = {
    members.Device: "Device",
    members.GeoCodeTag: "GeoCodeTag",
    members.AdditionalInfo: "AdditionalInfo",
    model.ObjectVersion: "ObjectVersion",
    model.OnboardingB2BIds: "OnboardingB2BIds",
    model.CheckInstitute: "CheckInstitute",
    model.Lei: "Lei",
    model.BusinessIdentifier: "BusinessIdentifier",
    model.InstituteAddress: "InstituteAddress",
    model.BankAccount: "BankAccount",
    model.InstituteContactNumber: "InstituteContactNumber",
    model.Institute: "Institute",
    model.B2BIdRegistration: "B2BIdRegistration",
    model.RegB2BIds: "RegB2BIds",
    model.SearchCriterion: "SearchCriterion",
    model.Search: "Search",
    model.CheckEntityBody: "CheckEntityRequest",
    model.RegisterEntityBody: "RegisterEntityRequest",
    model.RegisterIdBody: "RegisterB2BIdRequest",
    model.SearchEntityBody: "SearchEntityRequest",
}
EACH = list(PAIRS.items())
REQUESTS = {
    "reg-check-entity": "CheckEntity",
    "reg-entity": "RegisterEntity",
    "reg-id": "RegisterB2BId",
    "search-entity": "SearchEntity",
}


def test_every_object_of_the_bodies_is_compared() -> None:
    declared = {
        one
        for one in vars(model).values()
        if isinstance(one, type) and issubclass(one, Group) and one.__module__ == model.__name__
    }
    assert declared == {one for one in PAIRS if one.__module__ == model.__name__}


@pytest.mark.parametrize(("body", "name"), EACH)
def test_members_are_the_contracts(body: type[Group], name: str) -> None:
    told = SCHEMAS[name]
    assert {one.encode_name for one in struct(body).fields} == set(told["properties"])
    needed = {one.encode_name for one in struct(body).fields if one.required}
    assert needed == set(told.get("required", ()))
    closed = told.get("additionalProperties") is False
    assert issubclass(body, Strict) is closed


@pytest.mark.parametrize(("body", "name"), EACH)
def test_closed_words_are_the_contracts(body: type[Group], name: str) -> None:
    for one in struct(body).fields:
        kind = bare(one.type)
        told = SCHEMAS[name]["properties"][one.encode_name]
        if "$ref" in told:
            told = SCHEMAS[told["$ref"].rsplit("/", 1)[1]]
        if isinstance(kind, inspect.LiteralType):
            words = told.get("enum") or told.get("x-inferred-values")
            words = words or SCHEMAS["EntityType"]["enum"]  # Lei.type says so in words
            assert set(kind.values) == set(words), one.name
        else:
            assert "enum" not in told, one.name


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.name)
def test_paths_are_the_contracts(kind: CallType) -> None:
    call = CONTRACT["paths"][kind.path]["post"]
    [webhook] = call["x-followed-by"]
    assert kind.inform == CONTRACT["webhooks"][webhook]["post"]["x-path"].lstrip("/")
    schema = SCHEMAS[REQUESTS[kind.name] + "Response"]
    assert set(kind.answer) == set(schema["properties"])
    assert list(EXAMPLES[REQUESTS[kind.name] + "Response"]["value"]) == list(kind.answer)


def test_there_are_no_other_calls() -> None:
    ours = {kind.path for kind in CALLS}
    assert {path for path in CONTRACT["paths"] if path != "/oauth/token"} == ours


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.name)
def test_the_contracts_example_can_be_read(kind: CallType) -> None:
    example = EXAMPLES[REQUESTS[kind.name] + "Request"]["value"]
    read(msgspec.json.encode(example), kind.body)


def test_the_life_of_an_entity_is_the_contracts() -> None:
    told = [
        (source, row["to"], row["by"], row["via"])
        for row in CONTRACT["x-lifecycle"]["entity"]["transitions"]
        for source in row["from"]
    ]
    assert told == [(s.source.value, s.target.value, s.by, s.on) for s in LIFE]
    states = set(CONTRACT["x-lifecycle"]["entity"]["states"])
    reached = {Status.NEW} | {step.target for step in LIFE}
    assert reached == set(Status)
    # No row of the contract leads to these two.
    assert {s.value for s in Status} == states - {"SUSPENDED", "BLACKLISTED"}


def test_codes_of_the_room_are_its_own() -> None:
    assert all(code.name.startswith("ONBOARD-") for code in CODES)


GUIDE = ("check-entity", "register-entity", "further-id", "search-entity")


@pytest.mark.parametrize(("name", "kind"), list(zip(GUIDE, CALLS, strict=True)))
def test_the_guides_examples_pass(name: str, kind: CallType) -> None:
    raw = (ROOT / f"docs/examples/{name}.json").read_bytes()
    assert list(kind.findings(read(raw, kind.body))) == []
