"""The stages between a typed request and its acceptance: rights, documents, rules. Pure.

All faults of the first stage that fails come back together. What is read here was locked by the
transaction that asks, so nothing that was judged can change before the commit.
"""

from collections.abc import Iterator, Sequence
from copy import copy

from hundi.exchange.booking import Booking
from hundi.exchange.definition import (
    DocumentType,
    DocumentView,
    Move,
    Party,
    RuleContext,
    Touched,
    VersionRule,
)
from hundi.exchange.document import Document
from hundi.exchange.journal import GENESIS
from hundi.exchange.papers import Papers
from hundi.exchange.request import Refused, Request
from hundi.exchange.standing import (
    BUSY_RETRY,
    PARTIES,
    STALE_VERSION,
    busy,
    exists,
    no_move,
    of_held,
    stale_status,
    stale_version,
    unknown,
    wrong_numbers,
    wrong_target,
)
from hundi.exchange.world import Held, Named, OpenExchange, Plan, World
from hundi.kernel.clock import indian_date
from hundi.kernel.faults import Fault, split
from hundi.parties import model as parties
from hundi.parties.model import Served

TRIAL = "trial"


def judge(request: Request, world: World, place: int) -> Plan | Refused:
    """A plan, or the faults of the first stage that failed. `place` is the request's in the batch."""
    faults = tuple(_rights(request, world))
    if faults:
        return Refused(faults)
    touched = request.touched[0]
    kind = world.types[touched.type]
    document = world.papers.documents.get(world.key(request, touched))
    if document is not None and not _party_to(request, document, world):
        document = None
    first = [m.source for m in kind.moves if _creates(m, request)]
    held, strange = _held(request, world, world.named.get(place, ()))
    if document is None and not first:
        strange = [unknown(touched.path, kind, touched.object_id), *strange]
    if strange:
        return Refused(tuple(strange))
    if document is None or document.status in first:
        return _creation(request, world, touched=touched, document=document, held=held)
    if first:
        return Refused((exists(touched, kind, document),))
    return _change(request, world, touched=touched, document=document, held=held)


def _rights(request: Request, world: World) -> Iterator[Fault]:
    message = request.message
    sender = world.parties.get(request.sender_b2b)
    path = f"b2bIds.{message.roles[message.sender]}"
    if sender is None or sender.client_id != request.client_id:
        detail = (
            f"Your client does not serve {request.sender_b2b}. Send as a B2B ID that it serves."
        )
        yield parties.NOT_YOURS.at(path, detail)
        return
    other = world.parties.get(request.receiver_b2b)
    other_path = f"b2bIds.{message.roles[message.receiver]}"
    if other is None:
        detail = f"No {request.receiver_b2b} is on the network. Check the B2B ID."
        yield parties.UNKNOWN.at(other_path, detail)
    for party, where in ((sender, path), (other, other_path)):
        if party is not None and not party.active:
            yield parties.INACTIVE.at(where, f"{party.b2b_id} is switched off on the network.")


def _creates(move: Move, request: Request) -> bool:
    return move.on == request.message.name and move.version is VersionRule.FIRST


def _held(
    request: Request, world: World, named: Sequence[Named]
) -> tuple[tuple[Held, ...], list[Fault]]:
    """The documents that are held, each once, and faults for those that must be known and are not."""
    found: dict[object, Held] = {}
    strange: list[Fault] = []
    for one in named:
        document = world.papers.documents.get(one.key) if one.key is not None else None
        if document is not None and _may_hold(request, document, one, world=world):
            found.setdefault(one.key, Held(ref=one.ref, document=document, touched=one.touched))
        elif one.touched is not None and one.touched.required:
            kind = world.types[one.touched.type]
            strange.append(unknown(one.ref, kind, one.touched.object_id))
    return tuple(found.values()), strange


def _may_hold(request: Request, document: Document, named: Named, *, world: World) -> bool:
    """Whether a document that is named beside the moved one is the same two businesses' own.

    One that the moved document refers to was judged when it was named; who answers may not have
    seen it yet, and what it holds of the moved one counts all the same.
    """
    if named.touched is None:
        return True
    entities = {world.parties[b2b].entity_id for b2b in request.parties.values()}
    own = {document.author_entity, document.counterparty_entity} == entities
    return own and _party_to(request, document, world)


def _party_to(request: Request, document: Document, world: World) -> bool:
    """Whether the sender may know of the document at all."""
    sender = world.parties[request.sender_b2b]
    if sender.entity_id == document.author_entity:
        return True
    if sender.entity_id != document.counterparty_entity:
        return False
    opened = world.opened(document)
    return document.highest_version > 0 or (opened is not None and opened.reached)


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
        updated_at=world.now,
        status_at=world.now,
        created_at=world.now,
    )


def _same_parties(request: Request, document: Document) -> bool:
    return set(request.parties.values()) == {document.author_b2b, document.counterparty_b2b}


def _may_go_over(request: Request, kind: DocumentType, over: OpenExchange | None) -> bool:
    """A sender may withdraw over its own open proposal, but not over another withdrawal."""
    if over is None or request.action is None or request.action != kind.withdrawal:
        return False
    own = over.exchange.client_id == request.client_id
    withdrawing = any(m.target in kind.released for m in over.exchange.moves)
    return own and not withdrawing and not over.leased


def _creation(
    request: Request,
    world: World,
    *,
    touched: Touched,
    document: Document | None,
    held: tuple[Held, ...],
) -> Plan | Refused:
    kind = world.types[touched.type]
    if document is not None and not _same_parties(request, document):
        return Refused((exists(touched, kind, document),))
    shut = _busy(world, touched, document=document, over=None, held=held)
    if shut:
        return Refused(shut, BUSY_RETRY)
    fresh = _created(request, world, touched=touched, before=document)
    wanted = fresh.version
    faults = [*stale_status(touched, kind, fresh), *_stale_held(world, held)]
    for name, value in (
        ("currentVersion", touched.current_version),
        ("newVersion", touched.new_version),
    ):
        if value not in {None, wanted}:
            detail = f"The next free version of the {kind.noun} is {wanted}, not {value}."
            path = f"{touched.path}.objectVersion.{name}"
            faults.append(STALE_VERSION.at(path, detail, nextVersion=wanted))
    if faults:
        return Refused(tuple(faults))
    return _ruled(request, world, touched=touched, document=fresh, before=document, held=held)


def _change(
    request: Request,
    world: World,
    *,
    touched: Touched,
    document: Document,
    held: tuple[Held, ...],
) -> Plan | Refused:
    kind = world.types[touched.type]
    if not _same_parties(request, document):
        detail = (
            f"The {kind.noun} was made between {document.author_b2b} and"
            f" {document.counterparty_b2b}. Name these two."
        )
        return Refused((PARTIES.at("b2bIds", detail),))
    over = world.opened(document)
    if not _may_go_over(request, kind, over):
        over = None
    shut = _busy(world, touched, document=document, over=over, held=held)
    if shut:
        return Refused(shut, BUSY_RETRY)
    faults = [*stale_version(touched, kind, document), *stale_status(touched, kind, document)]
    faults += _stale_held(world, held)
    if faults:
        return Refused(tuple(faults))
    return _ruled(request, world, touched=touched, document=document, before=document, held=held)


def _busy(
    world: World,
    touched: Touched,
    *,
    document: Document | None,
    over: OpenExchange | None,
    held: Sequence[Held],
) -> tuple[Fault, ...]:
    """Every document that has to wait for another exchange. Drawing waits only for what shuts one."""
    found: list[Fault] = []
    if document is not None and document.open_exchange is not None and over is None:
        found.append(busy(touched.path, world.types[touched.type], document))
    for one in held:
        opened = world.opened(one.document)
        draws = one.touched is not None
        if draws and opened is not None and opened.shuts(one.document.key):
            found.append(busy(one.ref, world.types[one.document.type], one.document))
    return tuple(found)


def _stale_held(world: World, held: Sequence[Held]) -> list[Fault]:
    return [
        fault
        for one in held
        if one.touched is not None
        for fault in of_held(one.touched, world.types[one.document.type], one.document)
    ]


def _ruled(
    request: Request,
    world: World,
    *,
    touched: Touched,
    document: Document,
    before: Document | None,
    held: tuple[Held, ...],
) -> Plan | Refused:
    """The last stages: the move, its numbers, the documents' own rules, what they book.

    `before` is the stored document, None where the message creates one.
    """
    kind = world.types[touched.type]
    view = world.view(document, touched.path)
    move = kind.move(on=request.message.name, action=request.action, view=view)
    if move is None:
        return Refused((no_move(request, kind, touched=touched, document=document),))
    faults = [*wrong_numbers(touched, kind, document=document, move=move)]
    if faults:
        return Refused(tuple(faults))
    # A document that is sent for the first time, or anew because it was never held, has no past.
    stored = None if before is None or document.status == kind.initial else view
    context = _context(request, world, stored=stored, held=held)
    refusals, warnings = split(_findings(request, context))
    if refusals:
        return Refused(refusals)
    booking = _booking(request, context, move=move, document=document, held=held)
    held = tuple(one for one in held if one.touched is not None or booking.concerns(one.ref))
    plan = Plan(
        request=request,
        kind=kind,
        touched=touched,
        move=move,
        document=document,
        creating=before is None,
        over=world.opened(document),
        held_claim=before.claim if before is not None else None,
        sender=world.parties[request.sender_b2b],
        receiver=world.parties[request.receiver_b2b],
        warnings=warnings,
        held=held,
        booking=booking,
        papers=_papers(world, document, held),
    )
    return _tried(plan, world)


def _context(
    request: Request, world: World, *, stored: DocumentView | None, held: Sequence[Held]
) -> RuleContext:
    known = {b2b: _as_party(world.parties[b2b]) for b2b in request.parties.values()}
    return RuleContext(
        today=indian_date(world.now),
        parties=known,
        document=stored,
        held={one.ref: world.view(one.document, one.ref) for one in held},
    )


def _findings(request: Request, context: RuleContext) -> list[Fault]:
    """What the message's rules say, and what those that need only its body said before."""
    found = [f for rule in request.message.rules for f in rule(request.body, context)]
    return [*found, *request.findings]


def _booking(
    request: Request,
    context: RuleContext,
    *,
    move: Move,
    document: Document,
    held: Sequence[Held],
) -> Booking:
    message = request.message
    places = {one.ref: one.document.key for one in held}
    return Booking(
        holder=document.key,
        effect=move.effect,
        postings=message.postings(request.body, context),
        places={**places, request.touched[0].path: document.key},
        resolves=message.resolves(request.body),
        gives_back=bool(held) and move.target in message.document.released,
    )


def _papers(world: World, document: Document, held: Sequence[Held]) -> Papers:
    """The plan's own copies; of a document that is open, those that its exchange concerns too."""
    opened = world.opened(document)
    others = opened.exchange.keys if opened is not None else ()
    keys = {document.key, *others, *(one.document.key for one in held)}
    papers = world.papers.fork(sorted(keys))
    papers.documents[document.key] = copy(document)
    return papers


def _tried(plan: Plan, world: World) -> Plan | Refused:
    """Book on trial: a document whose status the ledger decides must come to what the sender says."""
    stated = [one for one in plan.held if one.touched is not None and one.touched.new_status]
    if not stated:
        return plan
    trial = plan.papers.fork(plan.papers.documents)
    plan.booking.write(trial, req_msg_id=TRIAL, now=world.now)
    faults = [
        fault
        for one in stated
        if one.touched is not None
        for fault in wrong_target(one.touched, trial.documents[one.document.key].status)
    ]
    return Refused(tuple(faults)) if faults else plan


def _as_party(served: Served) -> Party:
    return Party(served.b2b_id, served.entity_id, served.name, served.pan, served.gstins)
