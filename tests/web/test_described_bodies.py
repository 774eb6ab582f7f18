"""The served description says what the typed bodies take: bounds, words, and what may be empty."""

import re
from collections.abc import Iterator
from itertools import chain

import pytest
from jsonschema import Draft202012Validator
from msgspec import inspect

from hundi.documents import MESSAGES
from hundi.kernel.faulty import bare
from hundi.kernel.fields import Strict
from hundi.onboarding.calls import CALLS
from hundi.web.taken import as_taken
from tests.web.test_schema import DESCRIPTION

SCHEMAS = DESCRIPTION["components"]["schemas"]
EMPTY = {"type": "object", "maxProperties": 0}


def meant(shape: dict) -> dict:
    """A schema without its reference, and without the empty values beside it."""
    while "$ref" in shape or "anyOf" in shape:
        pointed = shape.get("$ref", "").rpartition("/")[2]
        shape = SCHEMAS[pointed] if pointed else shape["anyOf"][0]
    return shape


def request_of(path: str) -> dict:
    return DESCRIPTION["paths"][path]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]


def differing(kind: inspect.Type, told: dict, path: str) -> Iterator[str]:
    """Paths of members whose bounds the description does not tell."""
    inner, shape = bare(kind), meant(told)
    if bounds(inner) != {name: shape.get(name) for name in bounds(inner)}:
        yield path
    if isinstance(inner, inspect.StructType):
        if inner.cls.never_empty and EMPTY in told.get("anyOf", ()):
            yield f"{path} may be empty"
        for one in inner.fields:
            name = one.encode_name
            yield from differing(one.type, shape["properties"][name], f"{path}.{name}")
    elif isinstance(inner, inspect.ListType):
        yield from differing(inner.item_type, shape["items"], f"{path}[]")


def bounds(kind: inspect.Type) -> dict[str, object]:
    if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Strict):
        return {"additionalProperties": False}
    if isinstance(kind, inspect.CustomType):
        return {"minimum": kind.cls.least, "maximum": kind.cls.most}
    if isinstance(kind, inspect.IntType):
        return {"minimum": kind.ge, "maximum": kind.le}
    if isinstance(kind, inspect.ListType) and kind.min_length:
        return {"minItems": kind.min_length}
    if isinstance(kind, inspect.StrType) and kind.max_length:
        return {"maxLength": kind.max_length}
    return {}


@pytest.mark.parametrize("one", [*MESSAGES, *CALLS], ids=lambda one: one.path)
def test_every_bound_that_is_read_is_described(one) -> None:
    assert not list(differing(inspect.type_info(one.body), request_of(one.path), ""))


def patterns(shape: object) -> Iterator[str]:
    """Every pattern of a description."""
    if isinstance(shape, dict):
        if isinstance(shape.get("pattern"), str):
            yield shape["pattern"]
        yield from chain.from_iterable(patterns(one) for one in shape.values())
    elif isinstance(shape, list):
        yield from chain.from_iterable(patterns(one) for one in shape)


def test_patterns_mean_the_same_to_every_reader() -> None:
    """What `\\s`, `\\d` and `\\w` stand for differs between JSON Schema and Python."""
    odd = {one for one in patterns(DESCRIPTION) if re.search(r"\\[sdwSDW]", one)}
    assert not odd


def valid(shape: dict, value: object) -> bool:
    return Draft202012Validator({**DESCRIPTION, **shape}).is_valid(value)


def test_an_optional_member_may_be_empty_and_a_required_one_not() -> None:
    member = {"type": "string", "pattern": "^[0-9]+$"}
    shape = {"type": "object", "required": ["a"], "properties": {"a": member, "b": dict(member)}}
    eased = as_taken({"components": {"schemas": {"Shape": shape}}})["components"]["schemas"][
        "Shape"
    ]
    assert valid(eased, {"a": "1", "b": ""})
    assert not valid(eased, {"a": "1", "b": "x"})
    assert not valid(eased, {"a": "", "b": "1"})


def test_what_the_network_reads_as_empty_may_be_empty() -> None:
    address = {"$ref": "#/components/schemas/Address"}
    assert valid(address, {})
    assert not valid(address, {"city": "Pune"})
    supplier = {"$ref": "#/components/schemas/SupplierDetails"}
    assert meant(supplier)["properties"]["email"] == {
        "anyOf": [meant(supplier)["properties"]["email"]["anyOf"][0], {"const": ""}]
    }


def test_closed_words_are_described() -> None:
    assert SCHEMAS["PoStatus"]["properties"]["buyerAction"]["enum"] == ["CANCEL", "CLOSE"]
    assert "COMPANY" in SCHEMAS["Lei"]["properties"]["type"]["enum"]


def test_rates_and_amounts_have_their_own_ranges() -> None:
    shapes = chain.from_iterable(
        (name, meant({"$ref": f"#/components/schemas/{name}"})["properties"]["value"]["maximum"])
        for name in ("TypedAmount", "TypedRate")
    )
    assert list(shapes) == ["TypedAmount", 10**15, "TypedRate", 1000]
