"""A server as we serve, with callers who send it bytes, and seconds that pass when a test says so."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn

from hundi.web.asgi import Receive, Scope, Send, respond
from hundi.web.connections import Connections, Limits
from hundi.web.protocol import config
from tests.until import until

LIMITS = Limits(connections=4, spare=3, head=3, request=6, rest=8, last=1, unsent=4)
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Callers:
    """A server with an application that answers with what it saw, and the calls to it."""

    port: int
    connections: Connections
    seen: list[Scope]
    released: asyncio.Event
    open: list[asyncio.StreamWriter] = field(default_factory=list)
    turned_away: list[str] = field(default_factory=list)

    async def dial(self, sent: bytes = b"") -> "Caller":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        self.open.append(writer)
        caller = Caller(reader, writer)
        await caller.send(sent)
        return caller

    async def pass_seconds(self, count: int) -> None:
        for _ in range(count):
            await settled()
            self.connections.sweep()
        await settled()


@dataclass
class Caller:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        await settled()

    async def status(self) -> int:
        """The next answer's status; its body is read away."""
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            await self.reader.readexactly(length)
        return int(head.split()[1])

    async def ended(self) -> bytes:
        """What came until the server closed."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b"reset"

    @property
    def still_open(self) -> bool:
        return not self.reader._eof and self.reader.exception() is None


async def settled() -> None:
    """Give the loop the turns to carry what was sent over loopback.

    Turns and not time: a machine that stands still has time enough for everything at once.
    """
    for _ in range(15):
        await asyncio.sleep(0.001)


def refusal(answer: bytes) -> tuple[int, str]:
    """Status and code of a refusal that stands for both faces: the envelope, and a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    told = json.loads(body)
    code, status = told["code"], int(head.split()[1])
    assert told["status"] == told["response_code"] == status
    assert told["payload"]["resp"]["errorCd"] == code
    assert told["faults"] == told["payload"]["faults"] != []
    return status, code


def application(
    seen: list[Scope], released: asyncio.Event
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        if scope["path"] == "/body":
            while (message := await receive()).get("more_body"):
                continue
            if message["type"] == "http.disconnect":
                return
        if scope["path"] == "/slow":
            await released.wait()
        body = b"x" * (8 * 2**20) if scope["path"] == "/large" else b"ok"
        await respond(send, 200, body, kind=b"text/plain")

    return answer


@asynccontextmanager
async def serving(limits: Limits = LIMITS) -> AsyncIterator[Callers]:
    """A server that counts no seconds of its own."""
    seen: list[Scope] = []
    released = asyncio.Event()
    turned_away: list[str] = []
    connections = Connections(limits, turned_away=turned_away.append)
    server = uvicorn.Server(config(application(seen, released), connections))
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    running = asyncio.create_task(server._serve([listening]))
    callers = Callers(
        listening.getsockname()[1], connections, seen, released, turned_away=turned_away
    )
    await until(lambda: server.started)
    try:
        yield callers
    finally:
        released.set()
        for writer in callers.open:
            writer.transport.abort()
        server.should_exit = True
        await running


def filler(size: int) -> bytes:
    """Header lines of about a size."""
    return b"".join(b"x-%06d: y\r\n" % number for number in range(size // 13))
