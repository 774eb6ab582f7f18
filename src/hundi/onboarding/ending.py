"""How a registration ends: with the right code, the fifth wrong one, its day, or its client."""

from collections.abc import Mapping

import sqlalchemy as sa

from hundi.exchange.answers import Resp
from hundi.exchange.closing import Ending, close_exchanges
from hundi.exchange.record import State
from hundi.exchange.tables import body, exchange
from hundi.exchange.writes import Writes
from hundi.kernel.faults import Fault
from hundi.onboarding import queries
from hundi.onboarding.calls import REGISTER_ENTITY, Told, answer_body, inform
from hundi.onboarding.model import Status
from hundi.onboarding.tables import candidate, registration
from hundi.store.engine import Row, Transaction


async def raw_of(tx: Transaction, req_msg_id: str) -> bytes | None:
    """What was registered, as it came; None where it was erased."""
    rows = await tx.select(sa.select(body.c.bytes).where(body.c.body_id == req_msg_id))
    return bytes(rows[0]["bytes"]) if rows else None


async def end(tx: Transaction, row: Row, *, state: State, fault: Fault | None) -> Mapping[str, int]:
    """End a registration: its exchange, the candidate's status, the webhook.

    Of one whose content was erased the webhook carries the outcome, and no echo. How many exchanges it
    ends, by the state that they enter. Where the exchange has left OPEN before (none), its outcome was
    told by whoever ended it, and is told by nobody else.
    """
    req_msg_id, client_id = row["req_msg_id"], row["client_id"]
    if fault is None:
        resp = Resp(req_msg_id, "SUCCESS")
    else:
        resp = Resp(req_msg_id, "FAILURE", fault.code, fault.detail, fault.path)
    await _write_down(tx, row, state)
    writes = Writes()
    ending = Ending(req_msg_id=req_msg_id, state=state, resp=resp, by_attempt=True, reached=False)
    if not await close_exchanges(tx, [ending], writes):
        return {}
    exchange_row = await _exchange(tx, req_msg_id)
    told = Told(state=state, resp=resp, members={})
    inform(
        writes,
        REGISTER_ENTITY,
        req_msg_id=req_msg_id,
        client_id=client_id,
        mailbox=await queries.is_mailbox(tx, client_id),
        idempotency_key=exchange_row["idempotency_key"],
        answer=answer_body(REGISTER_ENTITY, await raw_of(tx, req_msg_id), told),
        trace=exchange_row["trace"],
        now=tx.now,
    )
    await writes.flush(tx)
    return writes.entered


async def _write_down(tx: Transaction, row: Row, state: State) -> None:
    """The registration's end, without its code, and what the candidate is now."""
    r, c = registration.c, candidate.c
    ended = {"code_salt": None, "code_hash": None, "code_expires_at": None}
    mine = r.req_msg_id == row["req_msg_id"]
    await tx.execute(sa.update(registration).where(mine).values(state=state.value, **ended))
    status = Status.ACTIVE if state is State.SETTLED else Status.CHECKED
    await tx.execute(
        sa.update(candidate)
        .where(c.client_id == row["client_id"], c.object_id == row["object_id"])
        .values(status=status.value, registration=None, updated_at=tx.now)
    )


async def _exchange(tx: Transaction, req_msg_id: str) -> Row:
    """The idempotency key and the trace of a registration's exchange."""
    x = exchange.c
    query = sa.select(x.idempotency_key, x.trace).where(x.req_msg_id == req_msg_id)
    [row] = await tx.select(query)
    return row
