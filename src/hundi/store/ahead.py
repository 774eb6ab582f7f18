"""Messages put on a PostgreSQL connection ahead of the driver's next statement.

asyncpg waits for the answer to each statement before it sends the next. PostgreSQL itself takes
several in a row up to a Sync, which ends each of the driver's own statements: whatever stands before
is run first, in the same transaction, and if one fails the rest are passed over and the driver hears
the error. So BEGIN and writes that answer with nothing need no round trip of their own.

    ahead.begin()
    await connection.fetch("select …")       # BEGIN and select, one round trip
    ahead.run("with … insert …", [rows])
    await connection.fetch("commit")         # insert and COMMIT, one round trip

Nothing is written before that statement: it goes out with what stands before it (`joining`). Why
asyncpg can stand it, and what it costs: docs/decisions/0008-statements-sent-ahead.md.
"""

import struct
from collections.abc import Sequence
from typing import Any

_int16 = struct.Struct("!h").pack
_int32 = struct.Struct("!i").pack


def _message(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + _int32(len(body) + 4) + body


def _parse(name: bytes, text: str) -> bytes:
    return _message(
        b"P", name, b"\0", text.encode(), b"\0", _int16(0)
    )  # types as the server infers


def _bind(name: bytes, parameters: Sequence[bytes]) -> bytes:
    values = [part for value in parameters for part in (_int32(len(value)), value)]
    count = _int16(len(parameters))
    return _message(b"B", b"\0", name, b"\0", _int16(0), count, *values, _int16(0))


_EXECUTE = _message(b"E", b"\0", _int32(0))
_BEGIN = _parse(b"", "begin") + _bind(b"", ()) + _EXECUTE


class Ahead:
    """What is sent ahead on one connection, for as long as it lives."""

    def __init__(self, connection: Any) -> None:
        self._transport = connection._transport  # noqa: SLF001 (the driver has no public way)
        self._names: dict[str, bytes] = {}
        self._unsure: list[str] = []
        self._given = 0

    def begin(self) -> None:
        """Open a transaction with whatever statement comes next."""
        for text in self._unsure:
            del self._names[text]
        self._unsure.clear()
        self._transport.keep(_BEGIN)

    def run(self, text: str, parameters: Sequence[bytes]) -> None:
        """Send a statement that answers with no rows. Parameters are texts in UTF-8, as bytes.

        The server keeps it by a name, with its plan.
        """
        name = self._names.get(text)
        if name is None:
            name = self._named(text)
            self._transport.keep(_parse(name, text))
        self._transport.keep(_bind(name, parameters) + _EXECUTE)

    def kept(self) -> None:
        """The transaction is committed: the server knows every name that was given in it.

        After any other end it may have passed over the one or the other: those get new names.
        """
        self._unsure.clear()

    def _named(self, text: str) -> bytes:
        self._given += 1
        name = self._names[text] = b"ahead%d" % self._given
        self._unsure.append(text)
        return name
