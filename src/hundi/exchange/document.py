"""A stored document in memory, and what a settled move makes of it. Pure."""

from collections.abc import Mapping
from copy import copy
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from hundi.exchange.definition import DocumentType, VersionRule
from hundi.exchange.views import DocumentView
from hundi.kernel.clock import indian_date
from hundi.ledger.model import Balance, Key
from hundi.store.engine import Row

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
    "last_at",
    "last_at_head",
    "updated_at",
    "status_at",
    "agreed_at",
    "booked",
    "created_at",
)
KEY_COLUMNS = COLUMNS[:3]
CHANGING = COLUMNS[6:-1]


_values = itemgetter(*COLUMNS)
_row = attrgetter(*COLUMNS)
_changes = attrgetter(*KEY_COLUMNS, *CHANGING)


class Document(msgspec.Struct, kw_only=True):
    """One row of `document`, read under its lock.

    `version` is what both sides work with; `agreed_version` the last accepted one;
    `highest_version` the highest that the counterparty has held or may hold. `status_at` is when it
    came into its status, or got the content that it has in it, `agreed_at` when a version was last
    agreed; `booked` says whether the ledger has accounts of it. `last_exchange`, `last_step` and
    `last_at` are those of its last change of status or version, and `told` is what it was after that;
    `updated_at` is the time of its last step of any kind.
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
    last_at: int
    updated_at: int
    status_at: int
    agreed_at: int | None = None
    booked: bool = False
    created_at: int
    told: tuple[str, int, int | None] | None = None

    @property
    def stand(self) -> tuple[str, int, int | None]:
        """What a sender has missed who acts on something else: status, version, the one agreed on."""
        return self.status, self.version, self.agreed_version

    @property
    def key(self) -> Key:
        """The document's key, in the order of the primary key."""
        return self.author_entity, self.type, self.object_id

    @property
    def next_version(self) -> int:
        """The next free version number."""
        return self.highest_version + 1

    @property
    def last_at_head(self) -> int:
        """The journal's number up to which `last_at` is known: as it is written, all of it."""
        return self.head_sequence

    def row(self) -> tuple[Any, ...]:
        """Values in the order of `COLUMNS`."""
        row: tuple[Any, ...] = _row(self)
        return row

    def changes(self) -> tuple[Any, ...]:
        """Values in the order of the key's columns, then `CHANGING`."""
        row: tuple[Any, ...] = _changes(self)
        return row

    @property
    def body_in_force(self) -> str:
        """The body of the version that was agreed, of the current one where none was."""
        return self.agreed_body_id or self.body_id

    @property
    def amended(self) -> bool:
        """Whether a version is proposed while another one is in force."""
        return self.body_id != self.body_in_force

    def view(
        self,
        *,
        ref: str = "",
        balances: Mapping[str, Balance] | None = None,
        body: Any = None,
        proposed: Any = None,
    ) -> DocumentView:
        """What guards and rules may see of it."""
        return DocumentView(
            ref=ref,
            object_id=self.object_id,
            status=self.status,
            version=self.version,
            agreed_version=self.agreed_version,
            number=self.number,
            status_on=indian_date(self.status_at),
            balances=balances or {},
            body=body,
            proposed=proposed,
        )

    def become(self, status: str, now: int) -> None:
        """Come into a status, at a time if it is another one."""
        if status != self.status:
            self.status, self.status_at = status, now


def last_at(row: Row) -> int:
    """When a document changed its status or version last.

    Where a version of before has written the last step, which knows no such time, that of the step:
    it may have been the change.
    """
    known = row["last_at"] is not None and row["last_at_head"] == row["head_sequence"]
    return int(row["last_at"] if known else row["updated_at"])


def from_row(row: Row) -> Document:
    """A document from a row that has all of `COLUMNS`."""
    values = dict(zip(COLUMNS, _values(row), strict=True))
    del values["last_at_head"]
    values["last_at"] = last_at(row)
    values["booked"] = bool(values["booked"])
    document = Document(**values)
    document.told = document.stand
    return document


class PlannedMove(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an exchange will do to one document when it settles; kept as JSON on the exchange.

    While one that `shuts` is open, no amount is drawn on the document: its content or its end is
    being negotiated. `resolves` says what becomes of the document's standing reservations: posted
    (True) or voided (False). `hastens` are documents that nobody needs to answer any more then.
    """

    author_entity: str
    type: str
    object_id: str
    source: str
    target: str
    version: VersionRule
    new_version: int
    number: str
    claim: str | None
    shuts: bool = False
    resolves: bool | None = None
    hastens: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """The document's key."""
        return self.author_entity, self.type, self.object_id


def settle(
    document: Document, move: PlannedMove, *, body_id: str, kind: DocumentType, now: int
) -> Document:
    """The document after the move took effect. The caller has checked that it may."""
    after = copy(document)
    after.become(move.target, now)
    match move.version:
        case VersionRule.FIRST | VersionRule.NEXT:
            after.version = move.new_version
            after.highest_version = max(document.highest_version, move.new_version)
            after.body_id = body_id
            after.status_at = now  # other content: who has it waits anew
            after.number, after.claim = move.number, move.claim
        case VersionRule.AGREE:
            after.agreed_version, after.agreed_body_id = document.version, document.body_id
            after.agreed_at = now
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
