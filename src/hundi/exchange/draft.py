"""The rows of one accepted request, before they are claimed and written. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hundi.exchange.answers import Resp, echo_ack, receipt_ack
from hundi.exchange.closing import Ending, unanswered
from hundi.exchange.conclude import conclude
from hundi.exchange.definition import Ack, Effect, VersionRule
from hundi.exchange.document import Document, PlannedMove, settle
from hundi.exchange.journal import Step, append
from hundi.exchange.papers import guarded_accounts
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Kind
from hundi.exchange.world import Plan
from hundi.exchange.writes import Writes, holds_json, moves_json, warnings_json
from hundi.kernel.identity import RandomBytes, request_id


@dataclass(slots=True, kw_only=True, eq=False)
class Draft:
    """Everything that accepting one request writes.

    `claims` is the number that the document must be alone with, None where it has it already;
    `abandons` the open proposal that this one goes over.
    """

    place: int
    plan: Plan
    document: Document
    accepted: Accepted
    writes: Writes
    claims: str | None
    abandons: Ending | None


def draft(plan: Plan, *, place: int, now: int, expires: int, random: RandomBytes) -> Draft:
    """Write nothing yet: decide every row. `expires` counts for proposals only."""
    writes = Writes()
    exchange = _exchange(plan, request_id(now, random))
    abandons = _abandon(plan, writes, now)
    claims = _claim(plan, writes, exchange)
    _take_effect(plan, writes, exchange=exchange, now=now)
    about = _note(plan, writes, exchange=exchange, now=now)
    if plan.waits:
        _queue(writes, exchange, about)
    else:
        _settle_at_once(plan, writes, exchange=exchange, now=now)
    _record(plan, writes, exchange=exchange, now=now, expires=expires)
    document = _leave(plan, writes, now)
    return Draft(
        place=place,
        plan=plan,
        document=document,
        accepted=_accepted(plan, exchange),
        writes=writes,
        claims=claims,
        abandons=abandons,
    )


def _exchange(plan: Plan, req_msg_id: str) -> Exchange:
    request, document, touched = plan.request, plan.document, plan.touched
    edits = plan.move.version is VersionRule.NEXT
    move = PlannedMove(
        author_entity=document.author_entity,
        type=document.type,
        object_id=document.object_id,
        source=plan.move.source,
        target=plan.move.target,
        version=plan.move.version,
        new_version=document.next_version if edits else document.version,
        number=touched.number,
        claim=touched.claim or document.claim,
        shuts=edits or request.action in plan.kind.shut_by,
    )
    return Exchange(
        req_msg_id=req_msg_id,
        message=request.message,
        effect=plan.move.effect,
        client_id=request.client_id,
        sender_b2b=request.sender_b2b,
        sender_mailbox=plan.sender.mailbox,
        receiver_b2b=request.receiver_b2b,
        receiver_client=plan.receiver.client_id,
        receiver_mailbox=plan.receiver.mailbox,
        moves=(move,),
        holds=tuple(one.document.key for one in plan.held),
        booked=not plan.booking.empty,
        idempotency_key=request.idempotency_key,
        raw=request.raw,
    )


def _abandon(plan: Plan, writes: Writes, now: int) -> Ending | None:
    """Give up the sender's own open proposal in the same transaction, where this goes over it."""
    if plan.over is None:
        return None
    opened = plan.over.exchange
    ending = unanswered(opened.req_msg_id, State.ABANDONED)
    conclude(
        writes,
        opened,
        papers=plan.papers,
        state=ending.state,
        resp=ending.resp,
        reached=plan.over.reached,
        now=now,
    )
    return ending


def _claim(plan: Plan, writes: Writes, exchange: Exchange) -> str | None:
    """The number to claim, and for a repeated `req-send` the old one let go."""
    document = plan.papers.documents[plan.document.key]
    if plan.move.version is VersionRule.FIRST:
        document.body_id = exchange.req_msg_id
    wanted = plan.touched.claim
    if plan.creating:
        return wanted
    if wanted is None or wanted == plan.held_claim:
        return None
    if plan.move.version is VersionRule.FIRST:
        writes.release(document, plan.held_claim)
    return wanted


def _take_effect(plan: Plan, writes: Writes, *, exchange: Exchange, now: int) -> None:
    """The document at the ack: a fact has taken effect, a proposal keeps it busy; amounts are booked."""
    [move] = exchange.moves
    document = plan.papers.documents[move.key]
    if exchange.effect is Effect.FACT:
        after = settle(document, move, body_id=exchange.req_msg_id, kind=plan.kind, now=now)
        plan.papers.documents[move.key] = after
        if document.claim != after.claim:
            writes.release(after, document.claim)
    elif plan.waits:
        document.open_exchange = exchange.req_msg_id
    plan.booking.write(plan.papers, req_msg_id=exchange.req_msg_id, now=now)


def _note(plan: Plan, writes: Writes, *, exchange: Exchange, now: int) -> list[Document]:
    """Journal the acceptance on every document that it concerns, in the body's order."""
    about = [plan.papers.documents[key] for key in exchange.keys]
    for document in about:
        writes.journal.append(
            append(
                document,
                Step.ACCEPTED,
                message=stored_name(exchange.message),
                req_msg_id=exchange.req_msg_id,
                digest=plan.request.digest,
                now=now,
            )
        )
    id_, kind = exchange.req_msg_id, Step.ACCEPTED.value
    writes.event(exchange.client_id, kind, req_msg_id=id_, document=about[0])
    named = {one.document.key for one in plan.held if one.touched is not None}
    writes.relate(about[0], [one for one in about[1:] if one.key in named])
    return about


def _queue(writes: Writes, exchange: Exchange, about: Sequence[Document]) -> None:
    writes.webhook(
        Kind.REQUEST,
        about,
        webhook_id=exchange.req_msg_id,
        req_msg_id=exchange.req_msg_id,
        effect=exchange.effect.value,
        receiver_b2b=exchange.receiver_b2b,
        client_id=exchange.receiver_client,
        path=exchange.message.forward,
        body_id=exchange.req_msg_id,
        idempotency_key=None,
    )


def _settle_at_once(plan: Plan, writes: Writes, *, exchange: Exchange, now: int) -> None:
    """Nothing is left to wait for: a mailbox holds what reaches it, a withdrawal did not travel."""
    conclude(
        writes,
        exchange,
        papers=plan.papers,
        state=State.SETTLED,
        resp=Resp(exchange.req_msg_id, "SUCCESS"),
        reached=False,
        now=now,
    )


def _leave(plan: Plan, writes: Writes, now: int) -> Document:
    """Leave the documents and their books to be written; the one that the request moves."""
    papers = plan.papers
    moved = papers.documents[plan.document.key]
    others = [one for one in papers.documents.values() if one is not moved]
    writes.documents += others if plan.creating else [moved, *others]
    writes.book(papers.books, guarded_accounts(papers.types), now)
    return moved


def _record(plan: Plan, writes: Writes, *, exchange: Exchange, now: int, expires: int) -> None:
    proposal = exchange.effect is Effect.PROPOSAL
    writes.bodies.append((exchange.req_msg_id, exchange.raw))
    writes.exchanges.append(
        (
            exchange.req_msg_id,
            stored_name(exchange.message),
            exchange.client_id,
            exchange.sender_b2b,
            exchange.receiver_b2b,
            exchange.receiver_client,
            exchange.receiver_mailbox,
            exchange.effect.value,
            (State.OPEN if plan.waits else State.SETTLED).value,
            moves_json(exchange.moves),
            holds_json(exchange.holds),
            exchange.booked,
            warnings_json(plan.warnings),
            exchange.idempotency_key,
            "PENDING" if plan.waits else "SUCCESS",
            "",
            "",
            "",
            now,
            expires if proposal else None,
            None if plan.waits else now,
        )
    )


def _accepted(plan: Plan, exchange: Exchange) -> Accepted:
    resp = Resp(exchange.req_msg_id, "PENDING" if plan.waits else "SUCCESS")
    echo = exchange.message.ack is Ack.ECHO
    return Accepted(
        req_msg_id=exchange.req_msg_id,
        response=echo_ack(plan.request.parts, resp) if echo else receipt_ack(exchange.req_msg_id),
        warnings=warnings_json(plan.warnings),
        state=(State.OPEN if plan.waits else State.SETTLED).value,
        replayed=False,
    )
