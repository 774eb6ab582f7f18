"""The stages between a typed request and its acceptance: rights, documents, rules. Pure.

All faults of the first stage that fails come back together. What is read here was locked by the
transaction that asks, so nothing that was judged can change before the commit.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy

from hundi.exchange.booking import Booking
from hundi.exchange.findings import each_once, told
from hundi.exchange.papers import Papers
from hundi.exchange.request import NumberedRequest, Refused, Request
from hundi.exchange.standing import BUSY_RETRY, busy, wrong_target
from hundi.exchange.subjects import moved_and_held
from hundi.exchange.views import RuleContext, Sharing
from hundi.exchange.world import Held, Moving, Plan, World
from hundi.kernel.clock import indian_date
from hundi.kernel.faults import Code, Fault, Kind, split
from hundi.parties import model as parties
from hundi.parties.model import Served

TOO_HEAVY = Code(
    "EXCHANGE-TOO-HEAVY",
    Kind.RULE,
    "The documents that one message names have more bytes together than are read for it.",
)
CODES = (TOO_HEAVY,)
TRIAL = "trial"


def judge_call(legs: Sequence[NumberedRequest], world: World) -> tuple[Plan, ...] | Refused:
    """A plan for each exchange of a call, all on the same papers; or the faults of all of them."""
    if len(legs) == 1:
        [(place, request)] = legs
        judged = judge(request, world, place)
        return judged if isinstance(judged, Refused) else (judged,)
    each = [judge(request, world, place) for place, request in legs]
    refused = [one for one in each if isinstance(one, Refused)]
    if refused:
        return _together(refused)
    plans = tuple(one for one in each if isinstance(one, Plan))
    papers = world.papers.fork(sorted({key for one in plans for key in one.papers.documents}))
    for one in plans:
        for moving in one.moves:
            key = moving.document.key
            papers.documents[key] = one.papers.documents[key]
        one.papers = papers
    return plans


def _together(refused: Sequence[Refused]) -> Refused:
    """What is wrong with a call at the first stage where one of its exchanges fails, each fault once."""
    first = min(_stage(one) for one in refused)
    refused = [one for one in refused if _stage(one) == first]
    faults = each_once(fault for one in refused for fault in one.faults)
    return Refused(faults, refused[0].retry_after)


def _stage(refused: Refused) -> int:
    """Rights and what nobody knows, then what is busy, then where documents stand, then rules."""
    if refused.retry_after is not None:
        return 1
    kind, code = refused.faults[0].kind, refused.faults[0].code
    if code == parties.INACTIVE.name:
        return 0
    return 0 if kind in {Kind.RIGHTS, Kind.UNKNOWN} else 2 if kind is Kind.CONFLICT else 3


def judge(request: Request, world: World, place: int) -> Plan | Refused:
    """A plan, or the faults of the first stage that failed. `place` is the request's among all."""
    faults = tuple(_rights(request, world))
    if faults:
        return Refused(faults)
    if place in world.heavy:
        detail = "The documents named are too large together. Name fewer of them in one message."
        return Refused((TOO_HEAVY.at(request.message.subject, detail),))
    stood = moved_and_held(request, world, world.named.get(place, ()))
    off = tuple(_switched_off(request, world))
    if off and (isinstance(stood, Refused) or _needs_both(request, world, stood[0])):
        return Refused(off)
    if isinstance(stood, Refused):
        return Refused(told(stood.faults), stood.retry_after)
    moves, held = stood
    return _ruled(request, world, moves=moves, held=held)


def _rights(request: Request, world: World) -> Iterator[Fault]:
    sender = world.parties.get(request.sender_b2b)
    if sender is None or sender.client_id != request.client_id:
        yield _not_the_sender(request, world.parties.get(request.receiver_b2b))
        return
    for role, b2b_id in request.parties.items():
        if b2b_id not in world.parties:
            check = (
                "B2B ID" if b2b_id.endswith("@BCB") else "name, or have the operator register it"
            )
            detail = f"No {b2b_id} is on the network. Check the {check}."
            yield parties.UNKNOWN.at(request.path_of(role), detail)


def _switched_off(request: Request, world: World) -> Iterator[Fault]:
    for role in (request.message.sender, request.message.receiver):
        b2b_id = request.parties[role]
        if not world.parties[b2b_id].active:
            detail = f"{b2b_id} is switched off on the network."
            yield parties.INACTIVE.at(request.path_of(role), detail)


def _needs_both(request: Request, world: World, moves: Sequence[Moving]) -> bool:
    """Only what does not travel can do without its receiver: a withdrawal of what he never held."""
    return moves[0].travels or not world.parties[request.sender_b2b].active


def _not_the_sender(request: Request, other: Served | None) -> Fault:
    """Somebody else's B2B ID, or the client's own one in the other role."""
    message = request.message
    path = request.path_of(message.sender)
    named = message.route is None  # elsewhere the network has found the parties
    if named and other is not None and other.client_id == request.client_id:
        detail = (
            f"The {message.sender} sends {message.name}."
            f" Your client serves {other.b2b_id}, which is the {message.receiver} here."
        )
        return parties.WRONG_ROLE.at(path, detail)
    detail = f"Your client does not serve {request.sender_b2b}. Send as a B2B ID that it serves."
    return parties.NOT_YOURS.at(path, detail)


def _ruled(
    request: Request, world: World, *, moves: tuple[Moving, ...], held: tuple[Held, ...]
) -> Plan | Refused:
    """The last stage: the documents' own rules, and what they book."""
    context = _context(request, world, moves=moves, held=held)
    found = _findings(request, context)
    refusals, warnings = split((*told(found), *request.findings))
    if refusals:
        return _refused(refusals)
    booking = _booking(request, context, moves=moves, held=held)
    shut = tuple(_shut(moves[0], held, booking=booking, world=world))
    if shut:
        return Refused(shut, BUSY_RETRY)
    beyond = told(booking.beyond(world.papers.books))
    if beyond:
        return Refused(beyond)
    concerned = booking.concerned(one.ref for one in held)
    held = tuple(one for one in held if one.touched is not None or one.ref in concerned)
    plan = Plan(
        request=request,
        moves=moves,
        sender=world.parties[request.sender_b2b],
        receiver=world.parties[request.receiver_b2b],
        warnings=warnings,
        warned=_warned(held, (*found, *request.findings)),
        held=held,
        booking=booking,
        papers=_papers(world, moves, held),
        waits=moves[0].travels and not world.parties[request.receiver_b2b].mailbox,
    )
    return _tried(plan, world)


def _refused(refusals: tuple[Fault, ...]) -> Refused:
    """What has to be waited for is told alone: the rest may be another thing after it."""
    busy = tuple(fault for fault in refusals if fault.kind is Kind.BUSY)
    return Refused(busy, BUSY_RETRY) if busy else Refused(refusals)


def _shut(
    first: Moving, held: Sequence[Held], *, booking: Booking, world: World
) -> Iterator[Fault]:
    """What is booked on a document that the moved one refers to waits for what shuts that, too."""
    booked = {posting.ref for posting in booking.postings}
    for one in held:
        opened = world.opened(one.document) if one.ref in booked else None
        if opened is not None and opened.shuts(one.document.key):
            yield busy(first.touched.path, world.types[one.document.type], one.document)


def _context(
    request: Request, world: World, *, moves: Sequence[Moving], held: Sequence[Held]
) -> RuleContext:
    known = {b2b: world.party(b2b) for b2b in request.parties.values()}
    first = moves[0]
    views = {one.ref: world.view(one.document, one.ref) for one in held}
    for one in moves[1:]:
        if not _is_new(one):
            views[one.touched.path] = one.view
    return RuleContext(
        today=indian_date(world.now),
        parties=known,
        document=None if _is_new(first) else first.view,
        held=views,
        moved=tuple([one.touched.path for one in moves]),
        sharing=_sharing(world, first, other=request.receiver_b2b),
        drawn=world.papers.drawn(first.document.key, {one.document.key: one.ref for one in held}),
        sender=request.sender_b2b,
        receiver=request.receiver_b2b,
    )


def _sharing(world: World, first: Moving, *, other: str) -> tuple[Sharing, ...]:
    """Live documents that share the moved one's number; by name those of the same two parties."""
    if first.touched.shared is None:
        return ()
    author, type_, own = first.document.key
    rows = world.sharing.get((author, type_, first.touched.shared), ())
    entity = world.parties[other].entity_id
    return tuple(
        Sharing(
            object_id=row["object_id"] if row["counterparty_entity"] == entity else "",
            number=row["number"],
        )
        for row in rows
        if row["object_id"] != own and row["status"] not in first.kind.released
    )


def _is_new(one: Moving) -> bool:
    """A document that is sent for the first time, or anew because it was never held, has no past."""
    return one.creating or one.document.status == one.kind.initial


def _findings(request: Request, context: RuleContext) -> list[Fault]:
    """What the message's rules say; those that need only its body have spoken before."""
    return [f for rule in request.message.rules for f in rule(request.body, context)]


def _warned(held: Sequence[Held], found: Iterable[Fault]) -> frozenset[str]:
    """Where something odd was found about a document that somebody else has bought, told or not.

    A document's ref ends with the first place in a list: `payment.invoicesPayInfos[0]`.
    """
    bought = {one.ref for one in held if one.stakeholder is not None}
    if not bought:
        return frozenset()
    return frozenset(bought.intersection(f"{one.path.partition(']')[0]}]" for one in found))


def _booking(
    request: Request, context: RuleContext, *, moves: Sequence[Moving], held: Sequence[Held]
) -> Booking:
    message, first = request.message, moves[0]
    places = {one.ref: one.document.key for one in held}
    for one in moves:
        places[one.touched.path] = one.document.key
    return Booking(
        holder=first.document.key,
        path=first.touched.path,
        followed=frozenset(one.ref for one in held if one.touched is None),
        effect=first.move.effect,
        postings=message.postings(request.body, context),
        places=places,
        resolves=message.resolves(request.action),
        gives_back=bool(held) and first.move.target in first.kind.released,
    )


def _papers(world: World, moves: Sequence[Moving], held: Sequence[Held]) -> Papers:
    """The plan's own copies; of a document that is open, those that its exchange concerns too."""
    keys = {one.document.key for one in held}
    for moving in moves:
        opened = world.opened(moving.document)
        keys.add(moving.document.key)
        keys.update(opened.exchange.keys if opened is not None else ())
    papers = world.papers.fork(sorted(keys) if len(keys) > 1 else keys)
    for moving in moves:
        if moving.document is not moving.stored:  # else a copy is there already
            papers.documents[moving.document.key] = copy(moving.document)
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
    return Refused(told(faults)) if faults else plan
