"""A real server on the network's edge: what strangers send costs it little, and it stays answerable."""

import contextlib
import itertools
import re
import resource
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hundi.cli.stage import Http, Process, Stage, call
from hundi.web.connections import SPARE, room_for
from tests.ports import free_port
from tests.until import until_seen

FILES = 512
ROOM = room_for(FILES)
_WITH_FEW_FILES = (
    "import os, resource, sys;"
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES // 2}, {FILES}));"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
MIB = 2**20


@dataclass
class Edge:
    """A serving process that may open few files."""

    port: int
    process: Process

    @property
    def memory(self) -> int:
        """Resident MiB."""
        status = Path(f"/proc/{self.process._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) // 1024

    def dial(self, sent: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), 60)
        made.sendall(sent)
        return made

    def await_room(self) -> None:
        """The closed connections are noticed one turn of the server's loop later, but soon."""
        deadline = time.monotonic() + 30
        while (told := self.ask("/readyz")).status != 200:
            assert told.status == 503
            assert told.body["code"] == "HTTP-OVERLOADED"
            assert time.monotonic() < deadline, "the room of closed connections is not given back"

    def ask(self, path: str) -> Http:
        return call("GET", f"http://127.0.0.1:{self.port}{path}")

    def status(self, path: str) -> int:
        return self.ask(path).status


@pytest.fixture
def edge() -> Iterator[Edge]:
    with Stage(None) as stage:
        stage.command("db", "upgrade")
        port = free_port()
        process = stage.process("edge", "serve", "--port", str(port))
        process._arguments = [sys.executable, "-c", _WITH_FEW_FILES, *process._arguments[1:]]
        process.start(f"http://127.0.0.1:{port}/readyz")
        yield Edge(port, process)


def pour(edge: Edge, beginning: bytes, piece: bytes, *, mebibytes: int) -> int:
    """Send a piece again and again until the server has had enough; how many MiB went out."""
    sent = 0
    with contextlib.suppress(OSError), edge.dial(beginning) as caller:
        while sent < mebibytes * MIB:
            caller.sendall(piece)
            sent += len(piece)
    return sent // MIB


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"x-one: y\r\n" * 10_000),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 100_000),
        (b"GET /", b"y" * 100_000),
        (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000),
    ],
    ids=["headers", "one header", "target", "pipelined"],
)
def test_one_connection_takes_little_memory(edge: Edge, beginning: bytes, piece: bytes) -> None:
    before = edge.memory
    assert pour(edge, beginning, piece, mebibytes=64) < 32
    assert edge.memory - before < 32
    assert edge.status("/healthz") == 200


def test_too_many_connections_leave_it_answerable(edge: Edge) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(ROOM):
            held.enter_context(edge.dial(b"POST /oauth/token HTTP/1.1\r\n"))
        assert edge.status("/healthz") == 200
        assert edge.status("/readyz") == 503
        told = edge.ask("/metrics").body
        assert f'hundi_connections{{state="most"}} {ROOM}.0' in told
        assert 'hundi_turned_away_total{why="crowded"} 1.0' in told
        with edge.dial(b"POST /oauth/token HTTP/1.1\r\n") as spare:
            assert spare.recv(100).startswith(b"HTTP/1.1 408 "), "the spare room is for the quick"
        for _ in range(SPARE + 100):
            held.enter_context(edge.dial())
        with edge.dial() as refused:
            assert refused.recv(100).startswith(b"HTTP/1.1 503 ")
    edge.await_room()


def first_free_handle(pid: int) -> int:
    """The lowest number of no open file, once none is about to be closed.

    Several looks in a row see the same files: between two of them the process may have stood still.
    """
    seen: set[int] = set()
    same = 0
    while same < 4:
        now = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        same = same + 1 if now == seen else 0
        seen = now
        time.sleep(0.2)
    return next(number for number in itertools.count() if number not in seen)


def test_newcomers_are_told_when_no_file_handle_is_left(edge: Edge) -> None:
    process = edge.process._process
    assert process is not None
    assert edge.status("/readyz") == 200
    pid, before = process.pid, resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free_handle(pid), before[1]))
    until_seen(lambda: "no-file-handles" in edge.process.tail())
    for _ in range(20):
        with edge.dial(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n") as newcomer:
            told = newcomer.recv(2000)
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1\r\n" in told
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    edge.await_room()
