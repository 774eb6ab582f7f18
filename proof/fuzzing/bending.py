"""JSON bent as a tree: another value in a member's place, a member more, one less, one twice."""

import json
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

Place = tuple[Any, Any]
"""A container and the key or index of a value in it."""

_VALUES: tuple[object, ...] = (
    None, True, "", "x", "\u20b9", "a" * 300, [], {}, [{}], [[]], 0, -1, 10**20, Decimal("0.005"),
    Decimal("1E+20"), Decimal("-0.0"), "2025-02-30", "2025-11-03T10:00:00+05:30", "27AAACS1234A1Z5",
)  # fmt: skip
_SPELLINGS = (b'"\\u0041"', b"1e-12", b"-0", b"1E400", b'"\\ud83d\\ude00"', b'"\\ud83d"', b"NaN")
_MARK = "\u0001here\u0001"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def bent(raw: bytes, dice: Random) -> bytes | None:
    """A body a little different; None where there is no tree to bend. A first byte may be no JSON."""
    head, text = (raw[:1], raw[1:]) if raw[:1] not in b"{[" else (b"", raw)
    try:
        tree = json.loads(text, parse_float=Decimal)
        places = list(_places(tree))
        if not places:
            return None
        spelled = _bend(*dice.choice(places), dice)
        return head + _encode(tree).replace(_encode(_MARK), spelled)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _places(tree: object) -> Iterator[Place]:
    keys: Any = (
        tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    )
    for key in keys:
        yield tree, key
        yield from _places(tree[key])  # type: ignore[index]


def _bend(within: Any, key: Any, dice: Random) -> bytes:
    """Change one place; the bytes that stand for the mark, where it was set there."""
    how = dice.randrange(5)
    if how == 0:
        del within[key]
    elif how == 1 and isinstance(within, list):
        within.append(within[key])
    elif how == 1:
        within[f"{key}{_MARK}"] = within[key]
    elif how == 2:
        within[key] = _MARK
        return dice.choice(_SPELLINGS)
    else:
        within[key] = dice.choice(_VALUES)
    return b'""'
