"""The health of endpoints: what is seen while a write is under way is not lost when it fails."""

import asyncio
from itertools import count
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from hundi.delivery.health import Health
from hundi.exchange.redrive import abandon, redrive
from hundi.exchange.tables import delivery
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import MINUTE, wall_clock
from hundi.parties.health import DISABLED_AFTER, WARNED_AFTER, enable
from hundi.parties.tables import client
from tests.exchange.scene import Scene, scene
from tests.exchange.slips import slip

NOW = 1_770_000_000_000_000
_NUMBERS = count()


class Gate:
    """A database that fails its first write, once it is let."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.busy = asyncio.Event()
        self.go_on = asyncio.Event()
        self._failed = False

    async def write(self, work: Any) -> Any:
        if not self._failed:
            self._failed = True
            self.busy.set()
            await self.go_on.wait()
            raise OSError("no disk")
        return await self._behind.write(work)


def _attempt(decision: Decision, client_id: str = "supplier", *, unsent: bool = False) -> Any:
    number = next(_NUMBERS)
    leased = SimpleNamespace(
        client_id=client_id,
        webhook_id=f"W{number}",
        number=1,
        req_msg_id=f"MSG{number}",
        row={"endpoint_url": f"https://{client_id}.example"},
    )
    verdict = SimpleNamespace(decision=decision, unsent=unsent)
    return SimpleNamespace(leased=leased, verdict=verdict)


async def _row(stage: Scene) -> dict[str, object]:
    [row] = await stage.rows(sa.select(client).where(client.c.client_id == "supplier"))
    return row


async def _told(stage: Scene, before: list[Decision], during: list[Decision]) -> dict[str, object]:
    """What is stored after attempts before a write that fails, and others while it is under way."""
    gate = Gate(stage.database)
    watched = Health(gate)  # type: ignore[arg-type]
    moments = iter(range(NOW, NOW + 100))
    for decision in before:
        watched.attempted(_attempt(decision), next(moments))
    running = asyncio.create_task(watched.run())
    async with asyncio.timeout(30):
        await gate.busy.wait()
        for decision in during:
            watched.attempted(_attempt(decision), next(moments))
        gate.go_on.set()
        watched.stop()
        await running
    return await _row(stage)


FAILED, GONE, SETTLED = Decision.FAILED, Decision.GONE, Decision.SETTLED


@pytest.mark.parametrize(
    ("before", "during", "failed", "since", "success"),
    [
        ([FAILED, FAILED], [FAILED], 3, NOW, None),
        ([FAILED], [SETTLED], 0, None, NOW + 1),
        ([SETTLED], [FAILED, FAILED], 2, NOW + 1, NOW),
        ([FAILED, SETTLED], [FAILED], 1, NOW + 2, NOW + 1),
    ],
)
async def test_nothing_is_lost_when_a_write_fails(
    database_url: str,
    before: list[Decision],
    during: list[Decision],
    failed: int,
    since: int | None,
    success: int | None,
) -> None:
    async with scene(database_url) as stage:
        row = await _told(stage, before, during)
        told = (row["failed_exchanges"], row["failing_since"], row["last_success_at"])
        assert told == (failed, since, success)


@pytest.mark.parametrize(
    ("before", "during"), [([GONE], [FAILED]), ([GONE], [SETTLED]), ([FAILED], [GONE])]
)
async def test_a_410_is_not_forgotten(
    database_url: str, before: list[Decision], during: list[Decision]
) -> None:
    async with scene(database_url) as stage:
        row = await _told(stage, before, during)
        assert row["disabled_reason"] == "the endpoint answered 410 Gone"


async def test_what_the_network_could_not_send_counts_neither_way(database_url: str) -> None:
    async with scene(database_url) as stage:
        watched = Health(stage.database)
        watched.attempted(_attempt(FAILED), NOW)
        for at in range(1, 20):
            watched.attempted(_attempt(Decision.ASK_AGAIN, unsent=True), NOW + at)
        watched.stop()
        await watched.run()
        row = await _row(stage)
        told = (row["failed_exchanges"], row["failing_since"], row["last_success_at"])
        assert told == (1, NOW, None)


async def test_one_clients_locked_row_holds_up_no_other(postgres_url: str) -> None:
    async with scene(postgres_url) as stage:
        # All are to be warned or disabled as well, for which each look asks.
        since = NOW - DISABLED_AFTER - MINUTE
        await stage.execute(sa.update(client).values(failing_since=since, failed_exchanges=10))
        watched = Health(stage.database)
        for client_id in ("buyer", "stranger", "supplier"):
            watched.attempted(_attempt(GONE, client_id), NOW)
        other = await asyncpg.connect(postgres_url)
        async with other.transaction():
            await other.execute("select 1 from client where client_id = 'buyer' for update")
            await watched._flush()
            gone = sa.select(client.c.client_id).where(client.c.disabled_at.is_not(None))
            assert {row["client_id"] for row in await stage.rows(gone)} == {"stranger", "supplier"}
        await other.close()
        await watched._flush()
        assert len(await stage.rows(gone)) == 3


async def test_a_success_counts_whatever_fails_after_it(database_url: str) -> None:
    async with scene(database_url) as stage:
        await stage.execute(sa.update(client).values(failing_since=NOW - 1, failed_exchanges=9))
        watched = Health(stage.database)
        for decision in (SETTLED, FAILED, FAILED):
            watched.attempted(_attempt(decision), NOW)
        watched.stop()
        await watched.run()
        row = await _row(stage)
        assert (row["failed_exchanges"], row["failing_since"]) == (2, NOW)


async def _failed(stage: Scene, watched: Health, *, reached: bool = True) -> None:
    """Try what is due in vain, as a dispatcher does, and write down what was seen."""
    leased = await stage.lease()
    assert leased
    for one in leased:
        result: Any = SimpleNamespace(
            leased=one, verdict=SimpleNamespace(decision=FAILED, unsent=False)
        )
        watched.attempted(result, wall_clock())
    await stage.finish(leased, FAILED, reached=reached)
    await stage.execute(sa.update(delivery).values(due_at=0))
    watched.stop()
    await watched.run()


async def test_an_exchange_that_is_given_up_counts_once(database_url: str) -> None:
    async with scene(database_url) as stage:
        one, two = Health(stage.database), Health(stage.database)  # of two dispatchers
        exchange = await stage.submit("req-send", slip("S1"))
        await _failed(stage, one)
        await stage.database.write(
            lambda tx: abandon(tx, stage.road.settler, client_id="buyer", req_msg_id=exchange)
        )
        await stage.execute(sa.delete(delivery).where(delivery.c.client_id == "buyer"))
        await _failed(stage, two)
        assert (await _row(stage))["failed_exchanges"] == 1


async def test_retries_and_a_redrive_are_no_further_exchange(database_url: str) -> None:
    async with scene(database_url) as stage:
        exchange = await stage.submit("req-send", slip("S1"))
        for _ in range(3):
            await _failed(stage, Health(stage.database))
        await stage.database.write(lambda tx: redrive(tx, client_id="buyer", webhook_id=exchange))
        await _failed(stage, Health(stage.database))
        await stage.submit("req-send", slip("S2"))
        await _failed(stage, Health(stage.database))
        assert (await _row(stage))["failed_exchanges"] == 2


async def test_what_failed_before_counts_again_once_the_endpoint_is_on(database_url: str) -> None:
    async with scene(database_url) as stage:
        await stage.submit("req-send", slip("S1"))
        await _failed(stage, Health(stage.database))
        await stage.database.write(lambda tx: enable(tx, "supplier"))
        await _failed(stage, Health(stage.database))
        assert (await _row(stage))["failed_exchanges"] == 1


async def test_who_is_warned_or_disabled_is_logged_once(database_url: str) -> None:
    async with scene(database_url) as stage:
        since = wall_clock() - WARNED_AFTER - MINUTE
        await stage.execute(sa.update(client).values(failing_since=None))
        await stage.execute(
            sa.update(client).where(client.c.client_id == "supplier").values(failing_since=since)
        )
        with capture_logs() as told:
            for decision in (FAILED, FAILED, GONE):
                await _seen(stage, decision)
        lines = [(line["event"], line["client"], line["log_level"]) for line in told]
        assert lines == [
            ("endpoint-warned", "supplier", "warning"),
            ("endpoint-disabled", "supplier", "warning"),
        ]
        assert [line["reason"] for line in told] == [
            "12 hours without a success",
            "the endpoint answered 410 Gone",
        ]


async def _seen(stage: Scene, decision: Decision) -> None:
    watched = Health(stage.database)
    watched.attempted(_attempt(decision), NOW)
    watched.stop()
    await watched.run()
