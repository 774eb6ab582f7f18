"""Our own calls of onboarding: a call's outcome, the ownership code, switching a B2B ID.

What is answered is read in the transaction that writes: a read behind its commit could fail, and
tell to send again what was done.
"""

import asyncio
from functools import partial
from typing import Any

from litestar import Request, get, post

from hundi.kernel.fields import Strict
from hundi.kernel.reading import read
from hundi.onboarding import ownership, queries, switching
from hundi.parties.queries import party_of
from hundi.store.engine import Transaction
from hundi.web.asgi import check_json, headers_of
from hundi.web.context import Answer, ClientId, Context, Network, Segment, answer
from hundi.web.once import Done, Told, Write, attempted, once
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
    id_ = segment(req_msg_id)

    async def prove(write: Write) -> Done:
        given = read(await request.body(), CodeBody).code
        # Of each client one at a time: a thousand guesses at once would be hashed, slowly, for nothing.
        async with network.proving[client_id]:
            return await _judged(network, write, client_id=client_id, req_msg_id=id_, given=given)

    try:
        return (await attempted(network, request, prove, about=id_)).answer
    finally:
        network.wake()  # right or wrong, it may have been the end


async def _judged(
    network: Context, write: Write, *, client_id: str, req_msg_id: str, given: str
) -> Done:
    """Compare a given code with the one that was sent; a registration that has ended hashes none."""
    ask = partial(ownership.salt_of, client_id=client_id, req_msg_id=req_msg_id)
    salt = await network.read(ask)
    hashed = await asyncio.to_thread(ownership.slow_hash, given, salt)

    async def judge(tx: Transaction) -> Told:
        judged = await ownership.confirm(
            tx,
            client_id=client_id,
            req_msg_id=req_msg_id,
            hashed=hashed,
            random=network.random,
        )
        if judged.faults:
            return Told(faults=judged.faults, entered=judged.entered)
        shown = await queries.call(tx, client_id=client_id, req_msg_id=req_msg_id)
        return Told(shown=shown, entered=judged.entered)

    return await write(judge)


@post("/onboarding/{req_msg_id:str}/resend")
async def resend_code(
    request: Request[Any, str, Any], network: Network, client_id: ClientId, *, req_msg_id: Segment
) -> Answer:
    """Send the contact another code; the one before stops counting when it leaves."""
    id_ = segment(req_msg_id)

    async def another(tx: Transaction) -> Told:
        await ownership.resend(tx, client_id=client_id, req_msg_id=id_)
        return Told(shown=await queries.call(tx, client_id=client_id, req_msg_id=id_), status=202)

    done = await once(network, request, another, about=id_)
    network.wake_codes()
    return done.answer


@post("/parties/{b2b_id:str}/deactivate")
async def deactivate(
    request: Request[Any, str, Any], network: Network, client_id: ClientId, *, b2b_id: Segment
) -> Answer:
    """Switch a B2B ID off: new requests are refused, open ones finish."""
    ends = switching.ends_of(network.settler.types.values())
    id_ = segment(b2b_id)

    async def off(tx: Transaction) -> Told:
        await switching.deactivate(tx, client_id=client_id, b2b_id=id_, ends=ends)
        return Told(shown=await party_of(tx, client_id=client_id, b2b_id=id_))

    return (await once(network, request, off)).answer


@post("/parties/{b2b_id:str}/activate")
async def activate(
    request: Request[Any, str, Any], network: Network, client_id: ClientId, *, b2b_id: Segment
) -> Answer:
    """Switch a B2B ID on again."""
    id_ = segment(b2b_id)

    async def on(tx: Transaction) -> Told:
        await switching.activate(tx, client_id=client_id, b2b_id=id_)
        return Told(shown=await party_of(tx, client_id=client_id, b2b_id=id_))

    return (await once(network, request, on)).answer


@get("/simulator/contacts")
async def read_contacts(network: Network) -> Answer:
    """What the simulated contacts were sent. There is no such call outside development mode."""
    messages = network.contacts.messages() if network.contacts is not None else []
    return answer({"messages": messages})


CALLS = (read_onboarding, give_code, resend_code, deactivate, activate)
SIMULATED = (read_contacts,)
