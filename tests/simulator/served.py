"""A simulated ERP on a real socket, with a client beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from hundi.kernel.clock import wall_clock
from hundi.simulator.erp import Erp
from hundi.simulator.server import listening
from tests.simulator.messages import API, body, headers, new_erp, request_id, subject
from tests.until import until

RAW = body(subject())
PATIENCE = 60


@dataclass
class Bench:
    """A running simulator and a client beside it."""

    erp: Erp
    url: str
    session: aiohttp.ClientSession

    async def ask(
        self, number: int = 1, *, seconds: float = PATIENCE
    ) -> tuple[int, dict[str, str], bytes]:
        return await self.post("req-send", request_id(number), RAW, seconds=seconds)

    async def post(
        self, path: str, webhook_id: str, raw: bytes, *, seconds: float = PATIENCE
    ) -> tuple[int, dict[str, str], bytes]:
        signed = headers(webhook_id, raw, now=wall_clock())
        limit = aiohttp.ClientTimeout(total=seconds)
        async with self.session.post(
            self.url + API + path, data=raw, headers=signed, timeout=limit, allow_redirects=False
        ) as got:
            return got.status, {k.lower(): v for k, v in got.headers.items()}, await got.read()

    async def control(self, method: str, path: str, value: object = None) -> Any:
        async with self.session.request(method, self.url + path, json=value) as got:
            return got.status, await got.json()

    @property
    def applied(self) -> dict[str, int]:
        return self.erp.applied()


@asynccontextmanager
async def bench(*rules: object) -> AsyncIterator[Bench]:
    erp = new_erp(rules)
    async with listening(erp) as url, aiohttp.ClientSession() as session:
        yield Bench(erp, url, session)
    erp.state.close()


@asynccontextmanager
async def in_vain(at: Bench) -> AsyncIterator[asyncio.Task[object]]:
    """A request that has arrived; whoever sent it gives it up where the block ends."""
    asking = asyncio.create_task(at.ask())
    try:
        await until(lambda: bool(at.erp.state.received()))
        yield asking
    finally:
        asking.cancel()
        await asyncio.wait([asking])


def result(raw: bytes) -> str:
    told: str = json.loads(raw)["payload"]["resp"]["result"]
    return told
