"""Calls under tokens that nobody knows, more than are looked up at a time."""

from contextlib import AsyncExitStack

import pytest

from hundi.parties import turns
from hundi.parties.tokens import AT_ONCE
from tests.web.conftest import Net
from tests.web.test_network import V1, problem


async def test_who_waited_in_vain_is_to_come_again(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    await net.get(f"{V1}/documents")
    async with AsyncExitStack() as flood:
        for _ in range(AT_ONCE):
            await flood.enter_async_context(net.context.tokens._strangers.one())
        told = await net.get(f"{V1}/documents", "nobody")
        problem(told, 503, "HTTP-OVERLOADED")
        assert int(told.headers["retry-after"]) > 0
        assert (await net.get(f"{V1}/documents")).status_code == 200
    problem(await net.get(f"{V1}/documents", "nobody"), 401, "AUTH-TOKEN")
