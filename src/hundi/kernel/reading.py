"""Strict reading of request bodies: raw bytes to a typed body, or all faults of its shape at once.

How bodies are declared stands in `hundi.kernel.fields`; its names are offered here too.
"""

import json
from decimal import Decimal
from typing import TypeVar

import msgspec

from hundi.kernel.fields import (
    Amount,
    DateText,
    Emptiable,
    Figure,
    Group,
    InstantText,
    Price,
    Quantity,
    Rate,
    ShortText,
    Strict,
    Text,
)
from hundi.kernel.faults import Code, Kind, RefusedError

__all__ = [
    "CODES",
    "MAX_BODY",
    "Amount",
    "DateText",
    "Emptiable",
    "Figure",
    "Group",
    "InstantText",
    "Price",
    "Quantity",
    "Rate",
    "ShortText",
    "Strict",
    "Text",
    "parse",
    "read",
]

MAX_BODY = 1_048_576
"""The most bytes a request body may have; the web layer counts them."""

BodyT = TypeVar("BodyT")

NOT_JSON = Code("SHAPE-JSON", Kind.SHAPE, "The body is not JSON.")
TYPE = Code("SHAPE-TYPE", Kind.SHAPE, "A member has the wrong type.")

CODES: tuple[Code, ...] = (NOT_JSON, TYPE)


def parse(raw: bytes, *, max_depth: int = 32) -> dict[str, object]:
    """The tree of a JSON object; numbers are `int` or exact `Decimal`. Raises RefusedError."""
    try:
        tree: dict[str, object] = json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise RefusedError([NOT_JSON.at("", f"The body is not JSON: {error}.")]) from None
    return tree


def read(raw: bytes, body_type: type[BodyT]) -> BodyT:
    """The typed body. Raises RefusedError with all faults of its shape, at most 100."""
    try:
        return msgspec.convert(parse(raw), body_type, dec_hook=_figure)
    except msgspec.ValidationError as error:
        raise RefusedError([TYPE.at("", str(error))]) from None


def _figure(kind: type[Figure], value: object) -> Figure:
    """The number of a member that is declared as a figure."""
    if type(value) is Decimal or type(value) is int:
        return kind(value)
    raise ValueError("not a number")
