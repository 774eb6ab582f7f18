"""HTTP/1.1 connections that wear nobody out: bounded heads, deadlines, a bounded number of them.

uvicorn bounds neither a head, nor the time in which a request arrives, nor what is sent ahead of
its turn, nor how many connections there are. Time is counted in sweeps, one a second over all
connections, so that no request pays for a timer.
"""

import asyncio
from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Any, NoReturn

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hundi.web.asgi import Fields, by_name
from hundi.web.connections import Connections
from hundi.web.joined import Joined
from hundi.web.turning_away import CROWDED, LAST_WORDS, WHY, watchers_only
from hundi.web.upgrades import another_parser, without_upgrade
from hundi.web.whole import Take, Taking, Turn, Whole, fits

HEAD_LIMIT = 32 * 1024
"""Bytes of a request that are not its body: target, headers, trailers, the chunks' frames. A body
in chunks may have as many again as it is long, for small chunks."""
PIPELINED = 16
"""Requests that may wait on a connection for the answer to the one before."""
SPARE_SECONDS = 5
_ANSWERED_FIRST = {400, 408}
GRACE_SECONDS = 20


def config(
    application: Any, connections: Connections, *, whole: Mapping[bytes, Take] | None = None
) -> uvicorn.Config:
    """How we serve an application with uvicorn; `whole` are calls that need no ASGI, by target."""
    return uvicorn.Config(
        application,
        http=partial(Connection, among=connections, whole=whole or {}),  # type: ignore[arg-type]
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

    def __init__(
        self, *, among: Connections, whole: Mapping[bytes, Take], **uvicorn_s: Any
    ) -> None:
        super().__init__(**uvicorn_s)
        self._among = among
        self._whole = whole
        self._taking: Taking | None = None
        self._first = False
        self._patience, self._rest = among.limits.head, among.limits.rest
        self._phase = _HEAD
        self._since = among.second
        self._received = 0
        self._excess = 0
        self._unsent = 0
        self._refusal = 400
        self._unasked = b""
        self._again = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the connection in, or to the spare room, or not at all."""
        super().connection_made(transport)
        self._among.reserve.look()  # it may have taken the last handle
        crowded = self._among.reserve.starved or len(self._among) >= self._among.limits.connections
        if not self._among.enter(self):
            self._end(503, CROWDED)
        elif crowded:
            self._patience = self._rest = SPARE_SECONDS
            self.app = watchers_only(self.app, turned_away=self._among.turned_away)
            self._whole = {}

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next one, however this one has ended."""
        self._among.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless more has come than any request of ours needs."""
        self._received = len(data)
        self._excess += len(data)
        self._first = True
        self._parse(data)
        if self._taking is not None:
            self._give(self._taking)
        if self._excess > HEAD_LIMIT and self._phase is not _NOTHING:
            self._end(431)

    def _parse(self, data: bytes) -> None:
        """Read what has come. A request for another protocol is read again, without that wish."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserError:
                self._end(self._refusal)
            except httptools.HttpParserUpgrade as stopped:
                head, self._unasked = self._unasked, b""
                if head:
                    self.parser, self._again = another_parser(self), True
                    data = head + data[stopped.args[0] :]
                    continue
            return

    def on_message_begin(self) -> None:
        """Count from here, unless it is a head that has been counted."""
        self.url, self.headers = b"", []
        if self._again:
            self._again = False
            return
        self._phase, self._since = _HEAD, self._among.second
        self._excess = 0  # what came with the first byte is bounded by one read

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a line; what it says is asked when all are there. Trailers are kept by nobody."""
        if self._phase is _HEAD:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Hand the request over, unless its head is too long or it is one of too many.

        A call waits for the rest of this read: it may come whole.
        """
        # A head that came in one small read needs no counting.
        if (self._excess or self._received > HEAD_LIMIT) and self._head_size() > HEAD_LIMIT:
            self._refuse(431)
        if len(self.pipeline) >= PIPELINED:
            self._refuse(503)
        self._unasked = without_upgrade(self.parser, self.url, self.headers)
        if self._unasked:
            return  # the parser takes what follows for another protocol, and stops
        taking = self._may_take()
        if taking is None:
            self._hand_over(self.headers)
        self._taking, self._phase = taking, _BODY
        self.headers = []

    def _may_take(self) -> Taking | None:
        """One call in a read is taken whole; what is sent ahead of its turn goes the usual way."""
        take = self._whole.get(self.url)
        if take is None or not self._first or self._answering() or self.flow.write_paused:
            return None
        self._first = False
        headers, parser = by_name(self.headers), self.parser
        if not fits(parser.get_method(), parser.get_http_version(), headers):
            return None
        return Taking(
            take=take,
            fields=self.headers,
            headers=headers,
            pieces=[],
            keep_alive=parser.should_keep_alive(),
        )

    def _give(self, taking: Taking) -> None:
        """More of a call is to come: it goes the usual way."""
        self._taking = None
        self._hand_over(taking.fields)
        for piece in taking.pieces:
            super().on_body(piece)

    def _hand_over(self, headers: Fields) -> None:
        url = self.url
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()
        cycle: Any = self.cycle
        # The parser stops behind a CONNECT, and forgets the rest of the read.
        if self._among.draining or self.parser.should_upgrade():
            cycle.keep_alive = False
        if self.scope["method"] != "HEAD":  # nothing follows its head
            cycle.transport = Joined(self.transport)

    def on_body(self, body: bytes) -> None:
        """Count what is not body. A long one is no leave for long trailers: the parser joins each."""
        self._excess = max(self._excess - 2 * len(body), -HEAD_LIMIT)
        if self._taking is None:
            super().on_body(body)
        else:
            self._taking.pieces.append(body)

    def on_message_complete(self) -> None:
        """Everything is there."""
        if self._unasked:
            return
        self._phase = _NOTHING
        taking, self._taking = self._taking, None
        if taking is None:
            super().on_message_complete()
            return
        turn: Any = Turn(self, keep_alive=taking.keep_alive and not self._among.draining)
        self.cycle = turn
        body = taking.pieces[0] if len(taking.pieces) == 1 else b"".join(taking.pieces)
        taking.take(Whole(taking.fields, taking.headers, body), turn.answer)

    def put(self, answer: bytes, *, last: bool) -> None:
        """Send the answer of a turn; the next one is that of the next in line."""
        if not self.transport.is_closing():
            self.transport.write(answer)
        if last:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Begin with the next in line. Who lies idle is seen by the sweep: no timer for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

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

    def _end(self, status: int, why: str = "") -> None:
        """Close; say why, unless that would stand in for the answer to something else.

        What comes behind a whole request and is none lets that one be answered first: its sender
        must know what became of it. Who sends too much is not waited for.
        """
        self._among.turned_away(why or WHY[status])
        if status in _ANSWERED_FIRST and self._phase is not _BODY and self._answering():
            cycle: Any = self.cycle  # the newest: those before it are answered before it
            cycle.keep_alive = False
            self._phase, self._taking = _NOTHING, None
            self.flow.pause_reading()
            return
        if self._may_speak():
            self.transport.write(LAST_WORDS[status])
        self._phase, self._taking = _NOTHING, None
        self.transport.close()

    def _may_speak(self) -> bool:
        if self._phase is _BODY and self._taking is None:
            return not self.cycle.response_started and not self.pipeline
        return not self._answering()
