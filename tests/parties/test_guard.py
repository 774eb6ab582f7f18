"""Lock-out on the token call: who guesses waits; who is guessed at does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
import sqlalchemy as sa

from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.kernel.rates import Rates
from hundi.parties import access, guard
from hundi.parties.guard import FREE_OF_ADDRESS, FREE_OF_CLIENT, FREE_OF_PAIR, asker, block
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.parties.tables import token_guard
from hundi.parties.tokens import GrantError, Tokens
from hundi.store.engine import Database
from tests.clocks import Clock, opened
from tests.keys import KEYRING

RANDOM = Random(7).randbytes
HOME, AWAY = "203.0.113.7", "198.51.100.9"


@dataclass
class Door:
    """The token call of two processes over one database, and a client that knows its secret.

    No block ends while a slow machine is still at it: time passes when a test says so.
    """

    clock: Clock
    database: Database
    tokens: Tokens
    other: Tokens
    client: NewClient

    async def ask(self, secret: str = "", *, address: str = AWAY, client_id: str = "", at: int = 0):
        """None for a token, or the refusal: its word, and how long to wait."""
        tokens = (self.tokens, self.other)[at]
        try:
            await tokens.by_client(
                client_id=client_id or self.client.client_id,
                secret=secret or self.client.client_secret,
                address=address,
            )
        except GrantError as refusal:
            return refusal.error, refusal.retry_after
        return None

    async def guess(self, times: int, **how) -> None:
        for number in range(times):
            assert await self.ask(f"wrong{number}", **how) == ("invalid_client", None)

    def later(self, span: int) -> None:
        """Let time pass."""
        self.clock.now += span

    async def rows(self) -> int:
        return len(await self.database.read(lambda tx: tx.select(sa.select(token_guard))))


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    clock = Clock()
    database = await opened(database_url, clock)
    client = await add_client(database, name="ERP", endpoint=None, random=RANDOM, keyring=KEYRING)
    made = [Tokens(database, RANDOM, rates=Rates()) for _ in range(2)]
    yield Door(clock, database, *made, client)
    await database.close()


def test_each_failure_over_the_free_ones_blocks_twice_as_long() -> None:
    spans = [block(over, longest=15 * MINUTE) // SECOND for over in range(-1, 13)]
    assert spans == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert block(10**6, longest=MINUTE) == MINUTE


async def test_who_guesses_waits_in_every_process_and_right_ones_too(door: Door) -> None:
    await door.guess(FREE_OF_PAIR + 1)
    for at in (0, 1):
        assert await door.ask("wrong", at=at) == ("temporarily_unavailable", 1)
        assert await door.ask(at=at) == ("temporarily_unavailable", 1)
    door.later(SECOND)
    await door.guess(1, at=1)
    assert await door.ask() == ("temporarily_unavailable", 2)
    door.later(2 * SECOND)
    assert await door.ask() is None
    await door.guess(FREE_OF_PAIR)
    assert await door.ask() is None, "proving itself has given it its free ones again"


async def test_refused_calls_extend_nothing(door: Door) -> None:
    await door.guess(FREE_OF_PAIR + 1)
    for _ in range(20):
        assert await door.ask("wrong") == ("temporarily_unavailable", 1)
    door.later(SECOND)
    assert await door.ask() is None


async def test_guesses_at_the_same_moment_are_counted_one_by_one(door: Door) -> None:
    found = await asyncio.gather(*(door.ask(f"w{n}", at=n % 2) for n in range(60)))
    assert found.count(("invalid_client", None)) == FREE_OF_PAIR + 1


async def test_a_victim_at_its_own_address_is_never_stopped(door: Door) -> None:
    assert await door.ask(address=HOME) is None
    for number in range(FREE_OF_CLIENT + 1):
        await door.guess(1, address=f"192.0.2.{number}")
    assert await door.ask(address=HOME) is None
    assert await door.ask(address=AWAY) == ("temporarily_unavailable", 1)
    door.later(guard.LONGEST_OF_CLIENT)
    assert await door.ask(address=AWAY) is None, "at a new address it waits a minute at most"


async def test_a_neighbour_behind_the_same_address_stops_no_known_client(door: Door) -> None:
    assert await door.ask(address=HOME) is None
    for number in range(FREE_OF_ADDRESS + 1):
        await door.guess(1, address=HOME, client_id=f"CEKGUESS{number:02}"[:10])
    assert await door.ask(address=HOME) is None
    stranger = await door.ask("x", address=HOME, client_id="CEKNEW0000")
    assert stranger is not None
    assert stranger[0] == "temporarily_unavailable"
    assert await door.ask(address=AWAY) is None


async def test_an_address_is_forgotten_in_time(door: Door) -> None:
    assert await door.ask(address=HOME) is None
    door.later(31 * DAY)
    for number in range(FREE_OF_CLIENT + 1):
        await door.guess(1, address=f"192.0.2.{number}")
    assert (await door.ask(address=HOME) or ("",))[0] == "temporarily_unavailable"
    door.later(HOUR)
    assert await door.ask(address=HOME) is None


async def test_unknown_clients_are_stopped_alike(door: Door) -> None:
    for name in ("CEKNOBODY0", "no-id-at-all", "x" * 500, door.client.client_secret):
        await door.guess(FREE_OF_PAIR + 1, client_id=name, address=name[:3])
        assert await door.ask("wrong", client_id=name, address=name[:3]) == (
            "temporarily_unavailable", 1,
        )  # fmt: skip
    kept = await door.database.read(lambda tx: tx.select(sa.select(token_guard)))
    assert door.client.client_secret not in str([dict(row) for row in kept])


def test_an_ipv6_customer_is_one_address() -> None:
    assert asker("A", "2001:db8::1").address == asker("A", "2001:db8::ffff:2").address
    assert asker("A", "2001:db8::1").address != asker("A", "2001:db8:0:1::1").address
    assert asker("A", "::ffff:192.0.2.1").address == asker("A", "192.0.2.1").address
    assert len(asker("A", "x" * 5000).address) == 100


async def test_the_operator_ends_it(door: Door) -> None:
    for number in range(FREE_OF_CLIENT + 1):
        await door.guess(1, address=f"192.0.2.{number}")
    await door.guess(0)
    assert (await door.ask() or ("",))[0] == "temporarily_unavailable"
    await access.unlock(door.database, door.client.client_id, address=AWAY)
    assert await door.ask() is None


async def test_what_is_old_or_too_much_is_forgotten(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await door.guess(3)
    assert await door.database.write(lambda tx: guard.purge(tx, 100)) == 0
    door.later(HOUR)
    assert await door.database.write(lambda tx: guard.purge(tx, 100)) == 3
    assert await door.rows() == 0
    assert await door.ask() is None
    door.later(31 * DAY)
    assert await door.database.write(lambda tx: guard.purge(tx, 100)) == 1


async def test_a_free_failure_stops_nobody_who_came_a_moment_before(door: Door) -> None:
    """Two are judged at a time: the one that began first may have its turn behind the other's failure."""
    await door.guess(1)
    door.later(-SECOND)
    assert await door.ask() is None
