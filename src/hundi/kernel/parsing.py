"""Strict JSON: no two parsers may read two documents from one body.

The fast scan hands a body over as soon as anything about it looks odd; `examine` then judges it
exactly and names every fault with its path. So the limits are enforced in one place only.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from hundi.kernel.faults import Code, Fault, Kind, RefusedError

MAX_BODY = 1_048_576
"""The most bytes a request body may have; the web layer counts them."""

MAX_DEPTH = 32
MAX_VALUES = 100_000
MAX_FAULTS = 100
MAX_WHOLE_DIGITS = 20
MAX_PLACES = 12
MAX_EXPONENT = 20
MAX_NUMBER = 64

NOT_JSON = Code("SHAPE-JSON", Kind.SHAPE, "The body is not JSON.")
NOT_OBJECT = Code("SHAPE-OBJECT", Kind.SHAPE, "The body is JSON, but not an object.")
UTF8 = Code(
    "SHAPE-UTF8",
    Kind.SHAPE,
    "The body is not clean UTF-8: bad bytes, a byte order mark, half a pair.",
)
NUL = Code("SHAPE-NUL", Kind.SHAPE, "The body holds the character NUL, raw or written as \\u0000.")
DUPLICATE = Code("SHAPE-DUPLICATE", Kind.SHAPE, "An object has two members of the same name.")
NAN = Code("SHAPE-NAN", Kind.SHAPE, "A value is NaN, Infinity or -Infinity.")
NUMBER = Code(
    "SHAPE-NUMBER",
    Kind.SHAPE,
    "A number has more than 20 digits before the point, more than 12 decimals (zeros at the end"
    " do not count), an exponent beyond 20, or more than 64 characters.",
)
DEPTH = Code("SHAPE-DEPTH", Kind.SHAPE, "Objects and arrays are nested too deeply.")
COUNT = Code("SHAPE-COUNT", Kind.SHAPE, "The body holds more than 100,000 values.")

CODES = (NOT_JSON, NOT_OBJECT, UTF8, NUL, DUPLICATE, NAN, NUMBER, DEPTH, COUNT)

_LONGEST = 10**MAX_WHOLE_DIGITS
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[][{},]', re.DOTALL)
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?\Z")
_PLAIN_NAME = re.compile(r"[\w-]{1,40}\Z")


class _OddError(Exception):
    """The fast scan met something that it does not judge itself."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands in a tree for a value that was refused; `detail` follows the path in the sentence."""

    code: Code
    detail: str


class Doubled(dict[str, object]):
    """An object with duplicate members; `names` are the duplicated names, the last value counts."""

    names: tuple[str, ...] = ()


_CONTAINERS = frozenset[type]((dict, list, Doubled))


def parse(raw: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, object]:
    """The tree of a JSON object; numbers are `int` or exact `Decimal`, never a float.

    Raises RefusedError with faults of kind SHAPE, at most 100.
    """
    tree = scan(raw, max_depth)
    if tree is None:
        tree, faults = examine(raw, max_depth)
        if faults:
            raise RefusedError(faults)
    return tree


def scan(raw: bytes, max_depth: int = MAX_DEPTH) -> dict[str, object] | None:
    """The tree of a clean body; None where anything is odd and `examine` must judge."""
    try:
        text = raw.decode()
        large = len(raw) > 2 * MAX_VALUES
        if (large and text.count(",") >= MAX_VALUES) or _has_odd_escape(text):
            return None
        tree = _plain(raw) if b"\\" not in raw else _escaped(text)
    except (ValueError, RecursionError, _OddError):
        return None
    if type(tree) is not dict:
        return None
    # A value takes two bytes at least, and a level one bracket: most bodies need no counting.
    if large or text.count("{") + text.count("[") > max_depth:
        depth, values = _measure(tree)
        if depth > max_depth or values > MAX_VALUES:
            return None
    return tree


def examine(raw: bytes, max_depth: int = MAX_DEPTH) -> tuple[dict[str, object], list[Fault]]:
    """The tree and the faults of its JSON. Where faults hide the tree it is empty.

    In a tree with faults `Unread` and `Doubled` mark the places.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return {}, [UTF8.at("", f"The body is not UTF-8 at byte {error.start + 1}. Send UTF-8.")]
    fault = _unreadable(text, max_depth)
    if fault is not None:
        return {}, [fault]
    try:
        tree = _mark(text)
    except json.JSONDecodeError as error:
        return {}, [_not_json(text, error)]
    if not isinstance(tree, dict):
        return {}, [NOT_OBJECT.at("", f"The body is {named(tree)}. Send an object.")]
    if _measure(tree)[1] > MAX_VALUES:
        return {}, [_too_many()]
    return tree, list(islice(_walk(tree, ""), MAX_FAULTS))


def member(path: str, name: str) -> str:
    """The JSON path of a member: `a.b`, or `a["odd name"]` in ASCII and cut to 40 characters."""
    if _PLAIN_NAME.match(name):
        return f"{path}.{name}" if path else name
    shown = name if len(name) <= 40 else name[:40] + "…"
    return f"{path}[{json.dumps(shown)}]"


def named(value: object) -> str:
    """A value's JSON type for a sentence, such as `text`, `a number` or `null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else "a number"


def _plain(raw: bytes) -> object:
    """The tree of a text without escapes. Raises ValueError or _OddError.

    In such a text two quotation marks make a string, and a name that an object has twice is in the
    tree once: so it shows in their number. Half of what it takes to look at each object's pairs.
    """
    tree = _decode(raw)
    if type(tree) is dict and 2 * _strings(tree) != raw.count(b'"'):
        raise _OddError
    return tree


def _strings(tree: dict[str, object]) -> int:
    """How many strings a tree holds, names among them. Raises _OddError for too long a number."""
    found = 0
    containers: list[Any] = [tree]
    for one in containers:  # it grows
        if type(one) is dict:
            found += len(one)
            values = one.values()
        else:
            values = one
        for value in values:
            kind = type(value)
            if kind is str:
                found += 1
            elif kind is dict or kind is list:
                containers.append(value)
            elif kind is int and not -_LONGEST < value < _LONGEST:
                raise _OddError
    return found


def _escaped(text: str) -> object:
    tree, end = _scan(text)
    if end != len(text) and text[end:].strip(" \t\r\n"):
        raise _OddError
    return tree


def _has_odd_escape(text: str) -> bool:
    return "\\u" in text and _ODD_ESCAPE.search(text) is not None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddError
    return members


def _whole(token: str) -> int:
    if len(token) > MAX_WHOLE_DIGITS:
        value = _number(token)
        if isinstance(value, Unread):
            raise _OddError
    return int(token)


def _decimal(token: str) -> Decimal:
    # 14 characters without an exponent can pass no limit.
    if len(token) > 14 or "e" in token or "E" in token:
        value = _number(token)
        if isinstance(value, Unread):
            raise _OddError
        return value
    return Decimal(token)


def _constant(_token: str) -> object:
    raise _OddError


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_scan = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_decimal, parse_constant=_constant
).raw_decode


def _number(token: str) -> Decimal | Unread:
    """The exact value, or what is wrong with it, told before anything is computed."""
    if len(token) > MAX_NUMBER:
        return Unread(NUMBER, f"is written with more than {MAX_NUMBER} characters. Shorten it.")
    found = _NUMBER.match(token)
    whole, fraction, exponent = found.groups("") if found else ("", "", "")
    shift = int(exponent or 0)
    if abs(shift) > MAX_EXPONENT:
        return Unread(NUMBER, f"has an exponent beyond {MAX_EXPONENT}. Write the number out.")
    places = len(fraction) - shift
    digits = whole + fraction
    if len(digits.lstrip("0")) - places > MAX_WHOLE_DIGITS and digits.strip("0"):
        return Unread(NUMBER, f"has more than {MAX_WHOLE_DIGITS} digits before the point.")
    significant = digits.rstrip("0")
    if significant and places - (len(digits) - len(significant)) > MAX_PLACES:
        return Unread(NUMBER, f"has more than {MAX_PLACES} decimals. Round it.")
    return Decimal(token)


def _marked_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    doubled = Doubled(members)
    times = Counter(name for name, _ in pairs)
    doubled.names = tuple(name for name in times if times[name] > 1)
    return doubled


def _marked_whole(token: str) -> int | Unread:
    value = _number(token)
    return value if isinstance(value, Unread) else int(value)


def _marked_constant(token: str) -> Unread:
    return Unread(NAN, f"is {token}, which is not a number of JSON. Leave it out or send a number.")


_mark = json.JSONDecoder(
    object_pairs_hook=_marked_object,
    parse_int=_marked_whole,
    parse_float=_number,
    parse_constant=_marked_constant,
).decode


def _measure(tree: object) -> tuple[int, int]:
    """How many levels of containers a tree has, and how many values in all of them."""
    level: list[Any] = [tree] if type(tree) in _CONTAINERS else []
    depth = values = 0
    while level:
        depth += 1
        values += sum(map(len, level))
        level = [
            child
            for parent in level
            for child in (parent if type(parent) is list else parent.values())
            if type(child) in _CONTAINERS
        ]
    return depth, values


def _unreadable(text: str, max_depth: int) -> Fault | None:
    """A fault of the whole text, after which nothing in it is looked at."""
    if text.startswith("\ufeff"):
        return UTF8.at("", "The body starts with a byte order mark. Send UTF-8 without one.")
    if "\x00" in text:
        return NUL.at("", "The body holds the character NUL. Send UTF-8 without it.")
    return _outgrown(text, max_depth)


def _outgrown(text: str, limit: int) -> Fault | None:
    """The fault of a text that is too costly to parse: parsing recurses, and keeps every value."""
    depth = commas = 0
    for found in _STRUCTURE.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > limit:
                return DEPTH.at("", f"The body is nested deeper than {limit} levels. Flatten it.")
        elif mark in "]}":
            depth -= 1
        elif mark == ",":
            commas += 1
            if commas >= MAX_VALUES:
                return _too_many()
    return None


def _too_many() -> Fault:
    return COUNT.at("", f"The body holds more than {MAX_VALUES:,} values. Split it.")


def _not_json(text: str, error: json.JSONDecodeError) -> Fault:
    if not text.strip():
        return NOT_JSON.at("", "The body is empty. Send a JSON object.")
    place = f"line {error.lineno}, column {error.colno}"
    reason = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
    return NOT_JSON.at(
        "", f"The body is not JSON: {reason} at {place}.", line=error.lineno, column=error.colno
    )


def _walk(value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, Unread):
        yield value.code.at(path, f"{path} {value.detail}")
    elif isinstance(value, str):
        yield from _text(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        yield from _walk_object(value, path)


def _walk_object(value: dict[str, object], path: str) -> Iterator[Fault]:
    for name in value.names if isinstance(value, Doubled) else ():
        here = member(path, name)
        yield DUPLICATE.at(here, f"{here} is given more than once. Send it once.")
    for name, item in value.items():
        here = member(path, name)
        yield from _text(name, here)
        yield from _walk(item, here)


def _text(text: str, path: str) -> Iterator[Fault]:
    if text.isascii():
        if "\x00" in text:
            yield NUL.at(path, f"{path} holds the character NUL. Remove it.")
        return
    if "\x00" in text:
        yield NUL.at(path, f"{path} holds the character NUL. Remove it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield UTF8.at(path, f"{path} holds half a surrogate pair (\\uD800 to \\uDFFF). Remove it.")
