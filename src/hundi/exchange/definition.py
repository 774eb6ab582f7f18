"""What a document and a message are to the road: data and plain, pure functions.

A document type is its life cycle, a table of `Move`. A message type is one `req-…` call: its paths,
its typed body, what it touches and the rules it obeys. Nothing here reads a database, a clock or
the network, so a whole trade can be reasoned about, and simulated, without any of them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import msgspec

from hundi.kernel.faults import Fault


class Effect(Enum):
    """When a move takes effect: at the counterparty's SUCCESS, or at the ack."""

    PROPOSAL = "PROPOSAL"
    FACT = "FACT"


class VersionRule(Enum):
    """What a settled move does to the document's version numbers."""

    FIRST = "FIRST"  # creation: the next free number, 1 the first time
    KEEP = "KEEP"  # n → n
    NEXT = "NEXT"  # an edit: n → the next free number
    AGREE = "AGREE"  # n → n, and n becomes the version in force
    RESTORE = "RESTORE"  # n → n on the wire; the document goes back to the version in force


class Touches(Enum):
    """What a message does to a document it names."""

    MOVES = "MOVES"  # opens it: busy until the exchange ends
    HOLDS = "HOLDS"  # reserves an amount on it: it stays free


class Ack(Enum):
    """The shape of a call's 200 body."""

    ECHO = "ECHO"  # payload {b2bIds, resp, <subject>, additionalInfos}
    RECEIPT = "RECEIPT"  # payload: the reqMsgId


class DocumentView(msgspec.Struct, frozen=True):
    """A stored document as guards and rules see it, read after its row was locked.

    `agreed_version` is the last version that was accepted, None before that. `drawn` are ledger
    sums by name (what later documents have taken of this one); a missing name stands for zero.
    """

    status: str
    version: int
    agreed_version: int | None
    number: str
    drawn: Mapping[str, int] = msgspec.field(default_factory=dict)


Guard = Callable[[DocumentView], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One row of a contract's `x-lifecycle`. `by` is a role of the message, such as `buyer`."""

    on: str
    action: str | None
    source: str
    target: str
    by: str
    effect: Effect
    version: VersionRule
    guard: Guard | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """A kind of document and its life cycle, the only judge of state.

    `noun` is the word for people ("order"). `author` is the role whose entity owns the key.
    `released` are the states in which the document's number may be used again. `withdrawal` is the
    action that may go over its sender's own open proposal (CANCEL), None where there is none.
    """

    name: str
    noun: str
    author: str
    initial: str
    released: frozenset[str]
    withdrawal: str | None
    moves: tuple[Move, ...]

    def move(self, *, on: str, action: str | None, view: DocumentView) -> Move | None:
        """The row for a message and action from the document's status, guards asked; or None."""
        wanted = (on, action, view.status)
        fitting = (row for row in self.moves if (row.on, row.action, row.source) == wanted)
        return next((row for row in fitting if row.guard is None or row.guard(view)), None)


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """One document that a message names: the sender's view of it, and where it said so.

    `path` is the JSON path of the object that carries the members, for faults (`poStatus`);
    `transition` is the name of its status member (`poStatusTransition`). `number` is the document's
    number in its author's books; `claim` the key under which it must be unique, None where the
    message does not claim one.
    """

    type: str
    how: Touches
    object_id: str
    number: str
    claim: str | None
    current_version: int
    new_version: int
    current_status: str
    new_status: str
    path: str
    transition: str


@dataclass(frozen=True, slots=True)
class Party:
    """A party as the network knows it: B2B ID, entity, PAN and registered GSTINs."""

    b2b_id: str
    entity_id: str
    name: str
    pan: str
    gstins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What a rule may know besides the body. `today` is the date in India at acceptance.

    `document` is None when the message creates one.
    """

    today: date
    parties: Mapping[str, Party]
    document: DocumentView | None


Rule = Callable[[object, RuleContext], Iterable[Fault]]
BodyRule = Callable[[Any], Iterable[Fault]]
"""A rule that asks nothing but the body. It may take long: it is judged before the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """An amount to reserve on an account while an exchange is open; integer paise."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """One `req-…` call and its two webhooks.

    `roles` maps each role to the member of `b2bIds` that names it; `sender` and `receiver` are two
    of them. `subject` is the member of the body that the answers echo. `touches`, `action` and
    `postings` are pure functions of the typed body (`body` is its type). `path` starts with a
    slash; `forward` and `inform` are the contract's webhook paths, without one.
    """

    name: str
    document: DocumentType
    path: str
    forward: str
    inform: str
    roles: Mapping[str, str]
    sender: str
    receiver: str
    body: type[Any]
    subject: str
    touches: Callable[[Any], tuple[Touched, ...]]
    action: Callable[[Any], str | None]
    ack: Ack
    body_rules: tuple[BodyRule, ...]
    rules: tuple[Rule, ...]
    postings: Callable[[Any], tuple[Posting, ...]]
