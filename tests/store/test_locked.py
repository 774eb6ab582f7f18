"""A row that a process keeps which stands still: what does not need it is done meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hundi.store import batch
from hundi.store.batch import PATIENCE_SECONDS, GroupCommit
from hundi.store.engine import (
    CommitUnknownError,
    LockedError,
    Transaction,
    UnavailableError,
)
from hundi.store.postgres import SETTINGS
from hundi.store.statement import Statement
from tests.exchange.scene import scene

_LOCK = Statement.both(
    "select client_id from client where client_id = any($1::text[]) order by client_id for update"
)
_ADVISED = Statement.both("select pg_advisory_xact_lock(n::bigint) from unnest($1::text[]) n")


async def locks(tx: Transaction, names: Sequence[str]) -> list[str]:
    await tx.fetch(_LOCK, list(names))
    return list(names)


@asynccontextmanager
async def buyer_kept(url: str) -> AsyncIterator[None]:
    """Somebody else keeps the buyer's row."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("select 1 from client where client_id = 'buyer' for update")
            yield
    finally:
        await connection.close()


async def needs_numbers(tx: Transaction, members: Sequence[int]) -> list[int]:
    """Work of which each member needs the lock of its own number."""
    await tx.fetch(_ADVISED, [str(member) for member in sorted(members)])
    return list(members)


@asynccontextmanager
async def numbers_kept(url: str, numbers: Sequence[int]) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    try:
        for number in numbers:
            await connection.execute(f"select pg_advisory_lock({number})")
        yield
    finally:
        await connection.close()


def test_a_row_is_not_waited_for_as_long_as_a_caller_waits() -> None:
    """The others of its batch are to be served in time."""
    assert int(SETTINGS["lock_timeout"]) / 1000 + 2 < PATIENCE_SECONDS


async def test_the_others_of_a_batch_are_served(postgres_url: str) -> None:
    """And without waiting for the row, where it is known who needs it."""
    tried: list[Sequence[str]] = []

    async def work(tx: Transaction, names: Sequence[str]) -> list[str]:
        tried.append(names)
        return await locks(tx, names)

    async with scene(postgres_url) as stage:
        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, work, keys=lambda name: [name], company=1, patience=60
        )
        async with buyer_kept(postgres_url):
            await the_others_are_served(commit)
            assert ["buyer", "supplier"] in tried
            tried.clear()
            await the_others_are_served(commit)
            assert ["buyer", "supplier"] not in tried, "it is known now who goes alone"
        assert await commit.submit("buyer") == "buyer"


async def the_others_are_served(commit: GroupCommit[str, str]) -> None:
    first = commit.enter("stranger")
    together = [commit.enter("buyer"), commit.enter("supplier")]
    assert (await first, await together[1]) == ("stranger", "supplier")
    with pytest.raises(LockedError):
        await together[0]


async def test_a_whole_batch_that_is_locked_gives_up_in_time(postgres_url: str) -> None:
    """And not after a tenth of a second for each of its members."""
    tried: list[Sequence[int]] = []
    async with scene(postgres_url) as stage, buyer_kept(postgres_url):

        async def work(tx: Transaction, members: Sequence[int]) -> Sequence[int]:
            tried.append(members)
            await locks(tx, ["buyer"])
            return members

        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, work, keys=lambda member: [member], company=1
        )
        began = time.monotonic()
        ends = await asyncio.gather(*map(commit.submit, range(129)), return_exceptions=True)
        told = Counter(type(one) for one in ends)
        assert told.keys() <= {LockedError, CommitUnknownError, UnavailableError}
        unknown = {n for n, end in enumerate(ends) if isinstance(end, CommitUnknownError)}
        under_way = set().union(*tried[-2:])  # when the first lost patience, and when the last did
        assert unknown <= under_way, "of those that are not under way all is known"
        await commit.drained()
        assert time.monotonic() - began < 3 * PATIENCE_SECONDS


async def test_those_who_go_by_themselves_hold_up_nobody_and_none_of_them(
    postgres_url: str,
) -> None:
    """However many they are: one at a time, every other turn."""
    async with scene(postgres_url) as stage:
        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, locks, keys=lambda name: [name], company=1, patience=60
        )
        for name in (*(f"c{number}" for number in range(30)), "buyer"):
            commit._suspects._locked[name] = time.monotonic() + 60
        async with buyer_kept(postgres_url):
            alone = [commit.enter(f"c{number}") for number in range(30)]
            kept, other = commit.enter("buyer"), commit.enter("supplier")
            assert await other == "supplier"
            assert sum(one.done() for one in alone) <= 2
            ends = await asyncio.gather(*alone, kept, return_exceptions=True)
        assert ends[:-1] == [f"c{number}" for number in range(30)]
        assert isinstance(ends[-1], LockedError)


@pytest.mark.parametrize("locked", [range(16), range(40, 56), range(0, 64, 4)])
async def test_however_many_are_locked_and_wherever_they_stand(
    postgres_url: str, locked: range
) -> None:
    async with scene(postgres_url) as stage, numbers_kept(postgres_url, locked):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, needs_numbers, keys=lambda number: [number], company=1, patience=20
        )
        first = commit.enter(99)  # the others come together behind it
        ends = await asyncio.gather(*map(commit.submit, range(64)), return_exceptions=True)
        assert await first == 99
        for number, end in enumerate(ends):
            assert isinstance(end, LockedError) if number in locked else end == number


async def test_what_many_need_is_found_once(postgres_url: str) -> None:
    """A row that no key names, as a client's: who needs it goes by himself from then on, until it is free."""
    async with scene(postgres_url) as stage:
        tried: list[Sequence[int]] = []

        async def work(tx: Transaction, members: Sequence[int]) -> list[int]:
            tried.append(members)
            await needs_numbers(tx, sorted({member % 10 for member in members}))
            return list(members)

        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, work, keys=lambda n: [n], needs=lambda n: [n % 10], company=1,
            patience=60,
        )  # fmt: skip
        async with numbers_kept(postgres_url, [7]):
            with pytest.raises(LockedError):
                await commit.submit(7)
            ends = await asyncio.gather(*map(commit.submit, range(10, 40)), return_exceptions=True)
            assert all(len(batch) == 1 for batch in tried if any(n % 10 == 7 for n in batch))
            for number, end in enumerate(ends, 10):
                assert isinstance(end, LockedError) if number % 10 == 7 else end == number
        assert await commit.submit(47) == 47
        assert not commit._suspects.among([], time.monotonic())
        assert not commit._suspects._locked, "one got through"


async def test_an_outcome_that_needed_no_lock_clears_nobody(postgres_url: str) -> None:
    """A replay is had before the rows are looked at that its request would need."""
    async with scene(postgres_url) as stage:

        async def work(tx: Transaction, members: Sequence[int]) -> list[str]:
            await needs_numbers(tx, [7 for member in members if member != 17])
            return ["replayed" if member == 17 else "done" for member in members]

        commit: GroupCommit[int, str] = GroupCommit(
            stage.database, work, keys=lambda n: [n], needs=lambda n: [n % 10],
            proves=lambda outcome: outcome == "done", company=1, patience=60,
        )  # fmt: skip
        async with numbers_kept(postgres_url, [7]):
            with pytest.raises(LockedError):
                await commit.submit(7)
            assert await commit.submit(17) == "replayed"
            assert commit._suspects._locked
        assert await commit.submit(27) == "done"
        assert not commit._suspects._locked


async def test_locked_rows_that_are_found_one_after_the_other(postgres_url: str) -> None:
    """Nobody has marked them yet: each costs a batch a wait, and the first one alone a long one."""
    async with scene(postgres_url) as stage, numbers_kept(postgres_url, range(12)):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, needs_numbers, keys=lambda number: [number], lanes=2, patience=20
        )
        futures: list[asyncio.Future[int]] = []
        for step in range(48):
            futures += [commit.enter(1000 + 10 * step + n) for n in range(8)]
            if step % 4 == 0:
                futures.append(commit.enter(step // 4))
            await asyncio.sleep(0.1)
        ends = await asyncio.gather(*futures, return_exceptions=True)
    assert sum(isinstance(end, Exception) for end in ends) == 12


async def test_one_members_mistake_and_locked_rows_together(postgres_url: str) -> None:
    """Who goes by himself after another's mistake waits for no lock either as long as a caller would."""

    async def work(tx: Transaction, members: Sequence[int]) -> list[int]:
        if 50 in members:
            raise KeyError("a message of a newer version")
        return await needs_numbers(tx, members)

    async with scene(postgres_url) as stage, numbers_kept(postgres_url, range(8)):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, work, keys=lambda number: [number], company=1, patience=60
        )
        began = time.monotonic()
        first = commit.enter(99)
        ends = await asyncio.gather(*map(commit.submit, range(60)), return_exceptions=True)
        assert await first == 99
        assert time.monotonic() - began < 12, "two seconds for each would be sixteen"
    assert [type(end) for end in ends[:8]] == [LockedError] * 8
    assert isinstance(ends[50], KeyError)
    assert [end for end in ends[8:] if end is not ends[50]] == [n for n in range(8, 60) if n != 50]


async def test_who_needs_two_documents_is_not_overtaken_on_either(postgres_url: str) -> None:
    """Others keep each of them busy, one after the other, in two lanes."""
    async with scene(postgres_url) as stage:
        done: list[str] = []

        async def work(_: Transaction, members: Sequence[str]) -> Sequence[str]:
            await asyncio.sleep(0.02)
            done.extend(members)
            return members

        commit: GroupCommit[str, str] = GroupCommit(
            stage.database, work, keys=list, lanes=2, company=1, patience=60
        )
        busy = [commit.enter("a"), commit.enter("b")]
        both = commit.enter("ab")
        for _ in range(20):
            busy += [commit.enter("a"), commit.enter("b")]
            await asyncio.sleep(0.015)
        await asyncio.gather(both, *busy)
        assert done.index("ab") <= 4


async def test_a_suspect_of_another_client_need_not_wait_behind_many(postgres_url: str) -> None:
    """They go by turns of their owners, and who got through is none any more."""
    async with scene(postgres_url) as stage, numbers_kept(postgres_url, range(40)):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database,
            needs_numbers,
            keys=lambda n: [n],
            owner=lambda n: n < 40,
            company=1,
            patience=60,
        )
        for number in range(41):
            commit._suspects._locked[number] = time.monotonic() + 60
        many = [commit.enter(number) for number in range(40)]
        assert await commit.submit(40) == 40
        assert sum(one.done() for one in many) <= 3
        assert 40 not in commit._suspects._locked, "it got through"
        assert {type(one) for one in await asyncio.gather(*many, return_exceptions=True)} == {
            LockedError
        }


@pytest.mark.logs("batch-not-heard")
async def test_what_a_listener_makes_of_it_changes_nothing(postgres_url: str) -> None:
    async with scene(postgres_url) as stage:

        def stumbles(*_: object) -> None:
            raise KeyError("a mistake")

        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, needs_numbers, keys=lambda n: [n], ended=stumbles, watch=stumbles
        )
        assert await commit.submit(1) == 1
        await commit.drained()


async def test_short_waits_in_vain_do_not_prolong_the_alarm(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the slow commits of others would have everybody wait briefly for good."""
    monkeypatch.setattr(batch, "LOCKED_SECONDS", 1)
    async with scene(postgres_url) as stage, numbers_kept(postgres_url, [7]):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, needs_numbers, keys=lambda n: [n], company=1, patience=60
        )
        with pytest.raises(LockedError):
            await commit.submit(7)
        until = commit._alarmed_until
        for _ in range(3):
            with pytest.raises(LockedError):
                await commit.submit(7)
        assert commit._alarmed_until == until


@pytest.mark.logs("needs-not-known")
async def test_one_whose_needs_cannot_be_told_stops_nobody(postgres_url: str) -> None:
    def needs(number: int) -> list[int]:
        if number == 3:
            raise KeyError("a message of a newer version")
        return [number]

    async with scene(postgres_url) as stage, numbers_kept(postgres_url, [7]):
        commit: GroupCommit[int, int] = GroupCommit(
            stage.database, needs_numbers, keys=lambda n: [n], needs=needs, company=1, patience=60
        )
        with pytest.raises(LockedError):
            await commit.submit(7)
        assert await asyncio.gather(*map(commit.submit, range(6))) == list(range(6))
