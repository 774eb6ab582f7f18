"""Opaque cursors: where a reader of a list goes on, as base64url of a versioned key.

A cursor gives no right: the list that it is handed back to is scoped to its reader again. It can be read,
so it names nothing that its reader was not shown.
"""

import base64
import binascii

import msgspec

from hundi.kernel.faults import Code, Kind, RefusedError

BAD_CURSOR = Code(
    "READ-CURSOR",
    Kind.SHAPE,
    "The cursor is none that the network gave out for this list. Start again without one.",
)
CODES = (BAD_CURSOR,)

LARGEST = 2**63 - 1
_VERSION = 1
_LONGEST = 2000

Part = str | int


def cursor(of: str, *key: Part) -> str:
    """The cursor behind the item with a key, in the list named by `of`."""
    packed = msgspec.json.encode([_VERSION, of, *key])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def key_of(text: str, of: str, *, first: tuple[Part, ...]) -> tuple[Part, ...]:
    """The key behind a cursor of a list; `first`, the key before all items, for an empty one.

    Raises RefusedError where the text is no cursor of that list.
    """
    if not text:
        return first
    if len(text) > _LONGEST:
        raise _refused()
    try:
        padded = text + "=" * (-len(text) % 4)
        packed = base64.b64decode(padded, b"-_", validate=True)
        _version, _name, *key = msgspec.json.decode(packed, type=list[str | int])
        good = cursor(of, *key) == text
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _refused() from None
    if not good or len(key) != len(first):
        raise _refused()
    if not all(_alike(part, model) for part, model in zip(key, first, strict=True)):
        raise _refused()
    return tuple(key)


def _alike(part: Part, model: Part) -> bool:
    """Whether a part has the type that the list's keys have, and a value that a database takes."""
    if isinstance(part, int):
        return isinstance(model, int) and 0 <= part <= LARGEST
    return isinstance(model, str) and "\x00" not in part


def _refused() -> RefusedError:
    detail = "This is no cursor of this list. Hand back the last one that you were given, or none."
    return RefusedError([BAD_CURSOR.at("cursor", detail)])
