"""The cheap check beside the traffic: it gets round, it remembers, and one process does it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from types import SimpleNamespace

import pytest

from hundi.exchange import duties
from hundi.exchange import tables as exchanges
from hundi.exchange.duties import Duties, Duty, Outcome, Turn, perform
from hundi.exchange.invariants import watch as watching
from hundi.exchange.invariants.watch import watch
from hundi.kernel.clock import HOUR, MINUTE, wall_clock
from hundi.kernel.identity import first_request_id
from hundi.store.engine import Database
from hundi.store.opening import open_database
from hundi.web.metrics import Metrics
from tests.clocks import Clock, opened
from tests.exchange.breaking import change
from tests.trade.filled import fill, trade_on
from tests.trade.invariants import TYPES

# What is broken here on purpose is told.
pytestmark = pytest.mark.logs("invariant-broken")


@pytest.fixture
async def database(filled_url: str) -> AsyncIterator[Database]:
    opened = await open_database(filled_url, wall_clock)
    yield opened
    await opened.close()


async def test_it_gets_round_in_slices_and_begins_again(
    database: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "OLD", 3)
    monkeypatch.setattr(watching, "LOOKS_BACK", 0)
    await change(filled_url, "update document set status = 'MOVED' where type = 'invoice'")
    notes, found = "", []
    for _ in range(20):
        outcome = await watch(database, TYPES, notes)
        notes = outcome.notes
        found.append(outcome.found)
    assert found[0] < found[-1], "a slice at a time"
    assert sorted(found) == found, "what was found is not forgotten"


async def test_what_was_mended_is_not_told_any_more(database: Database, filled_url: str) -> None:
    wrong = "update delivery set lease_until = 1 where kind = 'RESP'"
    await change(filled_url, wrong)
    first = await watch(database, TYPES, "")
    again = await watch(database, TYPES, first.notes)
    assert first.found == again.found > 3
    await change(filled_url, "update delivery set lease_until = null where kind = 'RESP'")
    assert (await watch(database, TYPES, again.notes)).found == 0


async def test_an_old_process_notes_types_that_it_does_not_know(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    """A newer one beside it has written them: no promise is broken."""
    older = {name: kind for name, kind in TYPES.items() if name != "invoice"}
    assert (await watch(database, older, "")).found == 0
    assert "types-not-known" in "".join(capfd.readouterr())


async def test_what_is_new_is_looked_at_first(
    database: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await watch(database, TYPES, "")
    assert before.found == 0
    monkeypatch.setattr(watching, "OLD", 1)
    await trade_on(filled_url)
    later = "(select object_id from document where number = 'PO-LATER')"
    await change(filled_url, f"delete from journal where object_id = {later} and sequence = 1")
    assert (await watch(database, TYPES, before.notes)).found > 0


async def _break_newest(url: str) -> None:
    newest = "(select max(req_msg_id) from exchange)"
    await change(
        url, f"update exchange set ended_at = 1, state = 'OPEN' where req_msg_id = {newest}"
    )


async def test_it_goes_on_until_it_has_caught_up(
    database: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "NEW", 2)
    monkeypatch.setattr(watching, "OLD", 1)
    await _break_newest(filled_url)
    notes = f'{{"newest":"{first_request_id(0)}"}}'
    outcome = await watch(database, TYPES, notes, every=HOUR)
    assert outcome.found > 0
    assert watching.behind(outcome.notes) == 0


async def test_it_rests_between_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some times as long as a page took, by a clock on which every page takes three seconds."""
    monkeypatch.setattr(watching, "NEW", 2)
    monkeypatch.setattr(watching, "OLD", 1)
    seconds, rests = count(step=3), list[int]()

    async def rest(long: int) -> None:
        rests.append(long)

    loop = SimpleNamespace(time=lambda: next(seconds))
    instead = SimpleNamespace(get_running_loop=lambda: loop, sleep=rest)
    monkeypatch.setattr(watching, "asyncio", instead)
    await watch(database, TYPES, f'{{"newest":"{first_request_id(0)}"}}', every=HOUR)
    assert len(rests) > 5
    assert set(rests) == {3 * watching.RESTS} != {0}


async def test_it_takes_no_more_than_its_share_and_says_what_it_has_left(
    database: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "NEW", 2)
    monkeypatch.setattr(watching, "OLD", 1)
    monkeypatch.setattr(watching, "LOOKS_BACK", 0)
    await change(filled_url, "update exchange set created_at = 1")
    await _break_newest(filled_url)
    outcome = await watch(database, TYPES, f'{{"newest":"{first_request_id(0)}"}}', every=0)
    assert watching.behind(outcome.notes) > HOUR
    await perform(database, Duty(name="invariants", every=HOUR, work=_leaving(outcome)))
    told = (await Metrics(database).exposition()).decode()
    assert "hundi_invariants_behind_seconds 0.0" not in told
    assert "hundi_invariants_behind_seconds " in told
    for _ in range(100):
        outcome = await watch(database, TYPES, outcome.notes, every=0)
    assert watching.behind(outcome.notes) == 0, "a little more each time"
    assert outcome.found > 0


def _leaving(outcome: Outcome) -> Callable[[Database, Turn], Awaitable[Outcome]]:
    async def work(_: Database, turn: Turn) -> Outcome:
        return outcome

    return work


async def test_a_lower_id_that_becomes_visible_later_is_new(
    database: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction was longer than that of another which began after it."""
    monkeypatch.setattr(watching, "OLD", 1)
    await trade_on(filled_url)
    first = await watch(database, TYPES, "")
    lower = first_request_id(wall_clock() - MINUTE) + "7" + "0" * 19
    await change(filled_url, _copy(lower))
    assert (await watch(database, TYPES, first.notes)).found > first.found


def _copy(req_msg_id: str) -> str:
    names = [column.name for column in exchanges.exchange.c]
    values = [f"'{req_msg_id}'" if name == "req_msg_id" else name for name in names]
    copied = f"select {', '.join(values)} from exchange order by created_at limit 1"
    return f"insert into exchange ({', '.join(names)}) {copied}"


async def test_what_comes_into_an_empty_store_is_new(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await open_database(database_url, wall_clock)
    monkeypatch.setattr(watching, "OLD", 1)
    empty = await watch(database, TYPES, "")
    await fill(database_url)
    await _break_newest(database_url)
    assert (await watch(database, TYPES, empty.notes)).found > 0
    await database.close()


async def test_one_process_at_a_time_and_once_in_an_interval(database: Database) -> None:
    going, went, times = asyncio.Event(), asyncio.Event(), 0

    async def work(_: Database, turn: Turn) -> Outcome:
        nonlocal times
        times += 1
        going.set()
        await went.wait()
        return Outcome(found=7, notes=f"{turn.notes}x")

    duty = Duty(name="slow", every=HOUR, work=work)
    first = asyncio.create_task(perform(database, duty))
    await going.wait()
    assert await perform(database, duty) is None, "another one is at it"
    assert await perform(database, duty, early=True) is None
    went.set()
    assert await first == Outcome(found=7, notes="x")
    assert await perform(database, duty) is None, "it is not due"
    assert await perform(database, duty, early=True) == Outcome(found=7, notes="xx")
    assert times == 2


async def test_whoever_died_at_it_frees_it_in_time(filled_url: str) -> None:
    clock = Clock()
    database = await opened(filled_url, clock)

    async def dies(_: Database, turn: Turn) -> Outcome:
        raise RuntimeError

    async def lives(_: Database, turn: Turn) -> Outcome:
        return Outcome(found=0)

    with pytest.raises(RuntimeError):
        await perform(database, Duty(name="d", every=HOUR, work=dies))
    alive = Duty(name="d", every=HOUR, work=lives)
    clock.now += duties.LEASE - 1
    assert await perform(database, alive) is None
    clock.now += 1
    assert await perform(database, alive) is not None
    await database.close()


@pytest.mark.logs("duty-failed")
async def test_the_loop_goes_on_when_a_duty_fails(database: Database) -> None:
    done = asyncio.Event()

    async def fails(_: Database, turn: Turn) -> Outcome:
        raise RuntimeError

    async def works(_: Database, turn: Turn) -> Outcome:
        done.set()
        return Outcome(found=0)

    both = [Duty(name="a", every=HOUR, work=fails), Duty(name="b", every=HOUR, work=works)]
    loop = Duties(database, both)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(30):
        await done.wait()
        loop.stop()
        await running


async def test_every_process_tells_what_one_has_found(database: Database, filled_url: str) -> None:
    await change(filled_url, "update document set status = 'MOVED' where type = 'invoice'")
    await perform(database, watching.watching(TYPES, HOUR))
    told = (await Metrics(database).exposition()).decode()
    values = dict(line.split() for line in told.splitlines() if line.startswith("hundi_inv"))
    assert float(values["hundi_invariants_broken"]) > 0
    assert abs(float(values["hundi_invariants_checked_timestamp"]) * 1e6 - wall_clock()) < HOUR
