"""The rows of one accepted request, before they are claimed and written. Pure."""

from copy import copy
from dataclasses import dataclass

from hundi.exchange.answers import Resp, echo_ack, receipt_ack
from hundi.exchange.closing import Ending, unanswered
from hundi.exchange.conclude import conclude
from hundi.exchange.definition import Ack, Effect, VersionRule
from hundi.exchange.document import Document, PlannedMove, settle
from hundi.exchange.journal import Step, append
from hundi.exchange.judge import Plan
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import Writes, lane, moves_json, warnings_json
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
    document, abandons = _abandon(plan, writes, now)
    claims = _claim(plan, writes, document=document, exchange=exchange)
    document = _open(plan, writes, document=document, exchange=exchange, now=now)
    if plan.waits:
        _queue(writes, exchange, document)
    else:
        document = _settle_at_once(plan, writes, document=document, exchange=exchange, now=now)
    _record(plan, writes, exchange=exchange, now=now, expires=expires)
    if not plan.creating:
        writes.documents.append(document)
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
    move = PlannedMove(
        author_entity=document.author_entity,
        type=document.type,
        object_id=document.object_id,
        source=plan.move.source,
        target=plan.move.target,
        version=plan.move.version,
        new_version=touched.new_version,
        number=touched.number,
        claim=touched.claim or document.claim,
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
        idempotency_key=request.idempotency_key,
        raw=request.raw,
    )


def _abandon(plan: Plan, writes: Writes, now: int) -> tuple[Document, Ending | None]:
    """Give up the sender's own open proposal in the same transaction, where this goes over it."""
    if plan.over is None:
        return copy(plan.document), None
    opened = plan.over.exchange
    ending = unanswered(opened.req_msg_id, State.ABANDONED)
    document = conclude(
        writes,
        opened,
        document=plan.document,
        kind=plan.kind,
        state=ending.state,
        resp=ending.resp,
        reached=plan.over.reached,
        now=now,
    )
    return document, ending


def _claim(plan: Plan, writes: Writes, *, document: Document, exchange: Exchange) -> str | None:
    """The number to claim, and for a repeated `req-send` the old one let go."""
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


def _open(
    plan: Plan, writes: Writes, *, document: Document, exchange: Exchange, now: int
) -> Document:
    """The document at the ack: a fact has taken effect, a proposal keeps it busy."""
    if exchange.effect is Effect.FACT:
        [move] = exchange.moves
        before = document.claim
        document = settle(document, move, body_id=exchange.req_msg_id, kind=plan.kind)
        if before != document.claim:
            writes.release(document, before)
    elif plan.waits:
        document.open_exchange = exchange.req_msg_id
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
    writes.event(
        exchange.client_id, Step.ACCEPTED.value, req_msg_id=exchange.req_msg_id, document=document
    )
    return document


def _queue(writes: Writes, exchange: Exchange, document: Document) -> None:
    writes.webhook(
        Kind.REQUEST,
        webhook_id=exchange.req_msg_id,
        req_msg_id=exchange.req_msg_id,
        effect=exchange.effect.value,
        receiver_b2b=exchange.receiver_b2b,
        client_id=exchange.receiver_client,
        lane=lane(exchange.receiver_b2b, document),
        position=document.head_sequence,
        path=exchange.message.forward,
        body_id=exchange.req_msg_id,
        idempotency_key=None,
        now=document.updated_at,
    )


def _settle_at_once(
    plan: Plan, writes: Writes, *, document: Document, exchange: Exchange, now: int
) -> Document:
    """Nothing is left to wait for: a mailbox holds what reaches it, a withdrawal did not travel."""
    return conclude(
        writes,
        exchange,
        document=document,
        kind=plan.kind,
        state=State.SETTLED,
        resp=Resp(exchange.req_msg_id, "SUCCESS"),
        reached=False,
        now=now,
    )


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
