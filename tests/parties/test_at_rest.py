"""No table holds a secret in clear; keys change while the network is served."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from hundi.exchange.endpoints import Changes, rotate_secret, set_client
from hundi.kernel.clock import wall_clock
from hundi.kernel.rates import Rates
from hundi.kernel.sealing import Keyring, SealError, keyring_from, new_key
from hundi.parties import access, at_rest
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.parties.tables import client
from hundi.parties.tokens import Tokens
from hundi.store.engine import Database, Transaction
from hundi.store.metadata import metadata
from hundi.store.opening import open_database, sqlite_path
from hundi.store.sqlite import scrub

RANDOM = Random(9).randbytes
OLD, NEW = new_key(RANDOM), new_key(RANDOM)
HEADER = "s3cret-of-the-receiver"


@dataclass
class Store:
    """A database with clients, and every secret that was ever told about them."""

    url: str
    database: Database
    told: set[str] = field(default_factory=set)

    async def add(self, keyring: Keyring) -> NewClient:
        """A client with headers, a rotated secret, tokens and rotated credentials."""
        made = await add_client(
            self.database, name="ERP", endpoint="https://erp.example", random=RANDOM, keyring=keyring
        )  # fmt: skip
        changes = Changes(headers=[f"X-Key: {HEADER}"])
        how = {"keyring": keyring, "random": RANDOM}
        await set_client(self.database, made.client_id, changes, **how)
        fresh = await rotate_secret(self.database, made.client_id, **how)
        tokens = await Tokens(self.database, RANDOM, rates=Rates()).by_password(
            client_id=made.client_id, secret=made.client_secret, address="192.0.2.1",
            username=made.username, password=made.password,
        )  # fmt: skip
        again = await access.rotate_credentials(self.database, made.client_id, random=RANDOM)
        await Tokens(self.database, RANDOM, rates=Rates()).by_client(
            client_id=made.client_id, secret=again["clientSecret"], address="192.0.2.1"
        )
        self.told |= {made.client_secret, made.password, made.webhook_secret, HEADER}
        self.told |= {fresh["webhookSecret"], again["clientSecret"], again["password"]}
        self.told |= {str(tokens["access_token"]), str(tokens["refresh_token"])}
        return made

    async def rows(self) -> list[dict[str, object]]:
        query = sa.select(client).order_by(client.c.client_id)
        return [dict(row) for row in await self.database.read(lambda tx: tx.select(query))]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    database = await open_database(database_url, wall_clock)
    yield Store(database_url, database)
    await database.close()


def files_of(url: str) -> bytes:
    """Every byte of a SQLite file and its log."""
    path = sqlite_path(url)
    assert path is not None
    return b"".join(one.read_bytes() for one in path.parent.glob(path.name + "*"))


async def dump(store: Store) -> str:
    """Every row of every table; of SQLite the files' bytes; of PostgreSQL what pg_dump writes."""
    found = []
    for table in metadata.sorted_tables:
        query = sa.select(table)
        found += [
            str(dict(row)) for row in await store.database.read(lambda tx, q=query: tx.select(q))
        ]
    if store.url.startswith("sqlite"):
        return "\n".join(found) + files_of(store.url).decode("latin-1")
    ran = await asyncio.to_thread(pg_dump, store.url)
    return "\n".join(found) + ran


def pg_dump(url: str) -> str:
    program = shutil.which("pg_dump") or str(max(Path("/usr/lib/postgresql").glob("*/bin/pg_dump")))
    ran = subprocess.run([program, url], capture_output=True, text=True, check=True)
    assert "COPY public.client" in ran.stdout
    return ran.stdout


async def test_a_dump_holds_no_secret(store: Store) -> None:
    await store.add(keyring_from(NEW))
    text = await dump(store)
    assert [secret for secret in store.told if secret in text] == []
    assert len(store.told) == 9
    assert text.count("sealed1.") >= 3


async def test_the_search_finds_what_is_in_clear(store: Store) -> None:
    made = await store.add(keyring_from(NEW))
    await store.database.write(
        lambda tx: tx.execute(sa.update(client).values(webhook_secret=made.webhook_secret))
    )
    assert made.webhook_secret in await dump(store)


async def test_all_is_sealed_under_the_newest_key_and_then_nothing_more(store: Store) -> None:
    for _ in range(3):
        await store.add(keyring_from(OLD))
    both = keyring_from(f"{NEW} {OLD}")
    before = [at_rest.opened(row, c, both) for row in await store.rows() for c in at_rest.SEALED]
    assert await at_rest.reseal(store.database, both, random=RANDOM) == at_rest.Resealed(9, 9)
    assert await at_rest.reseal(store.database, both, random=RANDOM) == at_rest.Resealed(9, 0)
    new = keyring_from(NEW)
    await at_rest.check(store.database, new)
    after = [at_rest.opened(row, c, new) for row in await store.rows() for c in at_rest.SEALED]
    assert before == after


async def test_cut_short_it_goes_on_where_it_stopped(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_rest, "_AT_ONCE", 2)
    made = [await store.add(keyring_from(OLD)) for _ in range(5)]
    last = max(one.client_id for one in made)
    lost = keyring_from(new_key(RANDOM)).seal(
        "x", at_rest.place(last, "webhook_secret"), random=RANDOM
    )
    broken = sa.update(client).where(client.c.client_id == last)
    [row] = [row for row in await store.rows() if row["client_id"] == last]
    await store.database.write(lambda tx: tx.execute(broken.values(webhook_secret=lost)))
    both = keyring_from(f"{NEW} {OLD}")
    with pytest.raises(SealError, match=last):
        await at_rest.reseal(store.database, both, random=RANDOM)
    mended = broken.values(webhook_secret=row["webhook_secret"])
    await store.database.write(lambda tx: tx.execute(mended))
    assert await at_rest.reseal(store.database, both, random=RANDOM) == at_rest.Resealed(15, 3)


async def test_a_wrong_key_is_told_with_the_first_place_and_the_count(store: Store) -> None:
    await store.add(keyring_from(OLD))
    with pytest.raises(SealError, match=r"client/CEK\w+/webhook_secret .*3 secrets"):
        await at_rest.check(store.database, keyring_from(NEW))


async def test_a_secret_that_was_moved_to_another_client_is_not_used(store: Store) -> None:
    keyring = keyring_from(NEW)
    one, two = [await store.add(keyring) for _ in range(2)]
    [mine] = [row for row in await store.rows() if row["client_id"] == one.client_id]
    theirs = sa.update(client).where(client.c.client_id == two.client_id)
    await store.database.write(
        lambda tx: tx.execute(theirs.values(webhook_secret=mine["webhook_secret"]))
    )
    with pytest.raises(SealError, match=two.client_id):
        await at_rest.check(store.database, keyring)


async def test_a_lost_key_is_healed_by_new_secrets(store: Store) -> None:
    made = await store.add(keyring_from(OLD))
    how = {"keyring": keyring_from(NEW), "random": RANDOM}
    told = await set_client(store.database, made.client_id, Changes(), **how)
    assert told["headers"] == "(their key is not among those given)"
    rotated = await rotate_secret(store.database, made.client_id, **how)
    await set_client(store.database, made.client_id, Changes(headers=()), **how)
    await at_rest.check(store.database, keyring_from(NEW))
    [row] = await store.rows()
    assert (row["previous_secret"], row["previous_secret_until"]) == (None, None)
    assert rotated["previousUntil"] is None, "no old secret signs, so none does until a time"


async def test_what_lay_in_clear_is_sealed_and_leaves_no_trace_in_the_file(sqlite_url: str) -> None:
    database = await open_database(sqlite_url, wall_clock)
    store = Store(sqlite_url, database)
    made = await store.add(keyring_from(NEW))
    clear = {"webhook_secret": "whsec_clear-1", "previous_secret": "whsec_clear-2"}
    headers = '{"X-Key": "clear-' + "3" * 9_000 + '"}'
    await database.write(
        lambda tx: tx.execute(sa.update(client).values(**clear, endpoint_headers=headers))
    )
    assert b"clear-1" in files_of(sqlite_url)
    assert await database.read(at_rest.in_clear) == 3
    await at_rest.reseal(database, keyring_from(NEW), random=RANDOM)
    await database.close()
    path = sqlite_path(sqlite_url)
    assert path is not None
    scrub(path)
    raw = files_of(sqlite_url)
    assert [word for word in (b"clear-1", b"clear-2", b"clear-3") if word in raw] == []
    assert made.client_id.encode() in raw


async def test_keys_are_changed_beside_requests_that_are_judged(postgres_url: str) -> None:
    """These hold their clients' rows in another order: each would wait for the other for ever."""
    database = await open_database(postgres_url, wall_clock)
    try:
        await Store(postgres_url, database).add(keyring_from(OLD))
        as_judged = sa.select(client.c.client_id).with_for_update(read=True, key_share=True)

        async def under_way(tx: Transaction) -> at_rest.Resealed:
            await tx.select(as_judged)
            async with asyncio.timeout(30):
                return await at_rest.reseal(database, keyring_from(f"{NEW} {OLD}"), random=RANDOM)

        assert await database.write(under_way) == at_rest.Resealed(3, 3)
    finally:
        await database.close()
