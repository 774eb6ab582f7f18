"""The health of endpoints: what is seen while a write is under way is not lost when it fails."""

import asyncio
from typing import Any
from unittest.mock import Mock

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from hundi.delivery.health import Health
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import MINUTE, wall_clock
from hundi.parties.health import WARNED_AFTER
from hundi.parties.tables import client
from tests.exchange.scene import Scene, scene

NOW = 1_770_000_000_000_000


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


def _attempt(decision: Decision, *, failures: int = 0) -> Any:
    leased = Mock(client_id="supplier", failures=failures)
    return Mock(leased=leased, verdict=Mock(decision=decision))


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
    async with asyncio.timeout(10):
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
        lines = [(line["event"], line["clientId"], line["log_level"]) for line in told]
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
