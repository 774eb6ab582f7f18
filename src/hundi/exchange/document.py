"""A stored document in memory, and what a settled move makes of it. Pure."""

from copy import copy
from operator import attrgetter
from typing import Any

import msgspec

from hundi.exchange.definition import DocumentType, DocumentView, VersionRule
from hundi.store.engine import Row

Key = tuple[str, str, str]
"""Author's entity id, document type, objectId."""

COLUMNS = (
    "author_entity",
    "type",
    "object_id",
    "author_b2b",
    "counterparty_entity",
    "counterparty_b2b",
    "number",
    "claim",
    "status",
    "version",
    "agreed_version",
    "highest_version",
    "open_exchange",
    "body_id",
    "agreed_body_id",
    "head_sequence",
    "head_hash",
    "last_exchange",
    "last_step",
    "created_at",
    "updated_at",
)
KEY_COLUMNS = COLUMNS[:3]
CHANGING = COLUMNS[6:19] + COLUMNS[20:]


_row = attrgetter(*COLUMNS)
_changes = attrgetter(*KEY_COLUMNS, *CHANGING)


class Document(msgspec.Struct, kw_only=True):
    """One row of `document`, read under its lock.

    `version` is what both sides work with; `agreed_version` the last accepted one;
    `highest_version` the highest that the counterparty has held or may hold.
    """

    author_entity: str
    type: str
    object_id: str
    author_b2b: str
    counterparty_entity: str
    counterparty_b2b: str
    number: str
    claim: str | None
    status: str
    version: int
    agreed_version: int | None
    highest_version: int
    open_exchange: str | None
    body_id: str
    agreed_body_id: str | None
    head_sequence: int
    head_hash: bytes
    last_exchange: str
    last_step: str
    created_at: int
    updated_at: int

    @property
    def key(self) -> Key:
        """The document's key, in the order of the primary key."""
        return self.author_entity, self.type, self.object_id

    @property
    def next_version(self) -> int:
        """The next free version number."""
        return self.highest_version + 1

    def row(self) -> tuple[Any, ...]:
        """Values in the order of `COLUMNS`."""
        row: tuple[Any, ...] = _row(self)
        return row

    def changes(self) -> tuple[Any, ...]:
        """Values in the order of the key's columns, then `CHANGING`."""
        row: tuple[Any, ...] = _changes(self)
        return row

    def view(self) -> DocumentView:
        """What guards and rules may see of it."""
        return DocumentView(
            status=self.status,
            version=self.version,
            agreed_version=self.agreed_version,
            number=self.number,
        )


def from_row(row: Row) -> Document:
    """A document from a row that has all of `COLUMNS`."""
    return Document(**{name: row[name] for name in COLUMNS})


class PlannedMove(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange will do to one document when it settles; kept as JSON on the exchange."""

    author_entity: str
    type: str
    object_id: str
    source: str
    target: str
    version: VersionRule
    new_version: int
    number: str
    claim: str | None

    @property
    def key(self) -> Key:
        """The document's key."""
        return self.author_entity, self.type, self.object_id


def settle(document: Document, move: PlannedMove, *, body_id: str, kind: DocumentType) -> Document:
    """The document after the move took effect. The caller has checked that it may."""
    after = copy(document)
    after.status = move.target
    match move.version:
        case VersionRule.FIRST | VersionRule.NEXT:
            after.version = move.new_version
            after.highest_version = max(document.highest_version, move.new_version)
            after.body_id = body_id
            after.number, after.claim = move.number, move.claim
        case VersionRule.AGREE:
            after.agreed_version, after.agreed_body_id = document.version, document.body_id
        case VersionRule.RESTORE if document.agreed_version is not None:
            after.version = document.agreed_version
            after.body_id = document.agreed_body_id or document.body_id
        case _:
            pass
    if move.target in kind.released:
        after.claim = None
    return after


def may_hold(document: Document, move: PlannedMove) -> Document:
    """The document after an exchange ended without an answer that may have reached the other side.

    A version that the counterparty may hold is never given to another content.
    """
    if move.version not in {VersionRule.FIRST, VersionRule.NEXT}:
        return document
    after = copy(document)
    after.highest_version = max(document.highest_version, move.new_version)
    return after
