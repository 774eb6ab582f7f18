"""What the end of an exchange writes: the document after it, the journal, the two webhooks. Pure."""

import hashlib
from copy import copy

from hundi.exchange.answers import Resp, parts_of, response_body
from hundi.exchange.definition import DocumentType, Effect
from hundi.exchange.document import Document, PlannedMove, may_hold, settle
from hundi.exchange.journal import Step, append
from hundi.exchange.record import Exchange, State, stored_name
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import Writes, lane
from hundi.kernel.identity import receiver_copy_id, response_id

_UNANSWERED = {State.EXPIRED, State.ABANDONED}


def conclude(
    writes: Writes,
    exchange: Exchange,
    *,
    document: Document,
    kind: DocumentType,
    state: State,
    resp: Resp,
    reached: bool,
    now: int,
) -> Document:
    """The document after an exchange ended so; every other row goes to `writes`.

    `reached` says whether the request may have reached the receiver: then it is told of an end that
    it did not decide, and is shown in its feed.
    """
    [move] = exchange.moves
    after = _moved(exchange, document, kind=kind, state=state, reached=reached)
    _settle_claims(writes, before=document, after=after, move=move)
    payload = response_body(parts_of(exchange.raw, exchange.message.subject), resp)
    step = _step(exchange, state)
    writes.journal.append(
        append(
            after,
            step,
            message=stored_name(exchange.message),
            req_msg_id=exchange.req_msg_id,
            digest=hashlib.sha256(payload).digest(),
            detail=resp.error_code,
            now=now,
        )
    )
    copied = state in _UNANSWERED and reached and not exchange.receiver_mailbox
    _inform(writes, exchange, document=after, payload=payload, copied=copied)
    told = {exchange.client_id}
    if reached or exchange.receiver_mailbox:
        told.add(exchange.receiver_client)
    for client_id in sorted(told):
        writes.event(client_id, step.value, req_msg_id=exchange.req_msg_id, document=after)
    return after


def _moved(
    exchange: Exchange, document: Document, *, kind: DocumentType, state: State, reached: bool
) -> Document:
    [move] = exchange.moves
    after = copy(document)
    if exchange.effect is Effect.PROPOSAL and state is State.SETTLED:
        after = settle(document, move, body_id=exchange.req_msg_id, kind=kind)
    elif state in _UNANSWERED and reached:
        after = may_hold(document, move)
    if after.open_exchange == exchange.req_msg_id:
        after.open_exchange = None
    return after


def _settle_claims(writes: Writes, *, before: Document, after: Document, move: PlannedMove) -> None:
    """Free the numbers that no version in force or in flight needs any more."""
    for claim in {before.claim, move.claim} - {after.claim}:
        writes.release(after, claim)


def _step(exchange: Exchange, state: State) -> Step:
    if state is State.DECLINED and exchange.effect is Effect.FACT:
        return Step.DISPUTED
    return Step(state.value)


def _inform(
    writes: Writes, exchange: Exchange, *, document: Document, payload: bytes, copied: bool
) -> None:
    """Queue `resp-X` to the sender, and its copy to a receiver that may hold the request."""
    body_id = response_id(exchange.req_msg_id)
    receivers: list[tuple[Kind, str, str, str]] = []
    if not exchange.sender_mailbox:
        receivers.append((Kind.RESPONSE, body_id, exchange.sender_b2b, exchange.client_id))
    if copied:
        copy_id = receiver_copy_id(exchange.req_msg_id)
        receivers.append((Kind.COPY, copy_id, exchange.receiver_b2b, exchange.receiver_client))
    if receivers:
        writes.bodies.append((body_id, payload))
    for kind, webhook_id, b2b_id, client_id in receivers:
        writes.webhook(
            kind,
            webhook_id=webhook_id,
            req_msg_id=exchange.req_msg_id,
            effect=exchange.effect.value,
            receiver_b2b=b2b_id,
            client_id=client_id,
            lane=lane(b2b_id, document),
            position=document.head_sequence,
            path=exchange.message.inform,
            body_id=body_id,
            idempotency_key=exchange.idempotency_key if kind is Kind.RESPONSE else None,
            now=document.updated_at,
        )
