"""Calls that come whole in one read, and all that looks like one and is not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn

from hundi.web.asgi import Receive, Reply, Scope, Send, read_body, respond
from hundi.web.connections import Connections
from hundi.web.protocol import PIPELINED, config
from hundi.web.whole import MOST, Answer, Whole, written
from tests.until import until
from tests.web.callers import LIMITS, Callers, settled

CALL = b"POST /call HTTP/1.1\r\nHost: x\r\nX-Who: me\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Calls:
    """What was taken whole, and the answers that are still owed; what came by ASGI is `seen`."""

    taken: list[Whole] = field(default_factory=list)
    owed: list[Answer] = field(default_factory=list)
    holding: bool = False

    def take(self, whole: Whole, answer: Answer) -> None:
        self.taken.append(whole)
        if self.holding:
            self.owed.append(answer)
        else:
            answer(Reply(200, b"whole"))


@asynccontextmanager
async def serving(calls: Calls) -> AsyncIterator[Callers]:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        callers.seen.append(scope)
        body = await read_body(receive, {})
        await respond(send, 200, b"asgi:" + body, headers=[(b"x-path", scope["raw_path"])])

    listening = socket.create_server(("127.0.0.1", 0))
    callers = Callers(listening.getsockname()[1], Connections(LIMITS), [], asyncio.Event())
    server = uvicorn.Server(config(application, callers.connections, whole={b"/call": calls.take}))
    running = asyncio.create_task(server._serve([listening]))
    await until(lambda: server.started)
    try:
        yield callers
    finally:
        for writer in callers.open:
            writer.transport.abort()
        server.should_exit = True
        await running


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def callers(calls: Calls) -> AsyncIterator[Callers]:
    async with serving(calls) as them:
        yield them


async def body_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        return await reader.readexactly(length)


async def test_a_whole_call_is_taken_and_the_connection_goes_on(
    calls: Calls, callers: Callers
) -> None:
    caller = await callers.dial(CALL)
    assert await body_of(caller.reader) == b"whole"
    await caller.send(CALL.replace(b"/call", b"/other"))
    assert await body_of(caller.reader) == b"asgi:{}"
    await caller.send(CALL)
    assert await body_of(caller.reader) == b"whole"
    assert [(one.headers[b"x-who"], one.body) for one in calls.taken] == [(b"me", b"{}")] * 2
    assert len(callers.seen) == 1


async def test_of_a_repeated_header_none_is_lost(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial(CALL.replace(b"X-Who", b"X-Who: you\r\nX-WHO"))
    assert await caller.status() == 200
    assert calls.taken[0].headers[b"x-who"] == b"you,\tme"
    assert len(calls.taken[0].fields) == 4


@pytest.mark.parametrize("cut", [3, 30, -3, -1])
async def test_what_comes_in_pieces_goes_the_usual_way(
    calls: Calls, callers: Callers, cut: int
) -> None:
    caller = await callers.dial(CALL[:cut])
    await caller.send(CALL[cut:])
    whole = b"\r\n\r\n" not in CALL[:cut]
    assert await body_of(caller.reader) == (b"whole" if whole else b"asgi:{}")
    assert len(calls.taken) == int(whole)


@pytest.mark.parametrize(
    "other",
    [
        CALL.replace(b"POST", b"PUT"),
        CALL.replace(b"HTTP/1.1", b"HTTP/1.0"),
        CALL.replace(b"/call", b"/call?a=b"),
        CALL.replace(b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        CALL.replace(b"X-Who", b"Expect: 100-continue\r\nX-Who"),
        CALL.replace(b"Content-Length: 2\r\n\r\n{}", b"Content-Length: %d\r\n\r\n" % (MOST + 1)) + b"x" * (MOST + 1),
    ],
    ids=["method", "version", "query", "chunks", "expectation", "large"],
)  # fmt: skip
async def test_what_is_not_quite_one_goes_the_usual_way(
    calls: Calls, callers: Callers, other: bytes
) -> None:
    caller = await callers.dial(other)
    if b"100-continue" in other:
        assert (await caller.reader.readline()).startswith(b"HTTP/1.1 100")
        await caller.reader.readline()
    assert (await body_of(caller.reader)).startswith(b"asgi:")
    assert not calls.taken


async def test_answers_keep_the_order_of_their_calls(calls: Calls, callers: Callers) -> None:
    calls.holding = True
    caller = await callers.dial(CALL + CALL.replace(b"{}", b"[]"))
    await settled()
    assert len(calls.taken) == 1
    assert not callers.seen
    calls.owed.pop()(Reply(200, b"first"))
    assert await body_of(caller.reader) == b"first"
    assert await body_of(caller.reader) == b"asgi:[]"


async def test_a_pile_is_not_taken_whole_either(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial(CALL * (PIPELINED + 3))
    told = await caller.ended()
    assert told.count(b"whole") == len(calls.taken) == 1


async def test_the_last_answer_closes(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial(CALL.replace(b"X-Who", b"Connection: close\r\nX-Who"))
    told = await caller.ended()
    assert b"connection: close\r\n" in told
    assert told.endswith(b"whole")


async def test_while_draining_one_more_is_answered(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial()
    callers.connections.draining = True
    await caller.send(CALL)
    assert (await caller.ended()).endswith(b"whole")


async def test_a_caller_who_left_gets_no_answer(calls: Calls, callers: Callers) -> None:
    calls.holding = True
    caller = await callers.dial(CALL)
    await settled()
    caller.writer.transport.abort()
    await settled()
    calls.owed.pop()(Reply(200, b"too late"))
    assert len(callers.connections) == 0


async def test_an_answer_is_given_once(calls: Calls, callers: Callers) -> None:
    calls.holding = True
    caller = await callers.dial(CALL)
    await settled()
    [answer] = calls.owed
    answer(Reply(200, b"once"))
    answer(Reply(200, b"twice"))
    assert await body_of(caller.reader) == b"once"
    await caller.send(CALL.replace(b"/call", b"/other"))
    assert await body_of(caller.reader) == b"asgi:{}"


async def test_a_slow_answer_outlives_the_rest_of_idle_ones(calls: Calls, callers: Callers) -> None:
    calls.holding = True
    caller = await callers.dial(CALL)
    await callers.pass_seconds(LIMITS.rest + 2)
    assert caller.still_open
    calls.owed.pop()(Reply(200, b"late"))
    assert await body_of(caller.reader) == b"late"
    await callers.pass_seconds(LIMITS.rest + 2)
    assert await caller.ended() == b""


async def test_what_cannot_be_parsed_is_told_and_not_taken(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial(CALL.replace(b"X-Who: me", b"X-Who: me\r\nbad line"))
    assert (await caller.ended()).startswith(b"HTTP/1.1 400 ")
    assert not calls.taken


async def test_crowded_out_callers_are_told_so(calls: Calls, callers: Callers) -> None:
    for _ in range(LIMITS.connections):
        await callers.dial()
    caller = await callers.dial(CALL)
    assert await caller.status() == 503
    assert not calls.taken


def test_no_header_ends_a_line_of_an_answer() -> None:
    with pytest.raises(ValueError, match="end of a line"):
        written(Reply(200, b"", [(b"hundi-warnings", b"a\r\nb: c")]), keep_alive=True)
