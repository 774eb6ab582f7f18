"""The bare control: what a good afternoon's work on FastAPI and asyncpg gives.

One transaction a request, five obvious statements, no validation, no token, no signature; one
aiohttp sender passes each accepted message on, and nothing is written about it. It promises less
than Hundi at every point, so its figures are a floor, not a rival.

    .venv-bench/bin/python -m bench.control --port 8090 --database postgresql://… [--webhook URL]
"""

import argparse
import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import uvicorn
from fastapi import FastAPI, Request  # type: ignore[import-not-found]
from fastapi.responses import JSONResponse  # type: ignore[import-not-found]

SENDERS = 32

INSERT_MESSAGE = (
    "insert into message (id, path, body) values ($1, $2, $3) on conflict (id) do nothing"
)
SELECT_DOCUMENT = "select status, version from document where id = $1 for update"
UPDATE_DOCUMENT = (
    "update document set status = $3, version = version + 1 where id = $1 and version = $2"
)
INSERT_JOURNAL = (
    "insert into journal (document_id, sequence, message_id, digest) values ($1, $2, $3, $4)"
)
INSERT_OUTBOX = "insert into outbox (message_id, receiver) values ($1, $2)"

Outgoing = asyncio.Queue[tuple[str, bytes]]


@dataclass(slots=True)
class State:
    """The pool and, where there is a webhook to send, the queue of what was accepted."""

    pool: Any
    outgoing: Outgoing | None


async def accept(state: State, path: str, raw: bytes) -> dict[str, Any]:
    """Store one status change and give the ack's body."""
    message = json.loads(raw)
    change = message["poStatus"]
    name = message_id()
    async with state.pool.acquire() as connection, connection.transaction():
        await connection.execute(INSERT_MESSAGE, name, path, raw)
        row = await connection.fetchrow(SELECT_DOCUMENT, change["objectId"])
        target = change["poStatusTransition"]["newStatus"]
        await connection.execute(UPDATE_DOCUMENT, change["objectId"], row["version"], target)
        digest = hashlib.sha256(raw).digest()
        await connection.execute(INSERT_JOURNAL, change["objectId"], row["version"], name, digest)
        await connection.execute(INSERT_OUTBOX, name, message["b2bIds"]["supplierB2BId"])
    if state.outgoing is not None:
        state.outgoing.put_nowait((name, raw))
    return ack(message, name)


def message_id() -> str:
    """`MSG` and 32 hex digits that grow with time, as Hundi's do."""
    return f"MSG{time.time_ns() // 1_000_000:012X}{os.urandom(10).hex().upper()}"


def ack(message: dict[str, Any], name: str) -> dict[str, Any]:
    """The 200 body of the contract's status-change page."""
    resp = {"reqMsgId": name, "result": "PENDING"}
    return {
        "response_message": "SUCCESS",
        "response_code": 0,
        "payload": {
            "b2bIds": message["b2bIds"],
            "resp": resp | {"errorCd": "", "errorDtl": "", "errorField": ""},
            "poStatus": message["poStatus"],
            "additionalInfos": message["additionalInfos"],
        },
    }


async def pass_on(session: aiohttp.ClientSession, url: str, outgoing: Outgoing) -> None:
    """Send what was accepted, one after the other, for ever."""
    while True:
        name, raw = await outgoing.get()
        headers = {"content-type": "application/json", "hundi-exchange": name}
        async with session.post(url, data=raw, headers=headers) as answer:
            await answer.read()


def application(database: str, *, connections: int, webhook: str | None) -> FastAPI:
    """The service; with a `webhook` it also delivers."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        outgoing: Outgoing | None = asyncio.Queue() if webhook else None
        pool = await asyncpg.create_pool(database, min_size=connections, max_size=connections)
        connector = aiohttp.TCPConnector(limit=SENDERS)
        async with pool, aiohttp.ClientSession(connector=connector) as session:
            app.state.control = State(pool, outgoing)
            senders = [
                asyncio.create_task(pass_on(session, webhook, outgoing))
                for _ in range(SENDERS)
                if webhook and outgoing is not None
            ]
            yield
            for sender in senders:
                sender.cancel()

    app = FastAPI(lifespan=lifespan)

    async def status_change(request: Request) -> JSONResponse:
        raw = await request.body()
        return JSONResponse(await accept(app.state.control, request.url.path, raw))

    async def ready() -> JSONResponse:
        return JSONResponse({"ready": True})

    app.add_api_route("/api/v0/purchase-order/req-status-change", status_change, methods=["POST"])
    app.add_api_route("/readyz", ready)
    return app


def main() -> None:
    """Read the options and serve with uvicorn, uvloop and httptools."""
    options = argparse.ArgumentParser(description="The bare control of the benchmark.")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--database", required=True)
    options.add_argument("--webhook")
    options.add_argument("--connections", type=int, default=16)
    chosen = options.parse_args()
    app = application(chosen.database, connections=chosen.connections, webhook=chosen.webhook)
    uvicorn.run(
        app,
        port=chosen.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
