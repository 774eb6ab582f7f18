"""The hash-chained journal: every step of every exchange, in the document's own order.

A row's hash covers the row before it, so that a changed, removed or reordered row shows. The
document keeps the number and hash of its last row, so that a cut tail shows too.
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import Enum

from hundi.exchange import tables
from hundi.exchange.document import Document
from hundi.store.engine import Row
from hundi.store.statement import insert

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
    hasher = hashlib.sha256(ENCODING + previous)
    for field in fields:
        encoded = str(field).encode()
        hasher.update(len(encoded).to_bytes(4, "big") + encoded)
    hasher.update(len(digest).to_bytes(4, "big") + digest)
    return hasher.digest()


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
    document.last_exchange, document.last_step = req_msg_id, step.value
    document.updated_at = now
    return (*fields, digest, document.head_hash)


def first_broken(rows: Sequence[Row], head_sequence: int, head_hash: bytes) -> str | None:
    """What is wrong with a document's journal, rows in order of sequence; None if all is well."""
    previous, expected = GENESIS, 1
    for row in rows:
        if row["sequence"] != expected:
            return f"row {expected} is missing"
        fields = [row[name] for name in COLUMNS[:11]]
        previous = link(previous, fields, bytes(row["digest"]))
        if previous != bytes(row["hash"]):
            return f"row {expected} was changed"
        expected += 1
    if expected - 1 != head_sequence or previous != head_hash:
        return f"the journal ends at row {expected - 1}, the document says {head_sequence}"
    return None
