"""Switching an endpoint on again with much that waits for it: first the switch, then slice by slice."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from hundi.exchange import redrive, tables
from hundi.kernel.clock import HOUR
from hundi.parties import tables as parties
from hundi.store.engine import Transaction, UnavailableError
from hundi.web import gaps
from tests.exchange.slips import slip
from tests.web.conftest import Net, bearer

ENABLE = "/network/v1/endpoint/enable"
WAITING = 8


class Slices:
    """Watches the slices of a gap; the database is away from one of them on."""

    def __init__(self, *, fails_from: int = 99) -> None:
        self.sizes: list[int] = []
        self.disabled: list[object] = []
        self.fails_from = fails_from
        self._make_due = redrive.make_due

    async def make_due(self, tx: Transaction, *, ids: Sequence[str]) -> None:
        if len(self.sizes) >= self.fails_from:
            message = "gone"
            raise UnavailableError(message)
        found = await tx.select(
            sa.select(parties.client.c.disabled_at).where(parties.client.c.client_id == "supplier")
        )
        self.disabled += [row["disabled_at"] for row in found]
        self.sizes.append(len(ids))
        await self._make_due(tx, ids=ids)


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> Slices:
    it = Slices()
    monkeypatch.setattr(redrive, "make_due", it.make_due)
    monkeypatch.setattr(redrive, "SLICE", 2)
    monkeypatch.setattr(gaps, "_PAUSES", (0,))
    monkeypatch.setattr(redrive, "GAP_READ", 3)
    return it


async def disabled(net: Net) -> None:
    """The supplier is disabled; half of what waits for it is parked, nothing is due."""
    sent = [await net.stage.submit("req-send", slip(f"S{n}")) for n in range(WAITING)]
    await net.stage.execute(sa.text("update delivery set due_at = due_at + 3600000000"))
    parked = sa.update(tables.delivery).where(tables.delivery.c.webhook_id.in_(sent[::2]))
    await net.stage.execute(parked.values(state="PARKED"))
    client = parties.client
    off = sa.update(client).where(client.c.client_id == "supplier").values(disabled_at=1)
    await net.stage.execute(off)


async def waiting(net: Net) -> int:
    """How many of the webhooks are parked or not due."""
    rows = await net.stage.rows(sa.select(tables.delivery))
    soon = max(row["created_at"] for row in rows) + HOUR // 2
    return sum(row["state"] == "PARKED" or row["due_at"] > soon for row in rows)


async def test_a_gap_is_made_due_in_slices_behind_the_switch(net: Net, slices: Slices) -> None:
    await disabled(net)
    assert (await net.post(ENABLE, "supplier")).json()["state"] == "ENABLED"
    assert await waiting(net) == 0
    assert sum(slices.sizes) == WAITING
    assert max(slices.sizes) == 2
    assert set(slices.disabled) == {None}
    assert len(await net.stage.lease()) == WAITING
    assert len(net.woken) > 1


async def test_what_a_crash_left_waits_and_a_repeat_goes_on(net: Net, slices: Slices) -> None:
    await disabled(net)
    slices.fails_from = 1
    headers = bearer("supplier") | {"idempotency-key": "k"}
    first = await net.calls.post(ENABLE, headers=headers)
    assert first.json()["state"] == "ENABLED"
    assert await waiting(net) == WAITING - 2
    slices.fails_from = 99
    again = await net.calls.post(ENABLE, headers=headers)
    assert again.content == first.content
    assert await waiting(net) == 0


async def test_the_answer_does_not_wait_for_the_whole_of_a_long_gap(
    net: Net, monkeypatch: pytest.MonkeyPatch, slices: Slices
) -> None:
    going = asyncio.Event()
    make_due = gaps.Gaps._make_due

    async def held_up(it: gaps.Gaps, ids: Sequence[str]) -> None:
        await going.wait()
        await make_due(it, ids)

    monkeypatch.setattr(gaps.Gaps, "_make_due", held_up)
    monkeypatch.setattr(gaps, "PATIENCE_SECONDS", 0.01)
    await disabled(net)
    assert (await net.post(ENABLE, "supplier")).json()["state"] == "ENABLED"
    assert await waiting(net) == WAITING
    await net.post(ENABLE, "supplier")  # joins the one under way
    [task] = net.context.gaps._under_way.values()
    going.set()
    await task
    assert await waiting(net) == 0
    assert sum(slices.sizes) == WAITING


async def test_what_is_parked_again_meanwhile_is_not_made_due_twice(
    net: Net, monkeypatch: pytest.MonkeyPatch, slices: Slices
) -> None:
    """It would go round for as long as its receiver fails."""
    make_due = slices.make_due

    async def parked_again(tx: Transaction, *, ids: Sequence[str]) -> None:
        await make_due(tx, ids=ids)
        again = sa.update(tables.delivery).where(tables.delivery.c.webhook_id.in_(ids))
        await tx.execute(again.values(state="PARKED"))

    monkeypatch.setattr(redrive, "make_due", parked_again)
    await disabled(net)
    await net.post(ENABLE, "supplier")
    assert sum(slices.sizes) == WAITING


async def test_a_stopping_process_leaves_the_rest_as_it_is(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, make_due = asyncio.Event(), gaps.Gaps._make_due

    async def held_up(it: gaps.Gaps, ids: Sequence[str]) -> None:
        await going.wait()
        await make_due(it, ids)

    monkeypatch.setattr(gaps.Gaps, "_make_due", held_up)
    monkeypatch.setattr(gaps, "PATIENCE_SECONDS", 0.01)
    await disabled(net)
    await net.post(ENABLE, "supplier")
    [task] = net.context.gaps._under_way.values()
    await net.context.gaps.stop()
    going.set()
    assert task.cancelled()
    assert net.context.gaps._under_way == {}
    assert await waiting(net) == WAITING
