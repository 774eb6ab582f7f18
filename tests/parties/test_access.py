"""Who may call: what is revoked ends in every process within five seconds; limits of clients."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
import sqlalchemy as sa

from hundi.kernel.clock import MINUTE, SECOND
from hundi.kernel.faults import RefusedError
from hundi.kernel.rates import BadRateError, Rate, Rates, Use
from hundi.parties import access
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.parties.tables import access_token
from hundi.parties.tokens import GrantError, Tokens
from hundi.store.engine import Database
from tests.clocks import Clock, opened
from tests.keys import KEYRING

RANDOM = Random(8).randbytes
FIVE = 5 * SECOND


@dataclass
class Two:
    """Two serving processes over one database, which both know a client's token. Time stands still."""

    database: Database
    processes: list[Tokens]
    client: NewClient
    now: int

    async def fetch(self, client: NewClient | None = None) -> str:
        one = client or self.client
        told = await self.processes[0].by_password(
            client_id=one.client_id, secret=one.client_secret, address="192.0.2.1",
            username=one.username, password=one.password,
        )  # fmt: skip
        return str(told["access_token"])

    async def works(self, token: str, *, after: int = 0) -> list[bool]:
        """Whether each process believes a token, so long after."""
        ask = [p.client_of(token, self.now + after, use=Use.READS) for p in self.processes]
        return [await one is not None for one in ask]


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[Two]:
    clock = Clock()
    database = await opened(database_url, clock)
    client = await add_client(database, name="ERP", endpoint=None, random=RANDOM, keyring=KEYRING)
    processes = [Tokens(database, RANDOM, rates=Rates(reads=Rate(2, 3))) for _ in range(2)]
    yield Two(database, processes, client, clock.now)
    await database.close()


@pytest.mark.parametrize("how", ["revoke_tokens", "bar", "rotate_credentials", "expiry"])
async def test_what_ends_ends_everywhere_within_five_seconds(two: Two, how: str) -> None:
    other = await add_client(two.database, name="B", endpoint=None, random=RANDOM, keyring=KEYRING)
    token, foreign = await two.fetch(), await two.fetch(other)
    assert await two.works(token) == [True, True]
    if how == "rotate_credentials":
        await access.rotate_credentials(two.database, two.client.client_id, random=RANDOM)
    elif how == "expiry":
        mine = access_token.c.client_id == two.client.client_id
        ended = sa.update(access_token).where(mine).values(expires_at=1)
        await two.database.write(lambda tx: tx.execute(ended))
    else:
        await getattr(access, how)(two.database, two.client.client_id)
    assert await two.works(token, after=FIVE) == [False, False]
    assert await two.works(foreign, after=FIVE) == [True, True]


async def test_a_token_is_not_believed_longer_than_it_lives(two: Two) -> None:
    token = await two.fetch()
    end = two.now + SECOND
    soon = sa.update(access_token).values(expires_at=end)
    await two.database.write(lambda tx: tx.execute(soon))
    assert await two.works(token) == [True, True]
    past = sa.update(access_token).values(expires_at=1)
    await two.database.write(lambda tx: tx.execute(past))
    assert await two.works(token, after=end - two.now) == [False, False]


async def test_a_clock_that_is_set_back_makes_no_token_live_longer(two: Two) -> None:
    token = await two.fetch()
    assert await two.works(token, after=10 * MINUTE) == [True, True]
    await access.revoke_tokens(two.database, two.client.client_id)
    assert await two.works(token) == [False, False]


async def test_a_barred_client_gets_no_token_and_says_so_only_to_itself(two: Two) -> None:
    client_id = two.client.client_id
    await access.bar(two.database, client_id)
    ask = two.processes[0].by_client
    with pytest.raises(GrantError) as refused:
        await two.fetch()
    assert refused.value.error == "unauthorized_client"
    with pytest.raises(GrantError) as refused:
        await ask(client_id=client_id, secret="wrong", address="192.0.2.1")
    assert refused.value.error == "invalid_client"
    told = await access.let_in(two.database, client_id)
    assert told == {"clientId": client_id, "access": "enabled"}
    assert await two.works(await two.fetch()) == [True, True]


async def test_rotated_credentials_work_and_the_old_ones_do_not(two: Two) -> None:
    made = await access.rotate_credentials(two.database, two.client.client_id, random=RANDOM)
    with pytest.raises(GrantError, match="secret is wrong"):
        await two.fetch()
    secret = made["clientSecret"]
    await two.processes[1].by_password(
        client_id=two.client.client_id, secret=secret, address="192.0.2.1",
        username=two.client.username, password=made["password"],
    )  # fmt: skip
    assert made["revokedTokens"] == 0


async def test_revoking_counts_and_ends_refresh_tokens_too(two: Two) -> None:
    await two.fetch()
    told = await access.revoke_tokens(two.database, two.client.client_id)
    assert told["revokedTokens"] == 2
    assert not await two.database.read(lambda tx: tx.select(sa.select(access_token)))


async def test_calls_over_the_limit_are_refused_until_their_time(two: Two) -> None:
    token = await two.fetch()
    [tokens, other] = two.processes
    for _ in range(3):
        assert await tokens.client_of(token, two.now, use=Use.READS)
    with pytest.raises(RefusedError) as refused:
        await tokens.client_of(token, two.now, use=Use.READS)
    assert refused.value.faults[0].code == "CLIENT-RATE"
    assert refused.value.retry_after == 1
    assert await tokens.client_of(token, two.now + SECOND, use=Use.READS)
    for _ in range(50):
        assert await tokens.client_of(token, two.now, use=Use.MESSAGES), "they have no limit here"
    assert await other.client_of(token, two.now, use=Use.READS)


async def test_a_limit_of_its_own_counts_within_five_seconds(two: Two) -> None:
    token, client_id = await two.fetch(), two.client.client_id
    [tokens, _] = two.processes
    assert await tokens.client_of(token, two.now, use=Use.READS)
    told = await access.limit(two.database, client_id, messages="1/1", reads="off")
    assert told == {"clientId": client_id, "messages": "1/1", "reads": "off"}
    now = two.now + FIVE
    for _ in range(50):
        assert await tokens.client_of(token, now, use=Use.READS)
    assert await tokens.client_of(token, now, use=Use.MESSAGES)
    with pytest.raises(RefusedError):
        await tokens.client_of(token, now, use=Use.MESSAGES)
    told = await access.limit(two.database, client_id, messages=None, reads="usual")
    assert told == {"clientId": client_id, "messages": "1/1", "reads": "usual"}
    with pytest.raises(BadRateError):
        await access.limit(two.database, client_id, messages="many", reads=None)


@pytest.mark.parametrize("how", ["revoke_tokens", "bar", "let_in"])
async def test_a_client_that_is_none_is_told(two: Two, how: str) -> None:
    with pytest.raises(RefusedError) as refused:
        await getattr(access, how)(two.database, "CEK0000000")
    assert refused.value.faults[0].code == "CLIENT-UNKNOWN"


@pytest.mark.parametrize("address", ["", "anywhere", "203.0.113.0/24", "203.0.113.7:443"])
async def test_what_is_no_address_is_not_let_in(two: Two, address: str) -> None:
    with pytest.raises(RefusedError) as refused:
        await access.unlock(two.database, two.client.client_id, address=address)
    fault = refused.value.faults[0]
    assert (fault.code, fault.path) == ("CLIENT-ADDRESS", "address")
    assert "203.0.113.7" in fault.detail


async def test_an_address_is_known_however_it_is_spelt(two: Two) -> None:
    told = await access.unlock(two.database, two.client.client_id, address="2001:DB8:0::1")
    assert told["address"] == "2001:db8::1"
