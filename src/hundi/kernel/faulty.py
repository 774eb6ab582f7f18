"""All faults of a body's shape, with their JSON paths: the slow walk after the fast reading failed.

It judges as msgspec does, by the same declarations, but does not stop at the first fault.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from msgspec import inspect

from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.fields import Emptiable, Figure, fits, too_fine
from hundi.kernel.parsing import Unread, member, named

MISSING = Code("SHAPE-MISSING", Kind.SHAPE, "A required member is missing.")
TYPE = Code("SHAPE-TYPE", Kind.SHAPE, "A member has the wrong type: null and quoted numbers too.")
UNKNOWN = Code(
    "SHAPE-UNKNOWN", Kind.SHAPE, "An object that the network acts on has a stray member."
)
LENGTH = Code("SHAPE-LENGTH", Kind.SHAPE, "A text or an array is too short or too long.")
PATTERN = Code("SHAPE-PATTERN", Kind.SHAPE, "A text does not have the expected form.")
DATE = Code("SHAPE-DATE", Kind.SHAPE, "A date or a moment does not exist, such as 2025-02-30.")
RANGE = Code("SHAPE-RANGE", Kind.SHAPE, "A number is too small or too large.")
PRECISION = Code("SHAPE-PRECISION", Kind.SHAPE, "A number has too many decimals.")
VALUE = Code("SHAPE-VALUE", Kind.SHAPE, "A text is none of the words that are allowed.")

CODES = (MISSING, TYPE, UNKNOWN, LENGTH, PATTERN, DATE, RANGE, PRECISION, VALUE)

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands, and what its declaration's `Meta(extra=…)` tells people."""

    path: str
    required: bool = True
    hints: Mapping[str, str] = field(default_factory=dict)

    def fault(self, code: Code, rest: str, **context: object) -> Fault:
        """A fault here; its sentence starts with the path."""
        return code.at(self.path, f"{self.path or 'The body'} {rest}", **context)

    def wrong_type(self, value: object, kind: inspect.Type) -> Fault:
        """The fault of a value of another JSON type than declared."""
        wish = self.hints.get("wanted") or wanted(kind)
        number = isinstance(kind, (inspect.IntType, inspect.CustomType))
        if value is None and not self.required:
            wish += " or leave it out"
        elif number and isinstance(value, str):
            wish += " without quotes"
        elif number and isinstance(value, Decimal):
            return self.fault(TYPE, "is not a whole number. Send it without point and exponent.")
        return self.fault(TYPE, f"is {named(value)}. Send {wish}.")


def shape_faults(tree: object, declared: inspect.Type) -> Iterable[Fault]:
    """Every fault of a parsed body against its declared type, in the order of the declaration.

    Values that `parsing.examine` marked as refused are passed over: they have been told.
    """
    return _check(tree, declared, _Place(""))


def bare(kind: inspect.Type) -> inspect.Type:
    """A declared type without what `Meta(extra=…)` wraps around it."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def supported(kind: inspect.Type) -> bool:
    """Whether a bare type may be used in bodies; see `hundi.kernel.fields`."""
    if isinstance(kind, inspect.CustomType):
        return issubclass(kind.cls, Figure)
    return type(kind) in _CHECKS


def conditional(kind: inspect.StructType) -> frozenset[str]:
    """The members that are required unless the object is empty, as they are spelled in JSON."""
    if not issubclass(kind.cls, Emptiable):
        return frozenset()
    names = kind.cls.required_unless_empty
    return frozenset(one.encode_name for one in kind.fields if one.name in names)


def wanted(kind: inspect.Type) -> str:
    """What a type takes, for a sentence: `text`, `a whole number`, `one of CANCEL, CLOSE`."""
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(map(str, kind.values))
    return _WANTED[type(kind)]


_WANTED: Mapping[type[inspect.Type], str] = {
    inspect.StructType: "an object",
    inspect.ListType: "an array",
    inspect.StrType: "text",
    inspect.IntType: "a whole number",
    inspect.CustomType: "a number",
    inspect.BoolType: "true or false",
    inspect.AnyType: "a value",
}


def _check(value: object, kind: inspect.Type, at: _Place) -> Iterable[Fault]:
    if isinstance(value, Unread):
        return ()
    if isinstance(kind, inspect.Metadata):
        return _check(value, kind.type, replace(at, hints=kind.extra or at.hints))
    return _CHECKS[type(kind)](value, kind, at)


def _group(value: object, kind: inspect.StructType, at: _Place) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield at.wrong_type(value, kind)
        return
    names = {one.encode_name for one in kind.fields}
    needed = () if names.isdisjoint(value) else conditional(kind)
    for one in kind.fields:
        here = _Place(member(at.path, one.encode_name), one.required)
        if one.encode_name in value:
            yield from _check(value[one.encode_name], one.type, here)
        elif one.required or one.encode_name in needed:
            yield _missing(one.type, here)
    if kind.forbid_unknown_fields:
        yield from _strays((name for name in value if name not in names), names, at)


def _strays(strays: Iterable[str], names: Iterable[str], at: _Place) -> Iterator[Fault]:
    for name in strays:
        near = difflib.get_close_matches(name, names, 1)
        advice = f"Did you mean {near[0]}?" if near else "Leave it out."
        yield _Place(member(at.path, name)).fault(UNKNOWN, f"is not known here. {advice}")


def _missing(kind: inspect.Type, at: _Place) -> Fault:
    hints = kind.extra or {} if isinstance(kind, inspect.Metadata) else {}
    inner = bare(kind)
    if isinstance(inner, inspect.StructType) and _required(inner):
        return at.fault(MISSING, f"is missing. Send it with {_listed(_required(inner))}.")
    wish = hints.get("wanted") or wanted(inner)
    if isinstance(inner, inspect.StructType):
        wish += ", {} if there is nothing in it"
    elif isinstance(inner, inspect.ListType) and not inner.min_length:
        wish += ", [] if there is nothing in it"
    return at.fault(MISSING, f"is missing. Send it as {wish}.")


def _required(kind: inspect.StructType) -> list[str]:
    return [one.encode_name for one in kind.fields if one.required]


def _listed(names: list[str]) -> str:
    """`a name and a value`; of more than four names the first three and how many follow."""
    shown = names if len(names) <= 4 else names[:3]
    words = [f"an {name}" if name[:1] in "aeioAEIO" else f"a {name}" for name in shown]
    if len(names) > len(shown):
        words.append(f"{len(names) - len(shown)} more members")
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _array(value: object, kind: inspect.ListType, at: _Place) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield at.wrong_type(value, kind)
        return
    yield from _length(value, kind, at)
    for index, item in enumerate(value):
        yield from _check(item, kind.item_type, _Place(f"{at.path}[{index}]"))


def _text(value: object, kind: inspect.StrType, at: _Place) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield at.wrong_type(value, kind)
        return
    yield from _length(value, kind, at)
    if kind.pattern is not None and not re.search(kind.pattern, value):
        yield _misformed(value, kind.pattern, at)


def _misformed(value: str, pattern: str, at: _Place) -> Fault:
    form = at.hints.get("form")
    if form is not None and re.fullmatch(form, value):
        return at.fault(DATE, f"is {value}, which does not exist. Send {at.hints['wanted']}.")
    wish = at.hints.get("wanted") or f"text that matches {pattern}"
    return at.fault(PATTERN, f"is {_quoted(value)}. Send {wish}.")


def _length(
    value: str | list[object], kind: inspect.StrType | inspect.ListType, at: _Place
) -> Iterator[Fault]:
    length, least, most = len(value), kind.min_length or 0, kind.max_length
    has = f"has {length:,} {'characters' if isinstance(value, str) else 'elements'}"
    if length < least:
        yield at.fault(LENGTH, f"{has}. Send at least {least:,}.", length=length, least=least)
    elif most is not None and length > most:
        yield at.fault(LENGTH, f"{has}. Send at most {most:,}.", length=length, most=most)


def _whole(value: object, kind: inspect.IntType, at: _Place) -> Iterator[Fault]:
    if type(value) is not int:
        yield at.wrong_type(value, kind)
    elif kind.ge is not None and value < kind.ge:
        yield at.fault(RANGE, f"is {value}. Send at least {kind.ge}.")
    elif kind.le is not None and value > kind.le:
        yield at.fault(RANGE, f"is {value}. Send at most {kind.le}.")


def _figure(value: object, kind: inspect.CustomType, at: _Place) -> Iterator[Fault]:
    figure: type[Figure] = kind.cls
    if type(value) is not int and type(value) is not Decimal:
        yield at.wrong_type(value, kind)
    elif not fits(figure, value):
        bounds = f"{figure.least:f} to {figure.most:f}"
        yield at.fault(RANGE, f"is {Decimal(value):f}. Send a number from {bounds}.")
    elif too_fine(figure, value):
        rest = f"is {value:f}. Round it to {figure.places} decimals."
        yield at.fault(PRECISION, rest, places=figure.places)


def _word(value: object, kind: inspect.LiteralType, at: _Place) -> Iterator[Fault]:
    if type(value) not in {type(word) for word in kind.values}:
        yield at.wrong_type(value, kind)
    elif value not in kind.values:
        allowed = list(kind.values)
        yield at.fault(VALUE, f"is {_quoted(value)}. Send {wanted(kind)}.", allowed=allowed)


def _flag(value: object, kind: inspect.BoolType, at: _Place) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield at.wrong_type(value, kind)


def _anything(_value: object, _kind: inspect.AnyType, _at: _Place) -> Iterable[Fault]:
    return ()


_CHECKS: Mapping[type[inspect.Type], Callable[[object, Any, _Place], Iterable[Fault]]] = {
    inspect.StructType: _group,
    inspect.ListType: _array,
    inspect.StrType: _text,
    inspect.IntType: _whole,
    inspect.CustomType: _figure,
    inspect.LiteralType: _word,
    inspect.BoolType: _flag,
    inspect.AnyType: _anything,
}


def _quoted(value: object) -> str:
    """A value as JSON, cut to 40 characters: it may be hostile, and long."""
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown.encode("utf-8", "backslashreplace").decode()  # an answer holds no half a pair
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
