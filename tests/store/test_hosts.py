"""A URL with several hosts: the one that takes writes is found, however the others fail."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from hundi.kernel.clock import wall_clock
from hundi.store.engine import Transaction, UnavailableError
from hundi.store.hosts import Hosts, apart
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import BadUrlError, open_database, sqlite_path
from hundi.store.postgres import PostgresDatabase, PostgresTransaction
from hundi.store.statement import Statement

WRITE = Statement.both("create table written (one int)")


def behind(first: str, url: str) -> str:
    """The URL with another host before its own."""
    user, _, rest = url.partition("@")
    return f"{user}@{first},{rest}"


def test_hosts_share_all_but_their_name() -> None:
    assert apart("postgresql://u:p%40@h1,h2:5433,[::1]:5/d?sslmode=require") == [
        "postgresql://u:p%40@h1/d?sslmode=require",
        "postgresql://u:p%40@h2:5433/d?sslmode=require",
        "postgresql://u:p%40@[::1]:5/d?sslmode=require",
    ]
    assert apart("postgresql:///d") == ["postgresql:///d"]


@pytest.mark.parametrize("hosts", ["h1,", ",h1", "h1,:5", "h1,h2:0", "h1,h2:x"])
def test_every_host_has_a_name(hosts: str) -> None:
    with pytest.raises(BadUrlError, match="several hosts"):
        sqlite_path(f"postgresql://u@{hosts}/d")


@pytest.fixture
def silent() -> Iterator[str]:
    """A host that lets callers in and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_neither_a_dead_nor_a_silent_host_keeps_from_the_living(
    postgres_url: str, silent: str
) -> None:
    for first in ("127.0.0.1:1", silent):
        url = behind(first, postgres_url)
        await asyncio.to_thread(upgrade, url)  # migrations, and what commands do
        database = await open_database(url, wall_clock)
        assert await is_current(database)
        await database.close()


async def test_the_host_that_answered_is_asked_first(postgres_url: str, silent: str) -> None:
    hosts = Hosts(behind(silent, postgres_url))
    await (await hosts.connect()).close()
    began = time.monotonic()
    await (await hosts.connect()).close()
    assert time.monotonic() - began < 1


async def test_who_takes_no_writes_is_passed_over(postgres_url: str) -> None:
    read_only = "?options=-c%20default_transaction_read_only%3Don&target_session_attrs=any"
    with pytest.raises(UnavailableError, match="read-write"):
        await PostgresDatabase.connect(postgres_url + read_only)


async def test_of_several_hosts_each_is_told_and_no_password() -> None:
    with pytest.raises(UnavailableError) as failed:
        await PostgresDatabase.connect("postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/d")
    assert "127.0.0.1:1: ConnectionRefused" in str(failed.value)
    assert "127.0.0.1:2: ConnectionRefused" in str(failed.value)
    assert "secret" not in str(failed.value)


async def test_a_connection_that_may_only_read_is_given_up(postgres_url: str) -> None:
    database = await PostgresDatabase.connect(postgres_url, connections=1)

    async def demote(tx: Transaction) -> None:
        assert isinstance(tx, PostgresTransaction)
        await tx._connection.execute("set default_transaction_read_only = on")
        await tx._connection.execute("commit")

    async def write(tx: Transaction) -> None:
        await tx.fetch(WRITE)

    await database.read(demote)
    with pytest.raises(UnavailableError, match="ReadOnly"):
        await database.write(write)
    await database.write(write)  # on a new connection
    await database.close()


async def test_a_machine_that_vanishes_is_noticed(postgres_url: str) -> None:
    connection = await Hosts(postgres_url).connect()
    its = connection._transport.get_extra_info("socket")
    assert its.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        assert its.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 11_000
    await connection.close()
