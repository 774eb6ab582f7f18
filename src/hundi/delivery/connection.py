"""One POST on one connection of aiohttp's connector, and connections that bound what is around.

aiohttp bounds one head and we bound the body, but interim answers (1xx), the frames of chunks and
their extensions could go on for ever, faster than they are read, and no time-out gets its turn.

Connecting, resolving, TLS, keeping connections and parsing are aiohttp's. Its session is not used:
for cookies, redirects, proxies, retries and bodies of all kinds, none of which may happen here, it
takes half of the time that a webhook costs (docs/decisions/0009-webhooks-without-a-session.md).
"""

import socket
import struct
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader
from yarl import URL

from hundi.delivery.stopwatch import Stopwatch

ANSWER_AT_MOST = 64 * 1024
"""Bytes of an answer's body; one to a large request may be `ECHO` times as long as that."""
ECHO = 2
"""An answer repeats the document that it is about, and another system may print it wider."""
INTERIM_AT_MOST = 16
AROUND_AT_MOST = 64 * 1024
SLICE = 8 * 1024
_AT_ONCE = struct.pack("ii", 1, 0)
"""Linger for no second: what the kernel holds of a request is thrown away, too."""


class AnswerRefusedError(aiohttp.ClientError):
    """What came is no answer that we read to its end; the text, our own, says why."""


class NotHttpError(aiohttp.ClientError):
    """What came cannot be read as HTTP."""


class Door:
    """Where requests to one URL go in: what the connector asks of a request, and the first lines."""

    def __init__(self, url: URL) -> None:
        self.request = aiohttp.ClientRequest("POST", url)
        host = self.request.headers["host"]
        self.lines = f"POST {url.raw_path_qs} HTTP/1.1\r\nhost: {host}\r\n".encode("ascii")


class Received:
    """An answer: its status, so much of its body as is read, whether that is all, its Retry-After."""

    __slots__ = ("body", "retry_after", "status", "whole")

    def __init__(self, message: RawResponseMessage) -> None:
        self.status = message.code
        self.retry_after: str | None = message.headers.get("retry-after")
        self.body = b""
        self.whole = True


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with bounded connections, and `limits` for making one."""

    def __init__(self, limits: aiohttp.ClientTimeout, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_bounded, loop=self._loop)
        self._limits = limits

    async def post(
        self, door: Door, headers: str, body: bytes, *, watch: Stopwatch | None = None
    ) -> Received:
        """Send once and read the answer. `headers` are whole lines, without host and length.

        Raises aiohttp.ClientError or OSError. Cancelled, or where it fails, the connection is cut and
        nothing more of the request goes out; likewise after an answer that was not read to its end, or
        came before the request had gone out. Else it is kept.
        """
        connection = await self._connected(door, watch)
        try:
            head = door.lines + _head(headers, body)
            received = await _exchanged(connection, head, body, watch=watch)
        except BaseException:
            _cut(connection)
            raise
        if received.whole and not _unsent(connection):
            connection.release()
        else:
            _cut(connection)
        return received

    async def _connected(self, door: Door, watch: Stopwatch | None) -> Connection:
        try:
            return await self.connect(door.request, [watch] if watch else [], self._limits)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error


def _unsent(connection: Connection) -> int:
    """Bytes of a request that have not gone out yet: its receiver has answered before it read them."""
    transport: Any = connection.transport  # uvloop's is no WriteTransport by its type
    return 0 if transport is None else int(transport.get_write_buffer_size())


def _cut(connection: Connection) -> None:
    """End a connection at once: closed, it would go on sending what its receiver is slow to take."""
    transport = connection.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError, ValueError):  # it is closed already
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()
    connection.close()


def _head(headers: str, body: bytes) -> bytes:
    return f"{headers}content-length: {len(body)}\r\n\r\n".encode("ascii")


async def _exchanged(
    connection: Connection, head: bytes, body: bytes, *, watch: Stopwatch | None
) -> Received:
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:
        raise aiohttp.ServerDisconnectedError
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    if protocol.should_close:
        # A server that answered twice has put the answer to another request on this connection.
        raise aiohttp.ClientOSError(None, "an answer came before its request")
    protocol.transport.writelines((head, body))
    if watch is not None:
        watch.note("sent")
    try:
        message, content = await protocol.read()
        if watch is not None:
            watch.note("headed")
        received = Received(message)
        await _read(received, message, content, at_most=max(ANSWER_AT_MOST, ECHO * len(body)))
    except HttpProcessingError as error:
        raise NotHttpError from error
    if watch is not None:
        watch.note("read")
    return received


async def _read(
    received: Received, message: RawResponseMessage, content: StreamReader, *, at_most: int
) -> None:
    """Read a body up to a length. The rest of a longer one is not read."""
    told = message.headers.get("content-length")
    if told is not None and told.isdigit() and int(told) <= at_most:
        received.body = await content.read()
        return
    parts = bytearray()
    async for part in content.iter_any():
        parts += part
        if len(parts) > at_most:
            received.whole = False
            break
    received.body = bytes(parts[:at_most])


class BoundedProtocol(ResponseHandler):
    """Closes a connection on more than 16 interim answers, or 64 KiB beside the body.

    Both count anew for each request. What arrives at once is parsed in slices, so that little is
    parsed in vain.
    """

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._arrived = 0
        self._interim = 0

    def set_response_params(self, **options: Any) -> None:
        """Begin with another request."""
        self._arrived = 0
        self._interim = 0
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, until it is too much."""
        if len(data) <= SLICE:
            self._parse(data)
            return
        for start in range(0, len(data), SLICE):
            if self.transport is None or self.transport.is_closing():
                return
            self._parse(data[start : start + SLICE])

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Pass an answer on. Interim ones, which nobody waits for, are counted and dropped."""
        if data[0].code // 100 != 1 or data[0].code == 101:
            super().feed_data(data, size)
            return
        self._interim += 1
        if self._interim == INTERIM_AT_MOST + 1:
            self._refuse(f"more than {INTERIM_AT_MOST} interim answers")

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        self._arrived += len(data)
        if self._arrived > AROUND_AT_MOST and self._around() > AROUND_AT_MOST:
            self._refuse("more around the answer than in it")

    def _around(self) -> int:
        return self._arrived - (0 if self._payload is None else self._payload.total_bytes)

    def _refuse(self, reason: str) -> None:
        trouble = AnswerRefusedError(reason)
        if self._payload is not None:
            self._payload.set_exception(trouble)
            self._payload = None  # or the end of the connection would give it another cause
        self.set_exception(trouble)
        if self.transport is not None:
            self.transport.abort()


def _bounded(*, loop: Any) -> ResponseHandler:
    return BoundedProtocol(loop)
