"""A flood of unknown tokens or guesses takes a few connections; it keeps nobody out who is known."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from hundi.kernel.clock import SECOND, wall_clock
from hundi.kernel.rates import Rates, Use
from hundi.parties import access, tokens
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.parties.tokens import AT_ONCE, GrantError, Tokens
from hundi.store.batch import OverloadedError
from hundi.store.engine import Database
from hundi.store.opening import open_database
from tests.keys import KEYRING

RANDOM = Random(9).randbytes
MANY = 40


class Counting:
    """A database that tells how many read at once. While it is `shut`, reads begin and do not end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = asyncio.Event()
        self._open.set()
        self.reading = self.most = self.reads = 0
        self.write = database.write

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def read(self, work: Any) -> Any:
        self.reading += 1
        self.reads += 1
        self.most = max(self.most, self.reading)
        try:
            await self._open.wait()
            return await self._database.read(work)
        finally:
            self.reading -= 1


@dataclass
class Door:
    database: Database
    counting: Counting
    tokens: Tokens
    client: NewClient
    now: int

    async def issued(self, by: Tokens | None = None) -> str:
        told = await (by or self.tokens).by_client(
            client_id=self.client.client_id, secret=self.client.client_secret, address="192.0.2.1"
        )
        return str(told["access_token"])

    async def whose(self, token: str, *, after: int = 0) -> str | None:
        return await self.tokens.client_of(token, self.now + after, use=Use.READS)

    async def guess(self, number: int) -> str:
        try:
            await self.tokens.by_client(
                client_id="CEKAAAAAAA", secret="wrong", address=f"192.0.2.{number}"
            )
        except GrantError as refusal:
            return refusal.error
        return ""

    async def flood(self) -> list[asyncio.Task[Any]]:
        """Unknown tokens and guesses, as many as ever: the first of them read, and do not come to an end."""
        self.counting.shut()
        asked = [asyncio.create_task(self.whose(f"unknown{n}")) for n in range(MANY)]
        asked += [asyncio.create_task(self.guess(n)) for n in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        return asked


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    database = await open_database(database_url, wall_clock)
    client = await add_client(database, name="ERP", endpoint=None, random=RANDOM, keyring=KEYRING)
    counting = Counting(database)
    yield Door(
        database, counting, Tokens(counting, RANDOM, rates=Rates()), client, wall_clock()  # type: ignore[arg-type]
    )  # fmt: skip
    await database.close()


async def test_unknown_tokens_and_guesses_take_a_few_connections(door: Door) -> None:
    asked = await door.flood()
    assert door.counting.reading == AT_ONCE
    door.counting.open()
    told = await asyncio.gather(*asked)
    assert told == [None] * MANY + ["invalid_client"] * 5
    assert door.counting.most == AT_ONCE


async def test_who_is_known_does_not_wait_behind_them(door: Door) -> None:
    """Believed still, to be looked up again, or issued here and never used: none is a stranger."""
    believed, fresh = await door.issued(), await door.issued()
    assert await door.whose(believed)
    asked = await door.flood()
    assert await door.whose(believed) == door.client.client_id
    again = asyncio.create_task(door.whose(believed, after=6 * SECOND))
    first = asyncio.create_task(door.whose(fresh))
    await asyncio.sleep(0)
    assert door.counting.reading == AT_ONCE + 2
    door.counting.open()
    assert await again == await first == door.client.client_id
    await asyncio.gather(*asked)


async def test_a_token_of_another_process_is_found_behind_a_flood(door: Door) -> None:
    """It may have been asked for a moment before it was issued: nothing remembers that it was unknown."""
    other = Tokens(door.database, Random(7).randbytes, rates=Rates())
    token = await Tokens(door.database, Random(7).randbytes, rates=Rates()).by_client(
        client_id=door.client.client_id, secret=door.client.client_secret, address="192.0.2.1"
    )
    await access.revoke_tokens(door.database, door.client.client_id)
    assert await door.whose(str(token["access_token"])) is None
    assert await door.issued(other) == token["access_token"]
    asked = await door.flood()
    mine = asyncio.create_task(door.whose(str(token["access_token"])))
    door.counting.open()
    assert await mine == door.client.client_id
    await asyncio.gather(*asked)


async def test_one_read_serves_all_who_come_with_a_token(door: Door) -> None:
    token = await door.issued()
    before = door.counting.reads
    found = await asyncio.gather(*(door.whose(token) for _ in range(MANY)))
    assert found == [door.client.client_id] * MANY
    assert door.counting.reads - before <= AT_ONCE


async def test_a_token_that_has_ended_is_a_stranger_s(door: Door) -> None:
    token = await door.issued()
    assert await door.whose(token)
    await access.revoke_tokens(door.database, door.client.client_id)
    assert await door.whose(token, after=6 * SECOND) is None
    asked = await door.flood()
    late = asyncio.create_task(door.whose(token, after=6 * SECOND))
    await asyncio.sleep(0)
    assert door.counting.reading == AT_ONCE
    door.counting.open()
    assert await late is None
    await asyncio.gather(*asked)


async def test_too_many_who_wait_are_told_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "WAITING_AT_MOST", MANY + 5 - AT_ONCE)
    door.tokens = Tokens(door.counting, RANDOM, rates=Rates())  # type: ignore[arg-type]
    asked = await door.flood()
    with pytest.raises(OverloadedError):
        await door.whose("one more")
    with pytest.raises(OverloadedError):
        await door.guess(6)
    door.counting.open()
    await asyncio.gather(*asked)
    assert await door.whose("one more") is None
