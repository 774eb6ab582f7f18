"""Our own calls: reads, redrive and abandon under `/network/v1`, and the schema.

Each handler asks one question of `exchange` or `parties` and writes down the answer. Errors are
problem details (RFC 9457) with the same codes as everywhere. What a POST answers is read in the
transaction that writes: a read behind its commit could fail, and tell to send again what was done.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import structlog
from litestar import Litestar, Response, Router, get, post
from litestar.connection import ASGIConnection, Request
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from hundi.exchange import (
    deliveries,
    delivery_list,
    document_list,
    feed,
    queries,
    redrive,
    refusals,
)
from hundi.exchange.cursor import cursor, key_of
from hundi.exchange.history import history
from hundi.exchange.settle import Became, Ended
from hundi.kernel.clock import to_text
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import exchange_or_receipt
from hundi.kernel.rates import Use
from hundi.onboarding import ownership
from hundi.parties import health
from hundi.parties.model import TOKEN
from hundi.parties.queries import endpoint_of, parties_of
from hundi.store.engine import (
    Row,
    Transaction,
)
from hundi.web import onboarding, trade
from hundi.web.asgi import Receive, Scope, Send, bearer
from hundi.web.context import (
    NO_NUL,
    Answer,
    Author,
    ClientId,
    Context,
    Cursor,
    Limit,
    Network,
    Segment,
    answer,
)
from hundi.web.once import Told, once
from hundi.web.openapi import schema
from hundi.web.operation import OPERATION, composed
from hundi.web.problems import only_known_parameters, segment

_log = structlog.get_logger()

Asgi = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Connection = ASGIConnection[Any, Any, Any, Any]


@get("/schema")
async def read_schema() -> Answer:
    """OpenAPI 3.1 of every call and webhook."""
    return Response(schema(), media_type="application/json")


@get("/documents")
async def list_documents(
    network: Network,
    client_id: ClientId,
    *,
    kind: Annotated[str, QueryParameter(name="type", max_length=100, pattern=NO_NUL)] = "",
    status: Annotated[str, QueryParameter(name="status", max_length=100, pattern=NO_NUL)] = "",
    author: Author = "",
    counterparty: Annotated[
        str, QueryParameter(name="counterparty", max_length=100, pattern=NO_NUL)
    ] = "",
    text: Annotated[str, QueryParameter(name="q", max_length=200, pattern=NO_NUL)] = "",
    after: Cursor = "",
    limit: Limit = 50,
) -> Answer:
    """The caller's documents, the newest first."""
    filters = document_list.Filters(
        type=kind, status=status, author=author, counterparty=counterparty, text=text
    )
    ask = partial(queries.documents, client_id=client_id, filters=filters, after=after, limit=limit)
    return answer(await network.read(ask))


@get("/documents/{kind:str}/{object_id:str}/history")
async def read_history(
    network: Network,
    client_id: ClientId,
    *,
    kind: Segment,
    object_id: Segment,
    author: Author = "",
    after: Cursor = "",
    limit: Limit = 200,
) -> Answer:
    """A page of one document's journal, and whether it verifies."""
    named = (segment(kind), segment(object_id), author)
    ask = partial(history, client_id=client_id, named=named, after=after, limit=limit)
    return answer(await network.read(ask))


@get("/exchanges/{req_msg_id:str}")
async def read_exchange(network: Network, client_id: ClientId, req_msg_id: Segment) -> Answer:
    """One exchange with its outcome and deliveries."""
    ask = partial(deliveries.exchange, client_id=client_id, req_msg_id=segment(req_msg_id))
    return answer(await network.read(ask))


@post("/exchanges/{req_msg_id:str}/abandon")
async def abandon_exchange(
    request: Request[Any, str, Any], network: Network, client_id: ClientId, *, req_msg_id: Segment
) -> Answer:
    """Give a proposal up, or a call's: 200 when all has ended, 202 while an attempt under way may win."""
    id_ = segment(req_msg_id)
    ended = False

    async def give_up(tx: Transaction) -> Told:
        nonlocal ended
        became = await _given_up(tx, network, client_id=client_id, req_msg_id=id_)
        ended = bool(became.entered)
        shown = await deliveries.exchange(tx, client_id=client_id, req_msg_id=id_)
        waits = Ended.CLOSING in became.told.values()
        return Told(shown=shown, status=202 if waits else 200, entered=became.entered)

    done = await once(network, request, give_up, about=id_)
    if ended and not done.replayed:
        network.wake()
    return done.answer


async def _given_up(
    tx: Transaction, network: Context, *, client_id: str, req_msg_id: str
) -> Became:
    """What became of each exchange. A registration is about no document, and ends in its own way."""
    entered = await ownership.abandon(tx, client_id=client_id, req_msg_id=req_msg_id)
    if entered:
        return Became({req_msg_id: Ended.ENDED}, entered)
    return await redrive.abandon(tx, network.settler, client_id=client_id, req_msg_id=req_msg_id)


@get("/deliveries")
async def list_deliveries(
    network: Network,
    client_id: ClientId,
    *,
    in_state: Annotated[
        Literal["", "HELD", "QUEUED", "LEASED", "PARKED", "DELIVERED", "WITHDRAWN"],
        QueryParameter(name="state"),
    ] = "",
    req_msg_id: Annotated[str, QueryParameter(name="reqMsgId", max_length=50, pattern=NO_NUL)] = "",
    side: Annotated[Literal["", "inbound", "outbound"], QueryParameter(name="side")] = "",
    after: Cursor = "",
    limit: Limit = 50,
) -> Answer:
    """Webhooks to the caller and to its counterparties, the newest exchange first."""
    filters = delivery_list.Filters(state=in_state, req_msg_id=req_msg_id, side=side)
    ask = partial(
        deliveries.deliveries, client_id=client_id, filters=filters, after=after, limit=limit
    )
    return answer(await network.read(ask))


@get("/deliveries/{webhook_id:str}")
async def read_delivery(network: Network, client_id: ClientId, webhook_id: Segment) -> Answer:
    """One webhook with its attempts."""
    ask = partial(deliveries.delivery, client_id=client_id, webhook_id=segment(webhook_id))
    return answer(await network.read(ask))


@post("/deliveries/{webhook_id:str}/redrive")
async def redrive_delivery(
    request: Request[Any, str, Any], network: Network, client_id: ClientId, *, webhook_id: Segment
) -> Answer:
    """Send a webhook again now."""
    id_ = segment(webhook_id)

    async def send_again(tx: Transaction) -> Told:
        await redrive.redrive(tx, client_id=client_id, webhook_id=id_)
        return Told(
            shown=await deliveries.delivery(tx, client_id=client_id, webhook_id=id_), status=202
        )

    done = await once(network, request, send_again, about=exchange_or_receipt(id_))
    network.wake()
    return done.answer


@get("/events")
async def read_events(
    request: Request[Any, str, Any],
    network: Network,
    client_id: ClientId,
    *,
    after: Cursor = "",
    limit: Limit = 100,
    wait: Annotated[int, QueryParameter(name="wait", ge=0, le=15)] = 0,
) -> Answer:
    """What happened since a cursor; `wait` seconds for something to happen."""
    position = feed.position_of(after)
    ask = partial(feed.events, client_id=client_id, after=position, limit=limit)
    if wait:
        async with network.waiters.place(client_id):
            rows = await network.read(ask)
            if not rows:
                await network.waiters.behind(client_id, position, seconds=wait)
                rows = await network.read(ask)
                await _still_admitted(request)
    else:
        rows = await network.read(ask)
    reached = rows[-1]["position"] if rows else position
    return answer({"events": [_event(row) for row in rows], "cursor": feed.cursor_of(reached)})


@get("/endpoint")
async def read_endpoint(network: Network, client_id: ClientId) -> Answer:
    """The caller's own endpoint, and whether it is enabled."""
    return answer(await network.read(partial(endpoint_of, client_id=client_id)))


@post("/endpoint/enable")
async def enable_endpoint(
    request: Request[Any, str, Any], network: Network, client_id: ClientId
) -> Answer:
    """Switch the caller's endpoint on again; everything that waits for it becomes due.

    A repeat under the same key goes on with that: the first may have come to a process that ended.
    """

    async def enable(tx: Transaction) -> Told:
        await health.enable(tx, client_id)
        return Told(shown=await endpoint_of(tx, client_id))

    done = await once(network, request, enable)
    if not done.replayed:
        _log.warning("endpoint-enabled", client=client_id, reason="its owner asked for it")
    await network.gaps.replay(client_id)
    return done.answer


@get("/parties")
async def list_parties(
    network: Network, client_id: ClientId, *, after: Cursor = "", limit: Limit = 200
) -> Answer:
    """The B2B IDs that the caller serves."""
    [behind] = key_of(after, "parties", first=("",))
    ask = partial(parties_of, client_id=client_id, behind=str(behind), limit=limit + 1)
    found = await network.read(ask)
    page = found[:limit]
    more = cursor("parties", str(page[-1]["b2bId"])) if len(found) > limit else None
    return answer({"parties": page, "cursor": more})


@get("/refusals")
async def list_refusals(
    network: Network, client_id: ClientId, *, after: Cursor = "", limit: Limit = 50
) -> Answer:
    """The caller's refused requests, the newest first; a bounded log."""
    [before] = key_of(after, "refusals", first=(refusals.NEWEST,))
    ask = partial(refusals.refusals, client_id=client_id, before=int(before), limit=limit + 1)
    rows = await network.read(ask)
    page = rows[:limit]
    more = cursor("refusals", page[-1]["refusal_id"]) if len(rows) > limit else None
    return answer({"refusals": [_refusal(row) for row in page], "cursor": more})


V1 = "/network/v1"
CALLS = (
    list_documents, read_history, *trade.CALLS,
    read_exchange, abandon_exchange,
    list_deliveries, read_delivery, redrive_delivery,
    read_events, read_endpoint, enable_endpoint, list_parties, list_refusals,
    *onboarding.CALLS,
)  # fmt: skip


def rest(context: Context) -> Asgi:
    """The application for everything that is neither a message nor the token call."""
    simulated = onboarding.SIMULATED if context.contacts is not None else ()
    application = composed(
        context,
        [
            Router(V1, route_handlers=CALLS, guards=[_authenticate, only_known_parameters]),
            read_schema,
            *OPERATION,
            *simulated,
        ],
        client_id=Provide(_client, sync_to_thread=False),
    )
    return _on_raw_paths(application)


def _on_raw_paths(application: Litestar) -> Asgi:
    """Route by the path as it was sent, so that an objectId may hold an (escaped) slash."""

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw:
            scope = {**scope, "path": raw.decode("latin-1")}
        await application(scope, receive, send)  # type: ignore[arg-type]

    return routed


async def _authenticate(connection: Connection, _handler: BaseRouteHandler) -> None:
    network: Context = connection.app.state.network
    token, client_id = _token_of(connection), None
    if token:
        client_id = await network.tokens.client_of(token, network.clock(), use=Use.READS)
    if client_id is None:
        raise RefusedError([TOKEN.at("", TOKEN.meaning)])
    connection.scope["auth"] = client_id


async def _still_admitted(connection: Connection) -> None:
    """Behind a wait: a token that was revoked meanwhile hears nothing. Raises RefusedError."""
    network: Context = connection.app.state.network
    if not await network.tokens.lives(_token_of(connection), network.clock()):
        raise RefusedError([TOKEN.at("", TOKEN.meaning)])


def _token_of(connection: Connection) -> str:
    return bearer(connection.headers.get("authorization", "").encode("latin-1"))


def _client(request: Request[Any, str, Any]) -> str:
    return request.auth


def _event(row: Row) -> dict[str, object]:
    return {
        "kind": row["kind"],
        "message": row["message"],
        "reqMsgId": row["req_msg_id"],
        "type": row["type"],
        "objectId": row["object_id"],
        "author": row["author_b2b"],
        "sequence": row["sequence"],
        "status": row["status"],
        "at": to_text(row["at"]),
    }


def _refusal(row: Row) -> dict[str, object]:
    return {
        "at": to_text(row["at"]),
        "path": row["path"],
        "status": row["status"],
        "faults": msgspec.Raw(row["faults"].encode()),
    }
