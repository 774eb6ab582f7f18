"""A URL with several hosts: the one that takes writes is found, however the others fail."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hundi.kernel.clock import wall_clock
from hundi.store import hosts as finding
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


@pytest.fixture
def asked(silent: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that are asked. All but the silent one have time: this machine may stand still."""
    connect, urls = asyncpg.connect, list[str]()

    async def noted(url: str, *, timeout: float, **settings: Any) -> object:  # noqa: ASYNC109
        urls.append(url)
        return await connect(url, timeout=timeout if silent in url else 60, **settings)

    monkeypatch.setattr(asyncpg, "connect", noted)
    return urls


async def test_neither_a_dead_nor_a_silent_host_keeps_from_the_living(
    postgres_url: str, silent: str, asked: list[str]
) -> None:
    for first in ("127.0.0.1:1", silent):
        url = behind(first, postgres_url)
        await asyncio.to_thread(upgrade, url)  # migrations, and what commands do
        database = await open_database(url, wall_clock)
        assert await is_current(database)
        await database.close()


async def test_the_host_that_answered_is_asked_first(
    postgres_url: str, silent: str, asked: list[str]
) -> None:
    hosts = Hosts(behind(silent, postgres_url))
    for _ in range(2):
        await (await hosts.connect()).close()
    assert [silent in url for url in asked] == [True, False, False]


async def test_who_takes_no_writes_is_passed_over(postgres_url: str) -> None:
    read_only = "?options=-c%20default_transaction_read_only%3Don&target_session_attrs=any"
    with pytest.raises(UnavailableError, match="read-write"):
        await PostgresDatabase.connect(postgres_url + read_only)


async def test_of_several_hosts_each_is_told_and_no_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "CONNECT_SECONDS", 60)
    with pytest.raises(UnavailableError) as failed:
        await PostgresDatabase.connect("postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/d")
    assert "127.0.0.1:1: ConnectionRefused" in str(failed.value)
    assert "127.0.0.1:2: ConnectionRefused" in str(failed.value)
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("u:secret@127.0.0.1:1", "127.0.0.1:1: "),
        ("u:secret@[::1]:1", "[::1]:1: "),
        ("127.0.0.1:1", "127.0.0.1:1: "),
        ("u:secret@nowhere.invalid", "nowhere.invalid:5432: "),
        ("u:secret@nowhere.invalid:", "nowhere.invalid:5432: "),
    ],
)
async def test_a_host_alone_is_told_with_its_port_too(place: str, named: str) -> None:
    with pytest.raises(UnavailableError) as failed:
        await Hosts(f"postgresql://{place}/d").connect()
    assert str(failed.value).startswith(named)
    assert "secret" not in str(failed.value)


async def _refused(*_: object, **__: object) -> None:
    raise ConnectionRefusedError


async def test_what_the_driver_takes_of_the_environment_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asyncpg, "connect", _refused)
    monkeypatch.setenv("PGHOST", "db.internal")
    monkeypatch.setenv("PGPORT", "6432")
    with pytest.raises(UnavailableError, match=r"^db\.internal:6432: ConnectionRefusedError"):
        await Hosts("postgresql:///d").connect()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql:///d?host=127.0.0.1&port=1&password=secret", "127.0.0.1:1: "),
        ("postgresql:///d", "no host in the URL: "),
        ("postgresql:///d?host=127.0.0.1,127.0.0.1&port=1,2", "127.0.0.1,127.0.0.1:1,2: "),
    ],
)
async def test_a_host_that_is_an_option_is_told_as_well(
    url: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncpg, "connect", _refused)  # a PostgreSQL may run on this machine
    with pytest.raises(UnavailableError) as failed:
        await Hosts(url).connect()
    assert str(failed.value).startswith(named)
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("option", ["sslmode=verify-full&sslrootcert", "sslmode=require&sslcert"])
async def test_a_certificate_that_is_not_there_is_told_with_the_options_to_look_at(
    tmp_path: Path, option: str
) -> None:
    missing = tmp_path / "missing.pem"
    url = f"postgresql://u@127.0.0.1:1/d?{option}={missing}"
    with pytest.raises(UnavailableError, match="look at sslrootcert, sslcert and sslkey") as failed:
        await Hosts(url).connect()
    assert str(failed.value).startswith("127.0.0.1:1: FileNotFoundError: ")


async def test_a_socket_that_is_not_there_is_no_matter_of_certificates(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as failed:
        await Hosts(f"postgresql://u@/d?host={tmp_path}").connect()
    assert str(failed.value).startswith(f"{tmp_path}:5432: FileNotFoundError: ")
    assert "sslrootcert" not in str(failed.value)


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
