"""Bytes on a connection: however they are cut into reads, the same answers go out, well formed."""

import asyncio
import logging
import re
from collections.abc import Iterator
from typing import Any

from uvicorn.server import ServerState

from hundi.web.asgi import Fields, Receive, Reply, Scope, Send, read_body, respond
from hundi.web.connections import Connections, Limits
from hundi.web.protocol import config
from hundi.web.whole import Answer, Whole

_LIMITS = Limits(connections=4, spare=3, head=3, request=6, rest=8, last=1, unsent=4)
_TURNS = 12
_ANSWER = re.compile(
    rb"HTTP/1\.1 (\d{3}) [A-Za-z ]+\r\n((?:[a-z-]+: [ -~]*\r\n)*)\r\n", re.IGNORECASE
)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_FEW = 8


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 1) if name in {"peername", "sockname"} else default

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """The fuzzer has all that will come."""

    resume_reading = pause_reading


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive, {})
    reply = _reply(scope["raw_path"], scope["headers"], body)
    await respond(send, reply.status, reply.body)


def _taken(whole: Whole, answer: Answer) -> None:
    answer(_reply(b"/call", whole.fields, whole.body))


def _reply(path: bytes, fields: Fields, body: bytes) -> Reply:
    told = b",".join(b"%b=%b" % field for field in fields)
    return Reply(200, b"%b|%b|%b" % (path, told, body))


class Tried:
    """The target. The first byte tells where the stream is cut."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._ended = False
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)

    def __call__(self, raw: bytes) -> None:
        """Send a stream in one read, and in several."""
        if not raw:
            return
        self._ended, step, stream = False, raw[0] or 1, raw[1:8000]
        at_once = self._runner.run(self._sent([stream]))
        in_pieces = self._runner.run(self._sent(list(_cut(stream, step))))
        once, pieces = list(_answers(at_once)), list(_answers(in_pieces))
        # What cannot be read ends the connection, and with it answers that were under way.
        if not self._ended and stream.count(b"HTTP/1.") < _FEW:
            assert once == pieces, f"{once} at once, {pieces} in pieces of {step}"

    async def _sent(self, pieces: list[bytes]) -> bytes:
        made = config(_echo, Connections(_LIMITS), whole={b"/call": _taken})
        made.load()
        protocol_class: Any = made.http_protocol_class
        protocol: Any = protocol_class(
            config=made, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop()
        )
        transport = _Transport()
        protocol.connection_made(transport)
        for piece in pieces:
            if transport.closed:
                break
            protocol.data_received(piece)
            await _settled()
        self._ended |= transport.closed
        protocol.connection_lost(None)
        await _settled()
        return bytes(transport.written)


async def _settled() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _cut(stream: bytes, step: int) -> Iterator[bytes]:
    for at in range(0, len(stream), step):
        yield stream[at : at + step]


def _answers(written: bytes) -> Iterator[tuple[int, bytes]]:
    """Status and body of each answer; nothing stands between them."""
    while written:
        if written.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            written = written[25:]
            continue
        head = _ANSWER.match(written)
        assert head is not None, f"no answer: {written[:80]!r}"
        length = _LENGTH.search(head[2])
        assert length is not None, head[2]
        end = head.end() + int(length[1])
        yield int(head[1]), written[head.end() : end]
        written = written[end:]


streams = Tried()
