"""Compares bodies in code with a contract's schemas and examples: members, required ones, closed words."""

from typing import Any

import msgspec
import pytest
from msgspec import inspect

from hundi.exchange.definition import MessageType
from hundi.kernel.faults import RefusedError
from hundi.kernel.fields import Emptiable, Group, Strict
from hundi.kernel.reading import read


def struct(body: type[Group]) -> inspect.StructType:
    kind = inspect.type_info(body)
    assert isinstance(kind, inspect.StructType)
    return kind


def bare(kind: inspect.Type) -> inspect.Type:
    """A member's type without its metadata and its "or not given"."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        (kind,) = (bare(one) for one in kind.types if not isinstance(one, inspect.UnsetType))
        return kind
    return kind


def every_member_is_required(told: dict[str, Any], message: MessageType) -> None:
    """Without any one member of its subject the contract's example is refused, there and only there."""
    for name in told[message.subject]:
        subject = {one: value for one, value in told[message.subject].items() if one != name}
        with pytest.raises(RefusedError) as refused:
            read(msgspec.json.encode(told | {message.subject: subject}), message.body)
        assert [fault.path for fault in refused.value.faults] == [f"{message.subject}.{name}"]


_PLAIN = {
    inspect.StrType: "string", inspect.IntType: "integer", inspect.CustomType: "number",
    inspect.ListType: "array", inspect.StructType: "object", inspect.LiteralType: "string",
}  # fmt: skip


class Schemas:
    """The schemas of one contract file."""

    def __init__(self, contract: dict[str, Any]) -> None:
        self.schemas: dict[str, Any] = contract["components"]["schemas"]

    def resolved(self, told: dict[str, Any]) -> dict[str, Any]:
        """A member's schema with what it refers to."""
        if "$ref" not in told:
            return told
        target: dict[str, Any] = self.schemas[told["$ref"].rsplit("/", 1)[1]]
        return target | told

    def members_are_the_same(self, body: type[Group], name: str) -> None:
        """Names, which of them are required, and whether others are refused."""
        schema = self.schemas[name]
        assert {one.encode_name for one in struct(body).fields} == set(schema["properties"])
        needed = {one.encode_name for one in struct(body).fields if one.required}
        if issubclass(body, Emptiable):
            assert not needed
            needed = set(body.required_unless_empty)
        assert needed == set(schema.get("required", ()))

    def closed_like(self, body: type[Group], names: tuple[str, ...]) -> None:
        """Closed where one of the schemas is closed."""
        closed = any(self.schemas[name].get("additionalProperties") is False for name in names)
        assert issubclass(body, Strict) is closed

    def types_are_the_same(self, body: type[Group], name: str) -> None:
        """JSON types, decimals, least numbers, closed words and shortest arrays."""
        for one in struct(body).fields:
            told, kind = self.resolved(self.schemas[name]["properties"][one.encode_name]), one.type
            assert _PLAIN[type(bare(kind))] == told["type"], one.name
            self._figure(bare(kind), told)
            words = told.get("enum") or told.get("x-inferred-values")
            literal = bare(kind)
            assert "enum" not in told or isinstance(literal, inspect.LiteralType), one.name
            if words and isinstance(literal, inspect.LiteralType):
                assert set(literal.values) == set(words), one.name

    @staticmethod
    def _figure(kind: inspect.Type, told: dict[str, Any]) -> None:
        if isinstance(kind, inspect.CustomType):
            if "x-decimal-places" in told:
                assert kind.cls.places == told["x-decimal-places"]
            if "minimum" in told:
                assert kind.cls.least == told["minimum"]
        if isinstance(kind, inspect.ListType):
            assert (kind.min_length or 0) == told.get("minItems", 0)
