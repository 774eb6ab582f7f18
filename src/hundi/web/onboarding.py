"""Our own calls of onboarding: a call's outcome, the ownership code, switching a B2B ID.

What is answered is read in the transaction that writes: a read behind its commit could fail, and
tell to send again what was done.
"""

import asyncio
from functools import partial
from typing import Any

from litestar import Request, get, post

from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.fields import Strict
from hundi.kernel.reading import read
from hundi.onboarding import ownership, queries, switching
from hundi.parties.queries import party_of
from hundi.store.engine import Transaction
from hundi.web.asgi import check_json, headers_of
from hundi.web.context import Answer, ClientId, Context, Network, Segment, answer
from hundi.web.problems import segment


class CodeBody(Strict, frozen=True, kw_only=True):
    """What comes back from the contact: `{"code": "123456"}`."""

    code: ownership.Digits


@get("/onboarding/{req_msg_id:str}")
async def read_onboarding(network: Network, client_id: ClientId, req_msg_id: Segment) -> Answer:
    """One onboarding call with its answer, for clients that poll too."""
    ask = partial(queries.call, client_id=client_id, req_msg_id=segment(req_msg_id))
    return answer(await network.read(ask))


@post("/onboarding/{req_msg_id:str}/code")
async def give_code(
    request: Request[Any, str, Any],
    network: Network,
    client_id: ClientId,
    *,
    req_msg_id: Segment,
) -> Answer:
    """Prove ownership with the code that the contact was sent; 200 when the entity is ACTIVE."""
    check_json(headers_of(request.scope))  # type: ignore[arg-type]
    given = read(await request.body(), CodeBody).code
    id_ = segment(req_msg_id)
    # Of each client one at a time: a thousand guesses at once would be hashed, slowly, for nothing.
    async with network.proving[client_id]:
        faults, shown = await _judged(network, client_id, id_, given=given)
    network.wake()  # right or wrong, it may have been the end
    if faults:
        raise RefusedError(faults)
    return answer(shown)


async def _judged(
    network: Context, client_id: str, req_msg_id: str, *, given: str
) -> tuple[tuple[Fault, ...], object]:
    """Compare a given code with the one that was sent; a registration that has ended hashes none.

    Faults, or what is to be shown.
    """
    ask = partial(ownership.salt_of, client_id=client_id, req_msg_id=req_msg_id)
    salt = await network.read(ask)
    hashed = await asyncio.to_thread(ownership.slow_hash, given, salt)

    async def judge(tx: Transaction) -> tuple[tuple[Fault, ...], object]:
        faults = await ownership.confirm(
            tx, client_id, req_msg_id, hashed=hashed, random=network.random
        )
        return faults, None if faults else await queries.call(tx, client_id, req_msg_id)

    return await network.write(judge)


@post("/onboarding/{req_msg_id:str}/resend")
async def resend_code(network: Network, client_id: ClientId, req_msg_id: Segment) -> Answer:
    """Send the contact another code; the one before stops counting when it leaves."""
    id_ = segment(req_msg_id)

    async def another(tx: Transaction) -> object:
        await ownership.resend(tx, client_id, id_)
        return await queries.call(tx, client_id, id_)

    shown = await network.write(another)
    network.wake_codes()
    return answer(shown, 202)


@post("/parties/{b2b_id:str}/deactivate")
async def deactivate(network: Network, client_id: ClientId, b2b_id: Segment) -> Answer:
    """Switch a B2B ID off: new requests are refused, open ones finish."""
    ends = switching.ends_of(network.settler.types.values())
    id_ = segment(b2b_id)

    async def off(tx: Transaction) -> object:
        await switching.deactivate(tx, client_id, id_, ends=ends)
        return await party_of(tx, client_id, id_)

    return answer(await network.write(off))


@post("/parties/{b2b_id:str}/activate")
async def activate(network: Network, client_id: ClientId, b2b_id: Segment) -> Answer:
    """Switch a B2B ID on again."""
    id_ = segment(b2b_id)

    async def on(tx: Transaction) -> object:
        await switching.activate(tx, client_id, id_)
        return await party_of(tx, client_id, id_)

    return answer(await network.write(on))


@get("/simulator/contacts")
async def read_contacts(network: Network) -> Answer:
    """What the simulated contacts were sent. There is no such call outside development mode."""
    messages = network.contacts.messages() if network.contacts is not None else []
    return answer({"messages": messages})


CALLS = (read_onboarding, give_code, resend_code, deactivate, activate)
SIMULATED = (read_contacts,)
