"""Sweeps go on around what cannot be ended, and each without the others."""

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa

from hundi.delivery import sweeping
from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.exchange import lapse, tables
from hundi.exchange.outbox import SWEEPS
from hundi.kernel.clock import MINUTE
from hundi.store.engine import UnavailableError
from tests.exchange.scene import Scene
from tests.exchange.slips import slip
from tests.keys import KEYRING


class Sweeper:
    """A dispatcher that only sweeps. `left` are the sweeps that left something behind."""

    def __init__(self, stage: Scene) -> None:
        nobody: Any = None
        self.now = 0
        self.left: list[str] = []
        self.entered: Counter[str] = Counter()
        self.dispatcher = Dispatcher(
            database=stage.database, outbox=stage.outbox, wire=nobody, breaker=Breaker(random=bytes),
            observer=nobody, keyring=KEYRING, clock=lambda: self.now, random=bytes,
            left=self.left.append, entered=self.entered.update,
        )  # fmt: skip

    async def __call__(self) -> int:
        return await self.dispatcher.sweep()


async def expired(stage: Scene, count: int, *, unknown: int) -> list[str]:
    """Proposals whose time is over; this process does not know the message of the oldest ones."""
    sent = [await stage.submit("req-send", slip(f"S{n}")) for n in range(count)]
    x = tables.exchange
    for number, id_ in enumerate(sent):
        change = {"expires_at": number + 1, **({"message": "new/req"} if number < unknown else {})}
        await stage.execute(sa.update(x).where(x.c.req_msg_id == id_).values(**change))
    return sent


async def states(stage: Scene) -> list[object]:
    x = tables.exchange.c
    rows = await stage.rows(sa.select(x.state).order_by(x.expires_at))
    return [row["state"] for row in rows]


@pytest.mark.logs("sweep-left-behind")
async def test_one_that_is_not_known_stops_nobody(
    stage: Scene, capfd: pytest.CaptureFixture[str]
) -> None:
    sent = await expired(stage, 3, unknown=1)
    sweep = Sweeper(stage)
    assert await sweep() == 3
    assert await states(stage) == ["OPEN", "EXPIRED", "EXPIRED"]
    assert sweep.left == ["expiry"]
    assert sweep.entered == {"EXPIRED": 2}
    assert await sweep() == 0
    sweep.now += 11 * MINUTE
    assert await sweep() == 1
    assert sweep.left == ["expiry", "expiry"]
    out = "".join(capfd.readouterr())
    assert out.count("sweep-left-behind") == 1
    assert out.count("sweep-one-by-one") == 2
    assert sent[0] in out


async def test_all_are_ended_at_once(stage: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    """One by one they would come to the same, at a transaction each."""
    await expired(stage, 3, unknown=0)
    assert await Sweeper(stage)() == 3
    assert await states(stage) == ["EXPIRED"] * 3
    assert "sweep-" not in "".join(capfd.readouterr())


@pytest.mark.logs("sweep-left-behind")
async def test_those_behind_many_bad_ones_have_their_turn(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "AT_ONCE", 2)
    await expired(stage, 6, unknown=4)
    sweep = Sweeper(stage)
    for _ in range(3):
        await sweep()
    assert await states(stage) == ["OPEN"] * 4 + ["EXPIRED"] * 2


async def test_expiry_does_not_wait_for_lapsed_leases(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await expired(stage, 1, unknown=0)
    sweep = Sweeper(stage)

    async def broken(*_: object) -> None:
        message = "a statement of its own"
        raise UnavailableError(message)

    first, *others = sweep.dispatcher._sweeps
    monkeypatch.setattr(first, "find", broken)
    assert [one.name for one in (first, *others)] == list(SWEEPS)
    with pytest.raises(UnavailableError):
        await sweep()
    assert await states(stage) == ["EXPIRED"]


@pytest.mark.logs("sweep-left-behind")
async def test_a_lapsed_lease_of_an_unknown_message_is_left_alone(stage: Scene) -> None:
    """Both are closing: the end of the attempt is the end of the exchange."""
    sent = [await stage.submit("req-send", slip(f"S{n}")) for n in range(2)]
    await stage.lease()
    await stage.execute(sa.update(tables.exchange).values(closing="ABANDONED"))
    await stage.execute(sa.update(tables.delivery).values(lease_until=1))
    x = tables.exchange
    await stage.execute(sa.update(x).where(x.c.req_msg_id == sent[0]).values(message="new/req"))
    sweep = Sweeper(stage)
    await sweep()
    assert sorted(await states(stage)) == ["ABANDONED", "OPEN"]
    assert sweep.left == ["leases"]
    assert sweep.entered == {"ABANDONED": 1}


@pytest.mark.logs("sweep-left-behind")
async def test_a_document_that_cannot_be_read_stops_no_other(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(2):
        await stage.submit("req-send", slip(f"S{n}"))
    documents = await stage.rows(sa.select(tables.document))
    for one in documents:
        key = {name: one[name] for name in ("author_entity", "type", "object_id")}
        await stage.execute(sa.insert(tables.deadline).values(**key, due_at=1))
    ended = lapse._ended

    def choosy(papers: Any, key: Any, **how: Any) -> bool:
        if key[2] == "S0":
            raise KeyError(key)
        return ended(papers, key, **how)

    monkeypatch.setattr(lapse, "_ended", choosy)
    sweep = Sweeper(stage)
    await sweep()
    left = await stage.rows(sa.select(tables.deadline.c.object_id, tables.deadline.c.due_at))
    assert {row["object_id"] for row in left if row["due_at"] == 1} == {"S0"}
    assert sweep.left == ["lapsing"]


async def test_nothing_is_set_aside_while_the_database_is_away(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await expired(stage, 2, unknown=0)
    sweep = Sweeper(stage)

    async def away(*_: object) -> None:
        message = "gone"
        raise UnavailableError(message)

    with monkeypatch.context() as patch:
        patch.setattr(type(stage.road.settler), "prepare", away)
        with pytest.raises(UnavailableError):
            await sweep()
    assert await sweep() == 2
    assert sweep.left == []
