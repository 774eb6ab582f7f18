"""Receivers on loopback sockets, written byte by byte: well-behaved ones and nasty ones."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

CERTIFICATES = Path(__file__).parent / "certificates"
PATIENT = 60
"""Seconds for an attempt that ends by itself: more than a machine stands still that has much to do."""


@dataclass
class Received:
    """One request as it arrived; header names in lower case, in their order."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for known, value in self.headers if known == name]


@dataclass
class Receiver:
    """What one receiver saw. `requests` counts also those that got no answer."""

    port: int = 0
    connections: int = 0
    requests: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Base URL of the receiver over plain HTTP."""
        return f"http://127.0.0.1:{self.port}"


Behaviour = Callable[[Receiver, asyncio.StreamWriter], Awaitable[None]]
"""What a receiver does after each request; it may write what it likes, and close."""


def says(answer: bytes) -> Behaviour:
    """Write the same bytes after each request and keep the connection."""

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole response with its right length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection in the rude way, with RST."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def certified(name: str) -> ssl.SSLContext:
    """A server's context with one of the certificates beside this file."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


def trusting(*names: str) -> ssl.SSLContext:
    """A client's context that trusts some of the certificates and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in names:
        context.load_verify_locations(CERTIFICATES / f"{name}.pem")
    return context


@asynccontextmanager
async def receiving(
    behave: Behaviour, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """A receiver on a free port while the block runs."""
    receiver = Receiver()
    open_now: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        receiver.connections += 1
        try:
            await _serve(receiver, behave, reader=reader, writer=writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            open_now.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, backlog=1024)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tuple(open_now):
            task.cancel()
        if open_now:
            await asyncio.wait(open_now, timeout=30)


async def _serve(
    receiver: Receiver,
    behave: Behaviour,
    *,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    while not writer.is_closing():
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        pairs = [one.split(": ", 1) for one in rest]
        headers = [(name.lower(), value) for name, value in pairs]
        length = int(dict(headers).get("content-length", "0"))
        receiver.requests.append(Received(line, headers, await reader.readexactly(length)))
        await behave(receiver, writer)
