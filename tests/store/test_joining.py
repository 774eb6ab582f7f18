"""What is sent ahead goes out in one write with the statement behind it, over any kind of socket."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hundi.store.engine import Transaction
from hundi.store.joining import Joining, JoiningLoop
from hundi.store.postgres import PostgresDatabase
from hundi.store.statement import Bulk, Statement

_ONE = Statement.both("select 1 as n")
_NOTHING = Bulk.of(
    postgresql="delete from gstin where gstin = $1::jsonb->>0", sqlite="select 1", returns=False
)


async def _transaction(tx: Transaction) -> None:
    await tx.fetch(_ONE)
    await tx.bulks([(_NOTHING, [["none"]])])


async def _known_time(_: object) -> int:
    return 1


async def test_a_transaction_takes_as_many_writes_as_round_trips(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await PostgresDatabase.connect(postgres_url, connections=1)
    await database.write(_transaction)  # the server knows the statements from here on
    monkeypatch.setattr(database._clock, "now", _known_time)  # or it is asked once a second
    written: list[bytes] = []
    send = Joining.write

    def noted(transport: Joining, data: bytes) -> None:
        before = len(transport._kept)
        send(transport, data)
        written.append(bytes(data[:1]) + b"+" * before)

    monkeypatch.setattr(Joining, "write", noted)
    await database.write(_transaction)
    await database.close()
    assert written[:2] == [b"B+", b"B+"], "BEGIN with the statement, the delete with COMMIT"


class Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_a_client_is_given_the_transport_that_joins(kind: str, tmp_path: Path) -> None:
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.set_result(await reader.read())
        writer.close()

    loop = JoiningLoop(asyncio.get_running_loop())
    if kind == "tcp":
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport, protocol = await loop.create_connection(Sink, "127.0.0.1", port)
    else:
        path = str(tmp_path / "socket")
        server = await asyncio.start_unix_server(listen, path)
        transport, protocol = await loop.create_unix_connection(Sink, path)
    assert protocol.transport is transport
    transport.keep(b"a")
    transport.keep(b"b")
    await asyncio.sleep(0.01)
    protocol.transport.write(memoryview(b"c"))
    protocol.transport.write(b"d")
    transport.close()
    assert await asyncio.wait_for(got, 30) == b"abcd"
    server.close()
