"""What a document and a message are to the road: data and plain, pure functions.

A document type is its life cycle, a table of `Move`. A message type is one `req-…` call: its paths,
its typed body, what it touches and the rules it obeys. Nothing here reads a database, a clock or
the network, so a whole trade can be reasoned about, and simulated, without any of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from hundi.exchange.route import Route
from hundi.exchange.views import BodyRule, Derive, DocumentView, Posting, Rule, RuleContext
from hundi.ledger.model import Key


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


LAPSE = "expiry"
"""What the platform's own rows of a life cycle are `on`: nobody has answered a document in time."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a row asks of the document.

    `unless` ends the sentence that the sender is told where it says no ("… takes no CANCEL while …"),
    "" where another row then says yes.
    """

    allows: Callable[[DocumentView], bool]
    unless: str = ""


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
    `initial` is the state before its first message has settled, "" where the contract has none.
    `released` are the states in which the document's number may be used again, and what it drew on
    other documents is given back. `settled` are those in which nothing is waited for any more,
    though a move still leads out of them: a paid invoice may be closed. `withdrawal` is the action
    that may go over its sender's own open proposal (CANCEL), None where there is none. `shut_by`
    are the actions that end it: while one of them, or an edit, is open, no amount is drawn on it.
    `guarded` are its accounts that never go below zero. `stake` is the account that shows whether
    somebody else has bought it (`stakes`). `derive` gives the status that its ledger decides, None
    where money decides nothing.
    """

    name: str
    noun: str
    author: str
    initial: str
    released: frozenset[str]
    settled: frozenset[str]
    withdrawal: str | None
    shut_by: frozenset[str]
    guarded: frozenset[str]
    derive: Derive | None
    moves: tuple[Move, ...]
    stake: str | None
    _rows: dict[tuple[str, str | None, str], list[Move]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _first: dict[str, list[str]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for row in self.moves:
            self._rows.setdefault((row.on, row.action, row.source), []).append(row)
            if row.version is VersionRule.FIRST:
                self._first.setdefault(row.on, []).append(row.source)

    def move(self, *, on: str, action: str | None, view: DocumentView) -> Move | None:
        """The row for a message and action from the document's status, guards asked; or None."""
        for row in self._rows.get((on, action, view.status), ()):
            if row.guard is None or row.guard.allows(view):
                return row
        return None

    def hindered(self, *, on: str, action: str | None, status: str) -> str:
        """What keeps a message and action from being a move, guards having said no; "" without a row."""
        rows = self._rows.get((on, action, status), ())
        return next((row.guard.unless for row in rows if row.guard and row.guard.unless), "")

    def first(self, on: str) -> Sequence[str]:
        """The states from which a message creates documents of this type."""
        return self._first.get(on, ())

    @property
    def edits(self) -> bool:
        """Whether its author may propose another content for one that exists."""
        return any(row.version is VersionRule.NEXT for row in self.moves)

    @property
    def lapses(self) -> bool:
        """Whether the platform ends documents of this type that nobody answers."""
        return any(row.on == LAPSE for row in self.moves)


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """One document that a message names: the sender's view of it, and where it said so.

    `path` is the JSON path of the object that carries the members, for faults (`poStatus`);
    `transition` is the name of its status member (`poStatusTransition`). `number` is the document's
    number in its author's books; `claim` the key under which it must be unique, None where the
    message does not claim one. `shared` is a number that others of the author's documents may have
    too: they are looked at (`RuleContext.sharing`) and left alone. `claim_tag` is what a number
    that was used before must come with again (an invoice's IRN). Versions and statuses are None
    where the message has no such member: then they are not compared.

    A document that is held may be named by its claims alone: `object_id` is "" then. It is the first
    of `claims` that a document has, or else that one has had. `required` says whether the message is
    refused where the network does not know the document. `between` are the two roles whose document
    it is, None for sender and receiver. `action` is what happens to this one, None where the
    message's action does. `hastens` are keys of documents whose time is up as soon as this move has
    taken effect. `id_member` is the member that holds the objectId, `number_member` the one that
    holds the number, "" where the message has none.
    """

    type: str
    how: Touches
    object_id: str
    number: str
    claim: str | None
    claim_tag: str = ""
    or_claims: tuple[str, ...] = ()
    current_version: int | None
    new_version: int | None
    current_status: str | None
    new_status: str | None
    path: str
    transition: str
    required: bool = True
    between: tuple[str, str] | None = None
    action: str | None = None
    hastens: tuple[Key, ...] = ()
    id_member: str = "objectId"
    number_member: str = ""
    shared: str | None = None

    @property
    def claims(self) -> tuple[str, ...]:
        """What it may be known by, the likeliest first."""
        return () if self.claim is None else (self.claim, *self.or_claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """One `req-…` call and its two webhooks.

    `roles` maps each role to the member of `b2bIds` that names it; `sender` and `receiver` are two
    of them. `subject` is the member of the body that the answers echo; `informs` are the members of
    `resp-X` in the contract's order. `touches` and `action` are pure functions of the typed body
    (`body` is its type); the first document that `touches` names is moved, and the message is about
    it. `path` starts with a slash; `forward` and `inform` are webhook paths, without one. `reads`
    says whether rules and postings look into stored bodies, `amends` whether into the two bodies of
    a moved document of which one version is in force and another proposed. `follows` are the types
    of documents that the moved one refers to and that are held too. `postings` tells what the message books;
    `resolves` whether an action posts (True) or voids (False) what the moved document has reserved.
    `route` is None where the body names sender and receiver: one call, one exchange.
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
    informs: tuple[str, ...]
    touches: Callable[[Any], tuple[Touched, ...]]
    action: Callable[[Any], str | None]
    ack: Ack
    body_rules: tuple[BodyRule[Any], ...]
    rules: tuple[Rule[Any], ...]
    reads: bool
    amends: bool
    follows: tuple[str, ...]
    postings: Callable[[Any, RuleContext], tuple[Posting, ...]]
    resolves: Callable[[str | None], bool | None]
    route: Route | None
