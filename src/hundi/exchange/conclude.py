"""What the end of an exchange writes: the documents after it, the journal, the two webhooks. Pure."""

import hashlib
from copy import copy

from hundi.exchange.answers import Resp, outcome_body
from hundi.exchange.closing import Ending
from hundi.exchange.definition import Effect
from hundi.exchange.document import Document, PlannedMove, may_hold, settle
from hundi.exchange.journal import Step, append
from hundi.exchange.papers import Papers
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import Writes
from hundi.kernel.identity import receiver_copy_id, response_id
from hundi.ledger.model import Phase

_UNANSWERED = {State.EXPIRED, State.ABANDONED}


def conclude(
    writes: Writes,
    exchange: Exchange,
    *,
    papers: Papers,
    state: State,
    resp: Resp,
    reached: bool,
    now: int,
) -> None:
    """End an exchange so: its documents change in `papers`, every other row goes to `writes`.

    `reached` says whether the request may have reached the receiver: then it is told of an end that
    it did not decide, and is shown in its feed.
    """
    for move in exchange.moves:
        before = papers.documents[move.key]
        after = _moved(
            exchange, before, move=move, papers=papers, state=state, reached=reached, now=now
        )
        papers.documents[move.key] = after
        _settle_claims(writes, before=before, after=after, move=move)
        if state is State.SETTLED:
            writes.deadlines += [(*key, now) for key in move.hastens]
    _settle_books(exchange, papers, state=state, now=now)
    about = [papers.documents[key] for key in exchange.keys]
    payload = outcome_body(exchange.raw, exchange.message.informs, resp)
    step = _step(exchange, state)
    for document in about:
        writes.journal.append(
            append(
                document,
                step,
                message=stored_name(exchange.message),
                req_msg_id=exchange.req_msg_id,
                digest=hashlib.sha256(payload).digest(),
                detail=resp.error_code,
                now=now,
            )
        )
    copied = state in _UNANSWERED and reached and not exchange.receiver_mailbox
    _inform(writes, exchange, about=about, payload=payload, copied=copied)
    told = {exchange.client_id}
    if reached or (exchange.receiver_mailbox and state is State.SETTLED):
        told.add(exchange.receiver_client)
    for client_id in sorted(told):
        writes.event(client_id, step.value, req_msg_id=exchange.req_msg_id, document=about[0])
    writes.restated(papers.told(about), req_msg_id=exchange.req_msg_id)


def _moved(
    exchange: Exchange,
    document: Document,
    *,
    move: PlannedMove,
    papers: Papers,
    state: State,
    reached: bool,
    now: int,
) -> Document:
    after = copy(document)
    kind = papers.kind(move.key)
    if exchange.effect is Effect.FACT:
        _react(exchange, after, papers=papers, state=state, now=now)
    elif state is State.SETTLED:
        after = settle(document, move, body_id=exchange.req_msg_id, kind=kind, now=now)
    if state in _UNANSWERED and reached:
        after = may_hold(document, move)
    if after.open_exchange == exchange.req_msg_id:
        after.open_exchange = None
    return after


def _react(
    exchange: Exchange, document: Document, *, papers: Papers, state: State, now: int
) -> None:
    """A fact has taken effect; its life cycle may have a row for what the other side answered."""
    on = exchange.message.inform.rpartition("/")[2]
    action = "SUCCESS" if state is State.SETTLED else "FAILURE"
    row = papers.kind(document.key).move(on=on, action=action, view=document.view())
    if row is not None:
        document.become(row.target, now)


def _settle_books(exchange: Exchange, papers: Papers, *, state: State, now: int) -> None:
    """Post what was reserved where the exchange has settled, void it where not; derive statuses."""
    proposal, settled = exchange.effect is Effect.PROPOSAL, state is State.SETTLED
    if exchange.booked and proposal:
        papers.end(exchange.req_msg_id, Phase.POSTED if settled else Phase.VOID)
    touched = set(exchange.keys) if exchange.booked else set()
    for move in exchange.moves if proposal and settled else ():
        if papers.kind(move.key).derive is not None:  # nothing may be due, and nothing was booked
            touched.add(move.key)
        if move.resolves is not None:
            touched |= papers.resolve(move.key, Phase.POSTED if move.resolves else Phase.VOID)
        if move.target in papers.kind(move.key).released:
            touched |= papers.give_back(move.key, exchange.req_msg_id)
    holder = exchange.moves[0].key
    papers.derive(touched, holder=holder, req_msg_id=exchange.req_msg_id, now=now)


def note_late(
    writes: Writes, exchange: Exchange, *, papers: Papers, ending: Ending, now: int
) -> None:
    """Journal an answer that came after the end; nothing else changes."""
    key = exchange.moves[0].key
    after = papers.documents[key] = copy(papers.documents[key])
    writes.journal.append(
        append(
            after,
            Step.LATE,
            message=stored_name(exchange.message),
            req_msg_id=exchange.req_msg_id,
            digest=hashlib.sha256(ending.resp.result.encode()).digest(),
            detail=ending.resp.result,
            now=now,
        )
    )


def _settle_claims(writes: Writes, *, before: Document, after: Document, move: PlannedMove) -> None:
    """Free the numbers that no version in force or in flight needs any more."""
    for claim in {before.claim, move.claim} - {after.claim}:
        writes.release(after, claim)


def _step(exchange: Exchange, state: State) -> Step:
    if state is State.DECLINED and exchange.effect is Effect.FACT:
        return Step.DISPUTED
    return Step(state.value)


def _inform(
    writes: Writes, exchange: Exchange, *, about: list[Document], payload: bytes, copied: bool
) -> None:
    """Queue `resp-X` to the sender, and its copy to a receiver that may hold the request."""
    if len(about) > 1:
        writes.freed.append((exchange.req_msg_id,))
    body_id = response_id(exchange.req_msg_id)
    receivers: list[tuple[Kind, str, str, str]] = []
    # The sender of a call to several receivers hears once, when all of its exchanges have ended.
    if not exchange.sender_mailbox and exchange.receipt_id is None:
        receivers.append((Kind.RESPONSE, body_id, exchange.sender_b2b, exchange.client_id))
    if copied:
        copy_id = receiver_copy_id(exchange.req_msg_id)
        receivers.append((Kind.COPY, copy_id, exchange.receiver_b2b, exchange.receiver_client))
    if receivers:
        writes.bodies.append((body_id, payload))
    for kind, webhook_id, b2b_id, client_id in receivers:
        writes.webhook(
            kind,
            about,
            webhook_id=webhook_id,
            req_msg_id=exchange.req_msg_id,
            effect=exchange.effect.value,
            receiver_b2b=b2b_id,
            client_id=client_id,
            path=exchange.message.inform,
            body_id=body_id,
            idempotency_key=exchange.idempotency_key if kind is Kind.RESPONSE else None,
            trace=exchange.trace,
        )
