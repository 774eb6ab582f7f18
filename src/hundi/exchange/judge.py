"""The stages between a typed request and its acceptance: rights, document, rules. Pure.

All faults of the first stage that fails come back together. What is read here was locked by the
transaction that asks, so nothing that was judged can change before the commit.
"""

from collections.abc import Hashable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass

import msgspec

from hundi.exchange.definition import (
    DocumentType,
    DocumentView,
    Effect,
    Move,
    Party,
    RuleContext,
    Touched,
    VersionRule,
)
from hundi.exchange.document import Document, Key
from hundi.exchange.journal import GENESIS
from hundi.exchange.record import Exchange
from hundi.exchange.request import Refused, Request
from hundi.exchange.standing import (
    PARTIES,
    STALE_VERSION,
    UNKNOWN,
    busy,
    exists,
    no_move,
    stale_status,
    stale_version,
    wrong_numbers,
)
from hundi.kernel.clock import indian_date
from hundi.kernel.faults import Fault, split
from hundi.parties import model as parties
from hundi.parties.model import Served


class OpenExchange(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange that keeps a document busy, locked together with its delivery."""

    exchange: Exchange
    leased: bool
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a batch of requests is judged against."""

    now: int
    types: Mapping[str, DocumentType]
    parties: Mapping[str, Served]
    documents: Mapping[Key, Document]
    open: Mapping[str, OpenExchange]

    def key(self, request: Request, touched: Touched) -> Key:
        """A touched document's key; its author's B2B ID must be known."""
        author = request.parties[self.types[touched.type].author]
        return self.parties[author].entity_id, touched.type, touched.object_id


@dataclass(slots=True, kw_only=True)
class Plan:
    """An accepted request, before anything is written."""

    request: Request
    kind: DocumentType
    touched: Touched
    move: Move
    document: Document
    creating: bool
    over: OpenExchange | None
    held_claim: str | None
    receiver: Served
    sender: Served
    warnings: tuple[Fault, ...]

    @property
    def takes(self) -> tuple[Hashable, ...]:
        """What no second plan of the same transaction may rest on: the document, its number."""
        key, claim = self.document.key, self.touched.claim
        return (key,) if claim is None else (key, (*key[:2], "number", claim))

    @property
    def travels(self) -> bool:
        """False for a withdrawal of what the other side cannot hold: it never knew."""
        may_be_held = self.document.highest_version > 0
        if self.over is not None and self.over.reached:
            may_be_held = True
        return self.move.effect is Effect.PROPOSAL or self.creating or may_be_held

    @property
    def waits(self) -> bool:
        """Whether the counterparty's system has to answer before the exchange ends."""
        return self.travels and not self.receiver.mailbox


def judge(request: Request, world: World) -> Plan | Refused:
    """A plan, or the faults of the first stage that failed."""
    faults = tuple(_rights(request, world))
    if faults:
        return Refused(faults)
    # One document a message; messages that move several come with the invoices' payments.
    [touched] = request.touched
    kind = world.types[touched.type]
    document = world.documents.get(world.key(request, touched))
    if document is not None and not _party_to(request, document, world):
        document = None
    creates = _creates(request, kind)
    if creates and (document is None or document.status == kind.initial):
        return _creation(request, world, touched=touched, document=document)
    if document is None:
        detail = f"You are party to no {kind.noun} {touched.object_id}. Check the objectId."
        return Refused((UNKNOWN.at(f"{touched.path}.objectId", detail),))
    if creates:
        return Refused((exists(touched, kind, document),))
    return _change(request, world, touched=touched, document=document)


def _rights(request: Request, world: World) -> Iterator[Fault]:
    message = request.message
    sender = world.parties.get(request.sender_b2b)
    path = f"b2bIds.{message.roles[message.sender]}"
    other = world.parties.get(request.receiver_b2b)
    if sender is None or sender.client_id != request.client_id:
        yield _not_the_sender(request, other, path)
        return
    other_path = f"b2bIds.{message.roles[message.receiver]}"
    if other is None:
        detail = f"No {request.receiver_b2b} is on the network. Check the B2B ID."
        yield parties.UNKNOWN.at(other_path, detail)
    for party, where in ((sender, path), (other, other_path)):
        if party is not None and not party.active:
            yield parties.INACTIVE.at(where, f"{party.b2b_id} is switched off on the network.")


def _not_the_sender(request: Request, other: Served | None, path: str) -> Fault:
    """Somebody else's B2B ID, or the client's own one in the other role."""
    message = request.message
    if other is not None and other.client_id == request.client_id:
        detail = (
            f"The {message.sender} sends {message.name}."
            f" Your client serves {other.b2b_id}, which is the {message.receiver} here."
        )
        return parties.WRONG_ROLE.at(path, detail)
    detail = f"Your client does not serve {request.sender_b2b}. Send as a B2B ID that it serves."
    return parties.NOT_YOURS.at(path, detail)


def _creates(request: Request, kind: DocumentType) -> bool:
    on = request.message.name
    return any(m.on == on and m.version is VersionRule.FIRST for m in kind.moves)


def _party_to(request: Request, document: Document, world: World) -> bool:
    """Whether the sender may know of the document at all."""
    sender = world.parties[request.sender_b2b]
    if sender.entity_id == document.author_entity:
        return True
    if sender.entity_id != document.counterparty_entity:
        return False
    opened = world.open.get(document.open_exchange or "")
    return document.highest_version > 0 or (opened is not None and opened.reached)


def _creation(
    request: Request, world: World, *, touched: Touched, document: Document | None
) -> Plan | Refused:
    kind = world.types[touched.type]
    if document is not None:
        if not _same_parties(request, document):
            return Refused((exists(touched, kind, document),))
        if document.open_exchange is not None:
            return busy(touched, kind, document)
    fresh = _created(request, world, touched=touched, before=document)
    wanted = fresh.version
    faults = [*stale_status(touched, kind, fresh)]
    for name, value in (
        ("currentVersion", touched.current_version),
        ("newVersion", touched.new_version),
    ):
        if value != wanted:
            detail = f"The next free version of the {kind.noun} is {wanted}, not {value}."
            path = f"{touched.path}.objectVersion.{name}"
            faults.append(STALE_VERSION.at(path, detail, nextVersion=wanted))
    return _ruled(request, world, touched=touched, document=fresh, before=document, faults=faults)


def _created(
    request: Request, world: World, *, touched: Touched, before: Document | None
) -> Document:
    """The document as its author's `req-send` makes it, or makes it anew."""
    if before is not None:
        again = copy(before)
        again.version, again.number, again.claim = (
            before.next_version,
            touched.number,
            touched.claim,
        )
        return again
    kind = world.types[touched.type]
    author = request.parties[kind.author]
    [other] = [b2b for role, b2b in request.parties.items() if role != kind.author]
    return Document(
        author_entity=world.parties[author].entity_id,
        type=touched.type,
        object_id=touched.object_id,
        author_b2b=author,
        counterparty_entity=world.parties[other].entity_id,
        counterparty_b2b=other,
        number=touched.number,
        claim=touched.claim,
        status=kind.initial,
        version=1,
        agreed_version=None,
        highest_version=0,
        open_exchange=None,
        body_id="",
        agreed_body_id=None,
        head_sequence=0,
        head_hash=GENESIS,
        last_exchange="",
        last_step="",
        created_at=world.now,
        updated_at=world.now,
    )


def _same_parties(request: Request, document: Document) -> bool:
    return set(request.parties.values()) == {document.author_b2b, document.counterparty_b2b}


def _change(
    request: Request, world: World, *, touched: Touched, document: Document
) -> Plan | Refused:
    kind = world.types[touched.type]
    if not _same_parties(request, document):
        detail = (
            f"The {kind.noun} was made between {document.author_b2b} and"
            f" {document.counterparty_b2b}. Name these two."
        )
        return Refused((PARTIES.at("b2bIds", detail),))
    over = world.open.get(document.open_exchange or "")
    if document.open_exchange is not None and not _may_go_over(request, kind, over):
        return busy(touched, kind, document)
    faults = [*stale_version(touched, kind, document), *stale_status(touched, kind, document)]
    return _ruled(
        request, world, touched=touched, document=document, before=document, faults=faults
    )


def _may_go_over(request: Request, kind: DocumentType, over: OpenExchange | None) -> bool:
    """A sender may withdraw over its own open proposal, but not over another withdrawal."""
    if over is None or request.action is None or request.action != kind.withdrawal:
        return False
    own = over.exchange.sender_b2b == request.sender_b2b  # a client may serve both parties
    withdrawing = any(m.target in kind.released for m in over.exchange.moves)
    return own and not withdrawing and not over.leased


def _ruled(
    request: Request,
    world: World,
    *,
    touched: Touched,
    document: Document,
    before: Document | None,
    faults: list[Fault],
) -> Plan | Refused:
    """The last stages: the move, its numbers, the document's own rules.

    `before` is the stored document, None where the message creates one.
    """
    if faults:
        return Refused(tuple(faults))
    kind = world.types[touched.type]
    move = kind.move(on=request.message.name, action=request.action, view=document.view())
    if move is None:
        return Refused((no_move(request, kind, touched=touched, document=document),))
    faults = [*wrong_numbers(touched, kind, document=document, move=move)]
    if faults:
        return Refused(tuple(faults))
    stored = None if move.version is VersionRule.FIRST else document.view()
    refusals, warnings = split(_findings(request, world, stored))
    if refusals:
        return Refused(refusals)
    return Plan(
        request=request,
        kind=kind,
        touched=touched,
        move=move,
        document=document,
        creating=before is None,
        over=world.open.get(document.open_exchange or ""),
        held_claim=before.claim if before is not None else None,
        sender=world.parties[request.sender_b2b],
        receiver=world.parties[request.receiver_b2b],
        warnings=warnings,
    )


def _findings(request: Request, world: World, stored: DocumentView | None) -> list[Fault]:
    """What the message's rules say, and what those that need only its body said before."""
    known = {b2b: _as_party(world.parties[b2b]) for b2b in request.parties.values()}
    context = RuleContext(today=indian_date(world.now), parties=known, document=stored)
    found = [f for rule in request.message.rules for f in rule(request.body, context)]
    return [*found, *request.findings]


def _as_party(served: Served) -> Party:
    return Party(served.b2b_id, served.entity_id, served.name, served.pan, served.gstins)
