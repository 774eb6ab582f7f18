"""The hash-chained journal: every step of every exchange, in the document's own order.

A row's hash covers the row before it, so that a changed, removed or reordered row shows. The
document keeps the number and hash of its last row, so that a cut tail shows too.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from enum import Enum

from hundi.exchange import tables
from hundi.exchange.document import Document
from hundi.store.engine import Row
from hundi.store.statement import insert

_length = struct.Struct("!I").pack

ENCODING = b"\x01"
GENESIS = bytes(32)

COLUMNS = (
    "author_entity",
    "type",
    "object_id",
    "sequence",
    "step",
    "message",
    "req_msg_id",
    "status",
    "version",
    "detail",
    "at",
    "digest",
    "hash",
)
INSERT = insert(tables.journal, COLUMNS)


class Step(Enum):
    """What a journal row tells."""

    ACCEPTED = "ACCEPTED"
    SETTLED = "SETTLED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    ABANDONED = "ABANDONED"
    DISPUTED = "DISPUTED"
    LAPSED = "LAPSED"  # the platform ended a document that nobody had answered
    LATE = "LATE"  # an answer that came after the exchange had ended


def link(previous: bytes, fields: Iterable[object], digest: bytes) -> bytes:
    """The hash of a row: version byte, previous hash, then every field with its length before it."""
    parts = [ENCODING, previous]
    for field in fields:
        encoded = str(field).encode()
        parts += (_length(len(encoded)), encoded)
    parts += (_length(len(digest)), digest)
    return hashlib.sha256(b"".join(parts)).digest()


def append(
    document: Document,
    step: Step,
    *,
    message: str,
    req_msg_id: str,
    digest: bytes,
    now: int,
    detail: str = "",
) -> tuple[object, ...]:
    """The next row of a document's journal; moves the document's head to it.

    Called with the document's row locked, so that two writers cannot take the same number.
    """
    document.head_sequence += 1
    fields = (
        *document.key,
        document.head_sequence,
        step.value,
        message,
        req_msg_id,
        document.status,
        document.version,
        detail,
        now,
    )
    document.head_hash = link(document.head_hash, fields, digest)
    if document.told != document.stand:
        document.told = document.stand
        document.last_exchange, document.last_step = req_msg_id, step.value
        document.last_at = now
    document.updated_at = now
    return (*fields, digest, document.head_hash)


class Chain:
    """A document's journal, recomputed row by row as it is read; `trouble` is the first thing wrong.

    `sealed` are hashes that rows are known to have had, by their numbers.
    """

    def __init__(self, sealed: Mapping[int, bytes] | None = None) -> None:
        self.trouble: str | None = None
        self._previous, self._next = GENESIS, 1
        self._sealed = sealed or {}

    def begin(self, behind: int, digest: bytes) -> None:
        """Begin behind a row of the middle, which has this hash."""
        self._previous, self._next = digest, behind + 1

    def take(self, rows: Iterable[Row]) -> None:
        """Go on with the next rows, in order of sequence."""
        for row in rows:
            if self.trouble is not None:
                return
            self.trouble = self._judge(row)
            self._next += 1

    def _judge(self, row: Row) -> str | None:
        number = self._next
        if row["sequence"] != number:
            return f"row {number} is missing"
        fields = [row[name] for name in COLUMNS[:11]]
        self._previous = link(self._previous, fields, bytes(row["digest"]))
        if self._previous != bytes(row["hash"]):
            return f"row {number} was changed"
        if self._sealed.get(number, self._previous) != self._previous:
            return f"row {number} is not the one that a checkpoint has sealed"
        return None

    def end(self, head_sequence: int, head_hash: bytes) -> str | None:
        """Compare with the document's head after the last row; what is wrong, None if all is well."""
        if self.trouble is not None:
            return self.trouble
        last = self._next - 1
        if last != head_sequence:
            return f"the journal ends at row {last}, the document says {head_sequence}"
        if self._previous != head_hash:
            return f"the document's hash is not that of row {last}"
        beyond = [number for number in self._sealed if number > last]
        if beyond:
            return f"the journal ends at row {last}, a checkpoint has sealed row {max(beyond)}"
        return None
