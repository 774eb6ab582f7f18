"""The rows of one accepted call, before they are claimed and written. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hundi.exchange.answers import Resp, echo_ack, receipt_ack
from hundi.exchange.closing import Ending, unanswered
from hundi.exchange.conclude import conclude
from hundi.exchange.definition import Ack, Effect, VersionRule
from hundi.exchange.document import Document, PlannedMove, settle
from hundi.exchange.findings import each_once
from hundi.exchange.following import HELD
from hundi.exchange.journal import Step, append
from hundi.exchange.papers import Papers, guarded_accounts
from hundi.exchange.receipts import ENDED, new_receipt
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.request import Accepted, Request
from hundi.exchange.verdict import Kind
from hundi.exchange.world import Moving, Plan
from hundi.exchange.writes import Writes, holds_json, moves_json, warnings_json
from hundi.kernel.identity import RandomBytes, request_id
from hundi.kernel.lifetimes import Lifetimes
from hundi.ledger.model import Key

WARNED = "WARNED"
"""In the feed of a business that has bought a document: something odd was done with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When what is accepted now ends if nobody answers: a proposal, and a document that lapses."""

    now: int
    lifetimes: Lifetimes

    def ends(self, exchange: Exchange) -> int:
        """The end of an exchange's proposal, and of a document that it sends."""
        return self.now + self.lifetimes.of(stored_name(exchange.message))


@dataclass(slots=True, kw_only=True, eq=False)
class Draft:
    """Everything that accepting one call writes.

    `created` are documents to be inserted; `claims` those moves whose number must be alone;
    `abandons` the open proposals that it goes over.
    """

    place: int
    request: Request
    created: tuple[Document, ...]
    claims: tuple[Moving, ...]
    abandons: tuple[Ending, ...]
    accepted: Accepted
    writes: Writes


def draft(
    request: Request, plans: Sequence[Plan], *, place: int, times: Times, random: RandomBytes
) -> Draft:
    """Write nothing yet: decide every row of a call, one plan an exchange.

    Several are under one receipt, and on the same papers.
    """
    writes = Writes()
    receipt_id = request_id(times.now, random) if len(plans) > 1 else None
    exchanges: list[Exchange] = []
    abandons: list[Ending] = []
    for plan in plans:
        leader_id = _leader(plan, plans[0], exchanges)
        id_ = request_id(times.now, random)
        exchange = _exchange(plan, id_, receipt_id=receipt_id, leader_id=leader_id)
        abandons += _abandon(plan, writes, times.now)
        _accept(plan, writes, exchange=exchange, times=times)
        exchanges.append(exchange)
    papers = plans[0].papers
    if receipt_id is not None:
        new_receipt(
            writes,
            receipt_id,
            exchanges,
            waiting=sum(plan.waits for plan in plans),
            request=request,
            papers=papers,
            now=times.now,
        )
    moves = plans[0].moves if len(plans) == 1 else [one for plan in plans for one in plan.moves]
    created = {one.document.key for one in moves if one.stored is None}
    _leave(papers, writes, created=created, now=times.now)
    return Draft(
        place=place,
        request=request,
        created=tuple([papers.documents[key] for key in created]),
        claims=tuple([one for one in moves if one.touched.claim and one.claims]),
        abandons=tuple(abandons),
        accepted=_accepted(
            request, plans, receipt_id or exchanges[0].req_msg_id, abandoned=len(abandons)
        ),
        writes=writes,
    )


def _leader(plan: Plan, first: Plan, exchanges: Sequence[Exchange]) -> str | None:
    """The first exchange of the call, where a plan follows it and it waits: then this one waits too."""
    if not (plan.request.follows and first.waits):
        return None
    plan.waits = True
    return exchanges[0].req_msg_id


def _exchange(
    plan: Plan, req_msg_id: str, *, receipt_id: str | None, leader_id: str | None
) -> Exchange:
    request = plan.request
    return Exchange(
        req_msg_id=req_msg_id,
        receipt_id=receipt_id,
        leader_id=leader_id,
        message=request.message,
        effect=plan.first.move.effect,
        client_id=request.client_id,
        sender_b2b=request.sender_b2b,
        sender_mailbox=plan.sender.mailbox,
        receiver_b2b=request.receiver_b2b,
        receiver_client=plan.receiver.client_id,
        # What does not travel reaches no mailbox either.
        receiver_mailbox=plan.receiver.mailbox and plan.first.travels,
        moves=tuple([_planned(plan, one) for one in plan.moves]),
        holds=tuple([one.document.key for one in plan.held]),
        booked=not plan.booking.empty,
        idempotency_key=request.idempotency_key,
        raw=request.raw,
        trace=request.trace,
    )


def _planned(plan: Plan, one: Moving) -> PlannedMove:
    document = one.document
    return PlannedMove(
        author_entity=document.author_entity,
        type=document.type,
        object_id=document.object_id,
        source=one.move.source,
        target=one.move.target,
        version=one.move.version,
        new_version=document.next_version if one.edits else document.version,
        number=one.touched.number,
        claim=one.touched.claim or document.claim,
        shuts=one.settles_content or plan.request.action in one.kind.shut_by,
        resolves=plan.booking.resolves if one is plan.first else None,
        hastens=one.touched.hastens,
    )


def _abandon(plan: Plan, writes: Writes, now: int) -> list[Ending]:
    """Give up the sender's own open proposals in the same transaction, where this goes over them."""
    overs = {one.over.exchange.req_msg_id: one.over for one in plan.moves if one.over is not None}
    if not overs:
        return []
    endings = [unanswered(req_msg_id, State.ABANDONED) for req_msg_id in overs]
    for ending in endings:
        conclude(
            writes,
            overs[ending.req_msg_id].exchange,
            papers=plan.papers,
            state=ending.state,
            resp=ending.resp,
            reached=overs[ending.req_msg_id].reached,
            now=now,
        )
    return endings


def _accept(plan: Plan, writes: Writes, *, exchange: Exchange, times: Times) -> None:
    """What the ack of one exchange does to its documents, and who is told."""
    for one in plan.moves:
        _take_content(plan, writes, one, exchange=exchange, ends=times.ends(exchange))
    _take_effect(plan, writes, exchange=exchange, now=times.now)
    about = _note(plan, writes, exchange=exchange, now=times.now)
    if plan.waits:
        _queue(writes, exchange, about)
    else:
        _settle_at_once(plan, writes, exchange=exchange, now=times.now)
    _record(plan, writes, exchange=exchange, times=times)


def _take_content(
    plan: Plan, writes: Writes, one: Moving, *, exchange: Exchange, ends: int
) -> None:
    """A document that is sent has the message's content at once, and a time to be answered in.

    A repeated `req-send` lets its old number go where it brings another one.
    """
    if one.move.version is not VersionRule.FIRST:
        return
    document = plan.papers.documents[one.document.key]
    document.body_id = exchange.req_msg_id
    if one.stored is not None and one.claims is not None:
        writes.release(document, one.stored.claim)
    if one.touched.shared is not None:
        writes.share(document, one.touched.shared)
    if one.kind.lapses:
        writes.deadlines.append((*document.key, ends))


def _take_effect(plan: Plan, writes: Writes, *, exchange: Exchange, now: int) -> None:
    """The documents at the ack: a fact has taken effect, a proposal keeps them busy; amounts are booked."""
    documents = plan.papers.documents
    for move in exchange.moves:
        document, kind = documents[move.key], plan.papers.kind(move.key)
        if exchange.effect is Effect.FACT:
            after = settle(document, move, body_id=exchange.req_msg_id, kind=kind, now=now)
            documents[move.key] = after
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
    writes.restated(plan.papers.told(about), req_msg_id=id_)
    if len(about) > 1:
        _relate(plan, writes, about)
        _warn_stakeholders(plan, writes, id_)
    return about


def _warn_stakeholders(plan: Plan, writes: Writes, req_msg_id: str) -> None:
    """Who has bought a document hears of what is odd about what is done with it."""
    for one in plan.held:
        if one.stakeholder is not None and one.ref in plan.warned:
            document = plan.papers.documents[one.document.key]
            writes.event(
                one.stakeholder.client_id, WARNED, req_msg_id=req_msg_id, document=document
            )


def _relate(plan: Plan, writes: Writes, about: Sequence[Document]) -> None:
    """What the message is about refers to what it holds; what is made beside it refers to it."""
    first, *others = about
    named = {one.document.key for one in plan.held if one.touched is not None}
    writes.relate(first, [one for one in others if one.key in named])
    made = {one.document.key for one in plan.moves if one.move.version is VersionRule.FIRST}
    for one in others:
        if one.key in made:
            writes.relate(one, [first])


def _queue(writes: Writes, exchange: Exchange, about: Sequence[Document]) -> None:
    """The `req-X`; that of a follower is held, and a mailbox gets none."""
    if exchange.receiver_mailbox:
        return
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
        trace=exchange.trace,
        **({} if exchange.leader_id is None else {"state": HELD}),
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


def _leave(papers: Papers, writes: Writes, *, created: Collection[Key], now: int) -> None:
    """Leave the documents and their books to be written; those that are created are inserted."""
    writes.documents += [one for key, one in papers.documents.items() if key not in created]
    if papers.books.touched:
        writes.book(papers.books, guarded_accounts(papers.types), now)


def _record(plan: Plan, writes: Writes, *, exchange: Exchange, times: Times) -> None:
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
            times.now,
            times.ends(exchange) if proposal else None,
            None if plan.waits else times.now,
            exchange.receipt_id,
            exchange.leader_id,
            exchange.sender_mailbox,
            exchange.trace,
        )
    )


def _accepted(
    request: Request, plans: Sequence[Plan], req_msg_id: str, *, abandoned: int
) -> Accepted:
    """The answer to the call: about its one exchange, or about the receipt of several."""
    waiting = sum(plan.waits for plan in plans)
    resp = Resp(req_msg_id, "PENDING" if waiting else "SUCCESS")
    echo = request.message.ack is Ack.ECHO
    over = State.SETTLED.value if len(plans) == 1 else ENDED
    warnings = plans[0].warnings
    if len(plans) > 1:
        warnings = each_once(fault for plan in plans for fault in plan.warnings)
    return Accepted(
        req_msg_id=req_msg_id,
        response=echo_ack(request.parts, resp) if echo else receipt_ack(req_msg_id),
        warnings=warnings_json(warnings),
        state=State.OPEN.value if waiting else over,
        replayed=False,
        exchanges=len(plans),
        waiting=waiting,
        abandoned=abandoned,
    )
