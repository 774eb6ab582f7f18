"""HTTP/1.1 connections that wear nobody out: bounded heads, deadlines, a bounded number of them.

uvicorn bounds neither a head, nor the time in which a request arrives, nor what is sent ahead of
its turn, nor how many connections there are. Time is counted in sweeps, one a second over all
connections, so that no request pays for a timer.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hundi.kernel.faults import Code
from hundi.web.asgi import Receive, Scope, Send, respond
from hundi.web.envelope import (
    HEAD,
    NOT_HTTP,
    OVERLOADED,
    TOO_LATE,
    both,
    envelope,
    problem,
    status_of,
)

HEAD_LIMIT = 32 * 1024
"""Bytes of a request that are not its body: target, headers, trailers, the chunks' frames. A body
in chunks may have as many again as it is long, for small chunks."""
PIPELINED = 16
"""Requests that may wait on a connection for the answer to the one before."""
CONNECTIONS = 4096
SPARE = 64
SPARE_SECONDS = 5
OTHER_FILES = 400  # the database's connections, 256 webhooks under way, files and what listens
FEWEST = 16
GRACE_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server grants. All but the first two are seconds.

    Beyond `connections`, `spare` more are let in to ask for /healthz and are told 503 for all else.
    `head` and `request` are how long one may take to arrive, counted from its first byte; `rest` is
    how long a connection may lie idle, `last` the same once the server is to stop; `unsent` how long
    a peer may leave answers untaken.
    """

    connections: int
    spare: int
    head: int
    request: int
    rest: int
    last: int
    unsent: int


def limits(files: int) -> Limits:
    """The limits of a process that may open so many files."""
    room = room_for(files)
    return Limits(connections=room, spare=SPARE, head=20, request=60, rest=75, last=1, unsent=60)


def room_for(files: int) -> int:
    """How many connections leave enough of the files that a process may open to everything else."""
    return max(FEWEST, min(CONNECTIONS, files - OTHER_FILES - SPARE))


def config(application: Any, connections: "Connections") -> uvicorn.Config:
    """How we serve an application with uvicorn."""
    return uvicorn.Config(
        application,
        http=partial(Connection, among=connections),  # type: ignore[arg-type]
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # nothing here asks where a request came from
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=connections.limits.rest,
        backlog=2048,
    )


class Connections:
    """All open connections of one server, and the seconds that they count.

    While it is `draining` each gets one more answer at most.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.second = 0
        self.draining = False
        self._open: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: "Connection") -> bool:
        """Let a connection in, unless even the spare room is full."""
        if len(self._open) >= self.limits.connections + self.limits.spare:
            return False
        self._open.add(connection)
        return True

    def leave(self, connection: "Connection") -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)

    async def run(self) -> None:
        """Sweep once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.sweep()

    def sweep(self) -> None:
        """Count a second, and end what has taken too long."""
        self.second += 1
        for connection in tuple(self._open):
            connection.judge()


class _Phase(Enum):
    """What the peer owes us: a head, the rest of a request, or nothing."""

    HEAD = 1
    BODY = 2
    NOTHING = 3


_HEAD, _BODY, _NOTHING = _Phase.HEAD, _Phase.BODY, _Phase.NOTHING


class _RefusedError(Exception):
    """Stops the parser; `Connection` has kept the status."""


class Connection(HttpToolsProtocol):
    """One connection, which ends where its peer sends too much or too slowly."""

    def __init__(self, *, among: Connections, **uvicorn_s: Any) -> None:
        super().__init__(**uvicorn_s)
        self._among = among
        self._patience, self._rest = among.limits.head, among.limits.rest
        self._phase = _HEAD
        self._since = among.second
        self._received = 0
        self._excess = 0
        self._unsent = 0
        self._refusal = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the connection in, or to the spare room, or not at all."""
        super().connection_made(transport)
        crowded = len(self._among) >= self._among.limits.connections
        if not self._among.enter(self):
            self._end(503)
        elif crowded:
            self._patience = self._rest = SPARE_SECONDS
            self.app = _health_only(self.app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next one, however this one has ended."""
        self._among.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless more has come than any request of ours needs."""
        self._received = len(data)
        self._excess += len(data)
        super().data_received(data)
        if self._excess > HEAD_LIMIT and self._phase is not _NOTHING:
            self._end(431)

    def on_message_begin(self) -> None:
        """Count from here."""
        super().on_message_begin()
        self._phase, self._since = _HEAD, self._among.second
        self._excess = 0  # what came with the first byte is bounded by one read

    def on_headers_complete(self) -> None:
        """Hand the request over, unless its head is too long or it is one of too many."""
        # A head that came in one small read needs no counting.
        if (self._excess or self._received > HEAD_LIMIT) and self._head_size() > HEAD_LIMIT:
            self._refuse(431)
        if len(self.pipeline) >= PIPELINED:
            self._refuse(503)
        super().on_headers_complete()
        self._phase = _BODY  # not before: a target that cannot be parsed brings no request
        cycle: Any = self.cycle
        if self._among.draining:
            cycle.keep_alive = False
        if self.scope["method"] != "HEAD":  # nothing follows its head
            cycle.transport = _Joined(self.transport)
        self.headers = []  # trailers are no headers (RFC 9110, section 6.5.1)

    def on_body(self, body: bytes) -> None:
        """Count what is not body."""
        self._excess -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Everything is there."""
        self._phase = _NOTHING
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's form)
        """What cannot be parsed, or what we have stopped the parser for."""
        self._end(self._refusal)

    def shutdown(self) -> None:
        """Let the answer under way be the last. One who is silent may have sent his request just now.

        He has `limits.last` seconds; closed at once, he could not know what became of it.
        """
        if self._answering():
            super().shutdown()

    def judge(self) -> None:
        """Once a second: end the connection if its peer has kept us waiting for too long."""
        limits = self._among.limits
        self._drop_body()
        self._unsent = self._unsent + 1 if self.transport.get_write_buffer_size() else 0
        if self._unsent > limits.unsent:
            self.transport.abort()
        elif self.transport.is_closing() or self.flow.read_paused:
            return  # it has ended, or its turn is ours
        elif self._phase is _NOTHING:
            self._judge_rest()
        elif self._waited() > (self._patience if self._phase is _HEAD else limits.request):
            self._too_late()
        elif self._among.draining and not self._received and self._waited() > limits.last:
            self.transport.close()

    def _drop_body(self) -> None:
        """Of a body that nobody read, uvicorn keeps what had come before the answer."""
        if self._phase is _BODY and not self._answering():
            self.cycle.body = bytearray()

    def _judge_rest(self) -> None:
        if self._answering():
            self._since = self._among.second
        elif self._waited() > (self._among.limits.last if self._among.draining else self._rest):
            self.transport.close()

    def _too_late(self) -> None:
        if self._received:
            self._end(408)
        else:
            self.transport.close()

    def _waited(self) -> int:
        return self._among.second - self._since

    def _answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn declares
        return cycle is not None and not cycle.response_complete

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self, status: int) -> NoReturn:
        self._refusal = status
        raise _RefusedError

    def _end(self, status: int) -> None:
        """Close; say why, unless that would stand in for the answer to something else.

        What comes behind a whole request and is none lets that one be answered first: its sender
        must know what became of it. Who sends too much is not waited for.
        """
        if status in _ANSWERED_FIRST and self._phase is not _BODY and self._answering():
            cycle: Any = self.cycle  # the newest: those before it are answered before it
            cycle.keep_alive = False
            self._phase = _NOTHING
            self.flow.pause_reading()
            return
        if self._may_speak():
            self.transport.write(_ANSWERS[status])
        self._phase = _NOTHING
        self.transport.close()

    def _may_speak(self) -> bool:
        if self._phase is _BODY:
            return not self.cycle.response_started and not self.pipeline
        return not self._answering()


class _Joined:
    """The transport as one answer sees it: its head goes out with the first of its body.

    Each write is a system call here and a wake-up at the other end; uvicorn makes two.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        """Keep a head, unless it is an interim one; send all else."""
        if self._head is None:
            self._transport.write(data)
        elif self._head:
            self._transport.write(self._head + data)
            self._head = None
        elif data.startswith(b"HTTP/1.1 100 "):
            self._transport.write(data)
        else:
            self._head = data

    def is_closing(self) -> bool:
        """As the transport says."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close, after a head whose body never came."""
        if self._head:
            self._transport.write(self._head)
            self._head = None
        self._transport.close()


def _answer(code: Code, sentence: str, extra: str = "") -> bytes:
    fault = code.at("", sentence)
    status, body = status_of([fault]), both([fault])
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n{extra}\r\n"
    ).encode("ascii") + body


_ANSWERED_FIRST = {400, 408}
_CROWDED = "Too many connections are open. Try again in a moment."
_ANSWERS = {
    400: _answer(NOT_HTTP, NOT_HTTP.meaning),
    408: _answer(TOO_LATE, TOO_LATE.meaning),
    431: _answer(HEAD, HEAD.meaning),
    503: _answer(OVERLOADED, _CROWDED, "retry-after: 1\r\n"),
}


def _health_only(application: Any) -> Any:
    """An application that tells whether the process lives, and sends everybody else away."""

    async def spare(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/healthz":
            await application(scope, receive, send)
            return
        told = envelope if path.startswith("/api/") else problem
        headers = [(b"connection", b"close"), (b"retry-after", b"1")]
        await respond(send, 503, told([OVERLOADED.at("", _CROWDED)]), headers=headers)

    return spare
