"""Strict reading of request bodies: raw bytes to a typed body, or all faults of its shape at once.

How bodies are declared stands in `hundi.kernel.fields`; its names are offered here too.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import chain, islice
from typing import TypeVar

import msgspec
from msgspec import inspect

from hundi.kernel import faulty, parsing
from hundi.kernel.faults import Code, RefusedError
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
    VersionNumber,
    fits,
    too_fine,
)
from hundi.kernel.parsing import MAX_BODY, parse

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
    "VersionNumber",
    "parse",
    "read",
]

CODES: tuple[Code, ...] = (*parsing.CODES, *faulty.CODES)
"""Every code of a refusal that speaks of the shape of a body."""

BodyT = TypeVar("BodyT", bound=Group)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an object's type says about empty values.

    `absent` holds (member, type) of the empty values that mean "not given"; `groups` the members
    that hold objects, or arrays of them.
    """

    absent: frozenset[tuple[str, type]]
    groups: tuple[tuple[str, "_Plan"], ...]


def read(raw: bytes, body_type: type[BodyT]) -> BodyT:
    """The typed body. Raises RefusedError with all faults of its shape, at most 100.

    Raises TypeError where `body_type` is declared against the conventions of `kernel.fields`.
    """
    plan = _plan_of(body_type)
    tree = parsing.scan(raw)
    if tree is None:
        return _read_slowly(raw, body_type)
    if b'""' in raw or b"{}" in raw:
        _tidy(tree, plan)
    try:
        return msgspec.convert(tree, body_type, dec_hook=_figure)
    except msgspec.ValidationError:
        return _read_slowly(raw, body_type)


def _read_slowly(raw: bytes, body_type: type[BodyT]) -> BodyT:
    """Read a body that the fast way could not: tell all its faults, or read it after all."""
    tree, faults = parsing.examine(raw)
    if tree or not faults:
        _tidy(tree, _plan_of(body_type))
        more = faulty.shape_faults(tree, inspect.type_info(body_type))
        faults = list(islice(chain(faults, more), parsing.MAX_FAULTS))
    if faults:
        raise RefusedError(faults)
    try:
        return msgspec.convert(tree, body_type, dec_hook=_figure)
    except msgspec.ValidationError as error:
        raise RefusedError([faulty.TYPE.at("", f"The body cannot be read: {error}.")]) from None


def _figure(kind: type[Figure], value: object) -> Figure:
    """The number of a member declared as a figure. Raises ValueError where it is not one."""
    if type(value) is not Decimal and type(value) is not int:
        raise ValueError("not a number")
    if not fits(kind, value) or too_fine(kind, value):
        raise ValueError("beyond its limits")
    return kind(value)


def _tidy(value: object, plan: _Plan) -> None:
    """Take the empty values that mean "not given" out of a tree."""
    if isinstance(value, list):
        for item in value:
            _tidy(item, plan)
    elif isinstance(value, dict):
        for name in [name for name, item in value.items() if not item]:
            if (name, type(value[name])) in plan.absent:
                del value[name]
        for name, inner in plan.groups:
            if name in value:
                _tidy(value[name], inner)


@cache
def _plan_of(body_type: type[Group]) -> _Plan:
    kind = inspect.type_info(body_type)
    if not isinstance(kind, inspect.StructType):
        raise TypeError(f"{body_type} is not a struct")
    return _plan(kind)


def _plan(kind: inspect.StructType) -> _Plan:
    needed = faulty.conditional(kind)
    optional = [one for one in kind.fields if not one.required and one.encode_name not in needed]
    absent = {(one.encode_name, empty) for one in optional for empty in _empties(one.type)}
    groups = ((one.encode_name, _inner(one, kind)) for one in kind.fields)
    nested = ((name, _plan(inner)) for name, inner in groups if inner is not None)
    return _Plan(
        frozenset(absent),
        tuple((name, plan) for name, plan in nested if plan.absent or plan.groups),
    )


def _empties(kind: inspect.Type) -> tuple[type, ...]:
    """The types of empty values that an optional member of this type may have instead of none.

    Only what msgspec would refuse: an object without required members can be read as empty.
    """
    inner = faulty.bare(kind)
    if isinstance(inner, inspect.StructType):
        needy = any(one.required for one in inner.fields) and not getattr(
            inner.cls, "never_empty", False
        )
        return (str, dict) if needy else (str,)
    if isinstance(inner, inspect.ListType) and inner.min_length:
        return (str, list)
    return (str,)


def _inner(one: inspect.Field, owner: inspect.StructType) -> inspect.StructType | None:
    """The struct that a member holds, or the elements of its arrays do."""
    inner = faulty.bare(one.type)
    while isinstance(inner, inspect.ListType):
        inner = faulty.bare(inner.item_type)
    if not faulty.supported(inner):
        raise TypeError(f"{owner.cls.__name__}.{one.name}: bodies cannot hold {inner}")
    return inner if isinstance(inner, inspect.StructType) else None
