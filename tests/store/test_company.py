"""Group commit: who shares a transaction with whom, while another one is under way."""

import asyncio
from collections.abc import Sequence

from hundi.store.batch import COMPANY, LINGER_SECONDS, GroupCommit
from hundi.store.engine import Transaction
from hundi.store.postgres import PostgresDatabase
from tests.until import until


class Work:
    """Notes the sizes of batches; each goes on while `held` is not set."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.held = asyncio.Event()

    async def __call__(self, _: Transaction, members: Sequence[int]) -> Sequence[int]:
        self.sizes.append(len(members))
        await self.held.wait()
        return members


async def begun(
    url: str, *, company: int = COMPANY, linger: float = LINGER_SECONDS
) -> tuple[PostgresDatabase, Work, GroupCommit[int, int]]:
    """A group commit of three lanes with one batch under way."""
    database = await PostgresDatabase.connect(url)
    work = Work()
    commit: GroupCommit[int, int] = GroupCommit(
        database,
        work,
        keys=lambda member: [member],
        lanes=3,
        company=company,
        linger=linger,
        patience=60,
    )
    return database, work, commit


async def under_way(work: Work, batches: int) -> None:
    await until(lambda: len(work.sizes) >= batches)


async def test_the_first_waits_for_nobody_and_the_next_for_company(postgres_url: str) -> None:
    database, work, commit = await begun(postgres_url)
    members = [asyncio.create_task(commit.submit(0))]
    await under_way(work, 1)
    members += [asyncio.create_task(commit.submit(n)) for n in (1, 2, 3)]
    await under_way(work, 2)  # not for the first to end: it does not
    assert work.sizes == [1, 3]
    work.held.set()
    assert await asyncio.gather(*members) == [0, 1, 2, 3]
    await database.close()


async def test_enough_members_do_not_linger(postgres_url: str) -> None:
    database, work, commit = await begun(postgres_url, linger=60)
    members = [asyncio.create_task(commit.submit(0))]
    await under_way(work, 1)
    members += [asyncio.create_task(commit.submit(n)) for n in range(1, COMPANY)]
    await asyncio.sleep(0.05)
    assert work.sizes == [1]
    members.append(asyncio.create_task(commit.submit(COMPANY)))
    await under_way(work, 2)
    assert work.sizes == [1, COMPANY]
    work.held.set()
    assert await asyncio.gather(*members) == list(range(COMPANY + 1))
    await database.close()


async def test_how_many_do_not_linger_is_the_callers_to_say(postgres_url: str) -> None:
    database, work, commit = await begun(postgres_url, company=COMPANY + 2, linger=60)
    members = [asyncio.create_task(commit.submit(0))]
    await under_way(work, 1)
    members += [asyncio.create_task(commit.submit(n)) for n in range(1, COMPANY + 2)]
    await asyncio.sleep(LINGER_SECONDS + 0.05)
    assert work.sizes == [1]
    members.append(asyncio.create_task(commit.submit(COMPANY + 2)))
    await under_way(work, 2)
    assert work.sizes == [1, COMPANY + 2]
    work.held.set()
    assert await asyncio.gather(*members) == list(range(COMPANY + 3))
    await database.close()


async def test_how_long_one_lingers_is_the_callers_to_say(postgres_url: str) -> None:
    database, work, commit = await begun(postgres_url, linger=0.3)
    members = [asyncio.create_task(commit.submit(0))]
    await under_way(work, 1)
    members.append(asyncio.create_task(commit.submit(1)))
    asked = asyncio.get_running_loop().time()
    await under_way(work, 2)
    assert asyncio.get_running_loop().time() - asked > 0.25
    work.held.set()
    assert await asyncio.gather(*members) == [0, 1]
    await database.close()


async def test_who_lingers_goes_when_the_other_has_ended(postgres_url: str) -> None:
    database, work, commit = await begun(postgres_url, linger=60)
    members = [asyncio.create_task(commit.submit(n)) for n in range(2)]
    await under_way(work, 1)
    members.append(asyncio.create_task(commit.submit(2)))
    work.held.set()
    assert await asyncio.gather(*members) == [0, 1, 2]
    assert sum(work.sizes) == 3
    await database.close()
