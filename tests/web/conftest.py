"""The application of reads over a scene, called in-process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import httpx
import pytest

from hundi.kernel.clock import wall_clock
from hundi.kernel.rates import Rates
from hundi.parties.tokens import Tokens
from hundi.web.context import Context
from hundi.web.gaps import Gaps
from hundi.web.metrics import Metrics
from hundi.web.network import rest
from hundi.web.visits import Visits
from hundi.web.waiting import EventWaiters
from tests.exchange.scene import Scene, scene
from tests.patience import patient

__all__ = ["patient"]


@dataclass
class Net:
    """A scene with an HTTP face. `woken` counts how often the dispatcher was told of work."""

    stage: Scene
    context: Context
    calls: httpx.AsyncClient
    woken: list[None] = field(default_factory=list)

    async def get(self, path: str, client_id: str = "buyer", **query: object) -> httpx.Response:
        return await self.calls.get(path, params=query, headers=bearer(client_id))

    async def post(self, path: str, client_id: str = "buyer") -> httpx.Response:
        return await self.calls.post(path, headers=bearer(client_id))


def bearer(client_id: str) -> dict[str, str]:
    return {"authorization": f"Bearer {client_id}-token"}


def context_of(stage: Scene, woken: list[None]) -> Context:
    def wake() -> None:
        woken.append(None)

    return Context(
        database=stage.database,
        tokens=Tokens(stage.database, Random(2).randbytes, rates=Rates()),
        settler=stage.road.settler,
        clock=wall_clock,
        random=Random(3).randbytes,
        metrics=Metrics(stage.database),
        visits=Visits(Random(4).randbytes),
        waiters=EventWaiters(stage.database),
        gaps=Gaps(stage.database, wake=wake),
        wake=wake,
        wake_codes=lambda: None,
        contacts=None,
    )


@pytest.fixture
async def net(database_url: str) -> AsyncIterator[Net]:
    """Buyer, supplier and stranger with their tokens `buyer-token` …"""
    async with scene(database_url) as stage:
        woken: list[None] = []
        context = context_of(stage, woken)
        transport = httpx.ASGITransport(rest(context))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
            yield Net(stage, context, calls, woken)


@pytest.fixture
async def stage(net: Net) -> Scene:
    """The scene alone."""
    return net.stage
