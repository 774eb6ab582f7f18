"""A server that stops lets in whoever is connected, and cuts off nobody."""

import asyncio
import socket
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from hundi.serving.door import shut
from hundi.serving.listening import listen, serve_until
from hundi.web.connections import Connections, limits
from hundi.web.protocol import config
from tests.serving.test_connections import _SETTINGS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can shut the door")

_CALLER = """
import os, socket, sys

with open("/dev/stdin") as told:
    told.readline()
answered = 0
while True:
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as one:
            one.sendall(b"GET /%d HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n" % os.getpid())
            answer = b"".join(iter(lambda: one.recv(4096), b""))
            assert answer.endswith(b"here"), answer
            answered += 1
    except ConnectionRefusedError:
        break
assert answered
"""


def test_who_is_connected_is_let_in_and_who_comes_later_waits() -> None:
    with closing(listen(_SETTINGS)) as listening:
        address = listening.getsockname()
        with socket.create_connection(address, 5) as caller:
            shut(listening)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, 0.3)
            taken, _ = listening.accept()
            with taken:
                caller.sendall(b"after the door was shut")
                taken.settimeout(5)
                assert taken.recv(100) == b"after the door was shut"
            with pytest.raises(BlockingIOError):
                listening.accept()


@pytest.mark.parametrize("_round", range(3))
async def test_nobody_is_cut_off_however_many_come_as_it_stops(_round: int) -> None:
    listening = listen(_SETTINGS)
    connections = Connections(limits(500))
    seen, all_seen = set[str](), asyncio.Event()

    async def here(scope: Any, receive: Any, send: Any) -> None:
        seen.add(scope["path"])
        if len(seen) == len(crowd):
            all_seen.set()
        await _here(scope, receive, send)

    server, stopping = uvicorn.Server(config(here, connections)), asyncio.Event()
    crowd = [_caller(listening.getsockname()[1]) for _ in range(3)]
    serving = asyncio.create_task(
        serve_until(
            stopping, server, listening=listening, connections=connections, kept=lambda: False
        )
    )
    told = [asyncio.create_task(asyncio.to_thread(one.communicate, b"go\n")) for one in crowd]
    async with asyncio.timeout(30):
        await all_seen.wait()
    await asyncio.sleep(0.2)
    stopping.set()
    await serving
    assert [error.decode() for _, error in await asyncio.gather(*told)] == [""] * len(crowd)
    assert [one.returncode for one in crowd] == [0] * len(crowd)


async def test_a_parent_that_goes_meanwhile_leaves_the_door_to_be_shut() -> None:
    listening = listen(_SETTINGS)
    server = uvicorn.Server(config(_here, Connections(limits(500))))
    stopping, held = asyncio.Event(), iter([True, False, False])
    stopping.set()
    with closing(listening.dup()) as parents:
        await serve_until(
            stopping,
            server,
            listening=listening,
            connections=Connections(limits(500)),
            kept=lambda: next(held),
        )
        with pytest.raises(TimeoutError):
            socket.create_connection(parents.getsockname(), 0.3)


def _caller(port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _CALLER, str(port)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def _here(scope: Any, receive: Any, send: Any) -> None:
    length = [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"here"})
