"""What a batch of requests is judged against, and the plan of one that may be accepted. Pure."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hundi.exchange.booking import Booking
from hundi.exchange.definition import DocumentType, Effect, Move, Touched, VersionRule
from hundi.exchange.document import Document
from hundi.exchange.papers import Papers
from hundi.exchange.record import Exchange
from hundi.exchange.request import Request
from hundi.exchange.views import DocumentView, Party, Stakeholder
from hundi.kernel.faults import Fault
from hundi.ledger.model import Key
from hundi.parties.model import Served
from hundi.store.engine import Row


class OpenExchange(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange that keeps a document busy, locked together with its delivery."""

    exchange: Exchange
    leased: bool
    reached: bool

    def shuts(self, key: Key) -> bool:
        """Whether a document's content or end is being negotiated: no amount is drawn on it."""
        return any(move.key == key and move.shuts for move in self.exchange.moves)


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a request holds: how postings call it, and which one it is.

    `key` is None for one that nobody has; `touched` is None for one that the request does not name
    and the moved document refers to.
    """

    ref: str
    key: Key | None
    touched: Touched | None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a request holds and its sender may know."""

    ref: str
    document: Document
    touched: Touched | None
    stakeholder: Stakeholder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a batch is judged against.

    `named` are the documents that requests hold, by the request's place among all; `bodies` typed
    bodies of documents by id, for requests whose rules read them; `stakes` who has bought which.
    `sharing` are the documents under shared numbers, as `claims.sharing` reads them.
    `shown` are documents that their counterparty, a sender of the batch, has seen and never held.
    `heavy` are requests of calls whose documents have more bytes together than are read for one of
    them, `later` the calls for whose documents there was no room in this batch.
    """

    now: int
    types: Mapping[str, DocumentType]
    parties: Mapping[str, Served]
    papers: Papers
    open: Mapping[str, OpenExchange]
    named: Mapping[int, tuple[Named, ...]]
    bodies: Mapping[str, Any]
    stakes: Mapping[Key, Stakeholder]
    sharing: Mapping[Key, Sequence[Row]]
    shown: Collection[Key]
    heavy: Collection[int] = ()
    later: Collection[int] = ()
    _parties: dict[str, Party] = field(default_factory=dict)

    def key(self, request: Request, touched: Touched) -> Key:
        """A touched document's key; its author's B2B ID must be known."""
        author = request.parties[self.types[touched.type].author]
        return self.parties[author].entity_id, touched.type, touched.object_id

    def entities(self, b2b_ids: Iterable[str]) -> set[str]:
        """The businesses behind some known B2B IDs."""
        return {self.parties[b2b_id].entity_id for b2b_id in b2b_ids}

    def party(self, b2b_id: str) -> Party:
        """A known party as rules see it, made once for all requests."""
        made = self._parties.get(b2b_id)
        if made is None:
            served = self.parties[b2b_id]
            made = self._parties[b2b_id] = Party(
                served.b2b_id,
                served.entity_id,
                served.name,
                served.pan,
                served.gstins,
                served.trade,
                served.level,
            )
        return made

    def opened(self, document: Document) -> OpenExchange | None:
        """The exchange that keeps a document busy."""
        return self.open.get(document.open_exchange or "")

    def view(self, document: Document, ref: str) -> DocumentView:
        """A document as guards and rules see it."""
        key = document.key
        balances = self.papers.books.of(key)
        body = self.bodies.get(document.body_in_force)
        proposed = self.bodies.get(document.body_id) if document.amended else None
        view = document.view(ref=ref, balances=balances, body=body, proposed=proposed)
        if key not in self.stakes:
            return view
        return msgspec.structs.replace(view, stakeholder=self.stakes[key])


class Moving(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a request moves, and how.

    `document` is as the move finds it: of a creation as its author makes it; `view` is what rules
    see of it. `stored` is what was stored before, None where the request creates it; `over` the open
    proposal that this one goes over.
    """

    kind: DocumentType
    touched: Touched
    move: Move
    document: Document
    view: DocumentView
    stored: Document | None
    over: OpenExchange | None

    @property
    def creating(self) -> bool:
        """Whether the network did not know the document."""
        return self.stored is None

    @property
    def edits(self) -> bool:
        """Whether it proposes another content."""
        return self.move.version is VersionRule.NEXT

    @property
    def settles_content(self) -> bool:
        """Whether it proposes another content, or puts another one in force than that which is."""
        agrees = self.move.version is VersionRule.AGREE and self.document.amended
        return self.edits or agrees

    @property
    def travels(self) -> bool:
        """False for a withdrawal of what the other side cannot hold: it never knew."""
        if self.move.effect is Effect.PROPOSAL or self.stored is None:
            return True
        reached = self.over is not None and self.over.reached
        return reached or self.document.highest_version > 0

    @property
    def claims(self) -> str | None:
        """The number to be alone with, None where it has it already and brings nothing new.

        Made anew, it may have another tag; edited, it may bring the one that it did not have yet.
        """
        wanted = self.touched.claim
        held = None if self.stored is None else self.stored.claim
        tagged = self.move.version is VersionRule.FIRST or self.touched.claim_tag != ""
        return None if wanted == held and not tagged else wanted


@dataclass(slots=True, kw_only=True)
class Plan:
    """An accepted request, before anything is written.

    `papers` are copies of all its documents and their books, its own to change; `held` are the
    documents that it draws on, `booking` what it books. What it moves first is what it is about.
    `warned` are refs of held documents that somebody has bought, where a warning is about them.
    `waits` says whether somebody has to answer before the exchange ends: the counterparty's system,
    or that of the exchange which it follows.
    """

    request: Request
    moves: tuple[Moving, ...]
    receiver: Served
    sender: Served
    warnings: tuple[Fault, ...]
    warned: frozenset[str]
    held: tuple[Held, ...]
    booking: Booking
    papers: Papers
    waits: bool

    @property
    def first(self) -> Moving:
        """What the request is about."""
        return self.moves[0]

    @property
    def takes(self) -> Iterator[Hashable]:
        """What no second plan of the same transaction may rest on: the documents, the numbers."""
        for one in self.moves:
            key, claim = one.document.key, one.touched.claim
            yield key
            if claim is not None:
                yield (*key[:2], "number", claim)
            if one.touched.shared is not None:
                yield (*key[:2], "shared", one.touched.shared)
        for held in self.held:
            yield held.document.key
