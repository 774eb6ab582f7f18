"""What has had its time is forgotten: keys after 30 days, tokens once they have expired."""

import asyncio

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from hundi.exchange import housekeeping, tables
from hundi.exchange.feed import number_events
from hundi.exchange.housekeeping import Housekeeping
from hundi.exchange.idempotency import KEPT
from hundi.exchange.refusals import RefusalLog
from hundi.kernel.clock import HOUR, wall_clock
from hundi.parties import tables as parties
from hundi.parties.credentials import token_hash
from hundi.store.engine import UnavailableError
from tests.exchange.scene import Scene
from tests.until import until

KEY = tables.idempotency
TOKEN = parties.access_token


async def _tokens(stage: Scene, count: int, *, kind: str, expires_at: int) -> None:
    for number in range(count):
        name = f"{kind}{number}{expires_at}"
        row = {"token_hash": token_hash(name), "client_id": "buyer", "kind": kind}
        made = sa.insert(TOKEN).values(**row, expires_at=expires_at, created_at=1)
        await stage.execute(made)


async def _keys(stage: Scene, count: int, *, created_at: int) -> None:
    for number in range(count):
        row = {"client_id": "buyer", "key": f"{number}-{created_at}", "fingerprint": b""}
        rest = {"req_msg_id": "MSG", "response": b"", "warnings": "[]"}
        await stage.execute(sa.insert(KEY).values(**row, **rest, created_at=created_at))


async def _count(stage: Scene, table: sa.Table) -> int:
    [row] = await stage.rows(sa.select(sa.func.count().label("n")).select_from(table))
    return int(str(row["n"]))


async def test_what_has_expired_is_forgotten_and_nothing_else(stage: Scene) -> None:
    now = wall_clock()
    await _tokens(stage, 2, kind="ACCESS", expires_at=now - 1)
    await _tokens(stage, 1, kind="REFRESH", expires_at=now - 1)
    await _tokens(stage, 1, kind="REFRESH", expires_at=now + HOUR)
    await _keys(stage, 2, created_at=now - KEPT - 1)
    await _keys(stage, 1, created_at=now - KEPT + HOUR)
    await Housekeeping(stage.database, RefusalLog(stage.database))._tick(0)
    live = 3 + 1  # the scene's own and the refresh token
    assert (await _count(stage, TOKEN), await _count(stage, KEY)) == (live, 1)


async def test_a_tick_forgets_so_many_and_the_next_ones_go_on(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PURGED_A_TICK", 2)
    await _tokens(stage, 5, kind="ACCESS", expires_at=1)
    await _keys(stage, 3, created_at=1)
    left = []
    keeping = Housekeeping(stage.database, RefusalLog(stage.database))
    for tick in range(4):
        await keeping._tick(tick)
        left.append((await _count(stage, TOKEN) - 3, await _count(stage, KEY)))
    assert left == [(3, 1), (1, 0), (0, 0), (0, 0)]
    await _tokens(stage, 1, kind="ACCESS", expires_at=1)
    await keeping._tick(4)
    assert await _count(stage, TOKEN) == 4, "it looks again after some minutes, not at every tick"
    await keeping._tick(housekeeping.TICKS_BETWEEN_PURGES)
    assert await _count(stage, TOKEN) == 3


class Loaded:
    """A database in which there is always one more event to number."""

    def __init__(self) -> None:
        self.works: list[object] = []

    async def write(self, work: object) -> int:
        self.works.append(work)
        assert len(self.works) < 10, "it numbers and numbers"
        return work is number_events


async def test_events_that_go_on_coming_keep_it_from_nothing() -> None:
    database = Loaded()
    await Housekeeping(database, RefusalLog(database))._tick(0)  # type: ignore[arg-type]
    assert database.works == [number_events, housekeeping._purge]


class Away:
    """A database that is away, back for one tick, and away again."""

    def __init__(self, *, back_at: int) -> None:
        self.writes = 0
        self._back_at = back_at
        self.enough = asyncio.Event()

    async def write(self, _work: object) -> int:
        self.writes += 1
        if self.writes == 2 * self._back_at:
            self.enough.set()
        if self._back_at <= self.writes < self._back_at + 2:  # of a tick that goes well
            return 0
        raise UnavailableError("gone")


@pytest.mark.parametrize(("quiet", "lines"), [(60, 2), (0, 18)])
async def test_a_database_that_is_away_is_told_of_now_and_then(
    monkeypatch: pytest.MonkeyPatch, quiet: float, lines: int
) -> None:
    """And looked for at each tick all the same, so that events are numbered once it is back."""
    monkeypatch.setattr(housekeeping, "TICKS_A_SECOND", 200)
    monkeypatch.setattr(housekeeping, "SECONDS_BETWEEN_WARNINGS", quiet)
    database = Away(back_at=10)
    keeping = Housekeeping(database, RefusalLog(database))  # type: ignore[arg-type]
    with capture_logs() as told:
        running = asyncio.create_task(keeping.run())
        async with asyncio.timeout(30):
            await database.enough.wait()
            keeping.stop()
            await running
    events = [line["event"] for line in told]
    assert events == ["housekeeping-waits-for-database"] * lines


async def test_it_runs_until_it_is_stopped(stage: Scene) -> None:
    await _tokens(stage, 1, kind="ACCESS", expires_at=1)
    keeping = Housekeeping(stage.database, RefusalLog(stage.database))
    running = asyncio.create_task(keeping.run())

    async def forgotten() -> bool:
        return await _count(stage, TOKEN) == 3

    await until(forgotten)
    keeping.stop()
    async with asyncio.timeout(30):
        await running
