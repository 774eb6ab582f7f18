"""Bodies: what is taken is JSON that every parser reads alike; all else is refused in words."""

import json
from decimal import Decimal
from itertools import chain

import msgspec

from hundi.documents import MESSAGES
from hundi.kernel import parsing
from hundi.kernel.faults import Kind, RefusedError
from hundi.kernel.fields import Group
from hundi.kernel.reading import parse, read
from hundi.onboarding.calls import CALLS

BODIES: tuple[type[Group], ...] = tuple(
    dict.fromkeys(chain((one.body for one in MESSAGES), (one.body for one in CALLS)))
)
"""Every type that a call's body is read as."""

_written = msgspec.json.Encoder(decimal_format="number").encode


def parsed(raw: bytes) -> None:
    """The strict parser: the standard library's reads the same, and the slow way agrees with the fast."""
    try:
        tree = parse(raw)
    except RefusedError as refusal:
        _sound(refusal)
        return
    assert tree == json.loads(raw, parse_float=Decimal, parse_constant=_no_constant), "another tree"
    exactly, faults = parsing.examine(raw)
    assert exactly == tree, "the slow way reads something else"
    assert not faults, f"the slow way refuses it: {faults[0].code}"
    assert parse(_written(tree)) == tree, "written and read again it is something else"


def body(raw: bytes) -> None:
    """The first byte picks the type that the rest is read as: twice alike, and what it says lasts."""
    if not raw:
        return
    kind, text = BODIES[raw[0] % len(BODIES)], raw[1:]
    try:
        typed = read(text, kind)
    except RefusedError as refusal:
        _sound(refusal)
        return
    assert read(text, kind) == typed, "read twice, it differs"
    spaced = msgspec.json.format(_written(json.loads(text, parse_float=Decimal)))
    assert read(spaced, kind) == typed, "written in another way, it differs"


def _sound(refusal: RefusedError) -> None:
    """A refusal has faults of a shape, each with a sentence, and not without end."""
    assert 1 <= len(refusal.faults) <= parsing.MAX_FAULTS, f"{len(refusal.faults)} faults"
    for fault in refusal.faults:
        assert fault.kind is Kind.SHAPE, fault.kind
        assert fault.detail, fault.code
        fault.detail.encode()
        fault.path.encode()


def _no_constant(word: str) -> object:
    raise AssertionError(f"{word} was taken")
