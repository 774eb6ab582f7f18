"""Connections that try to wear the server out, against uvicorn as we serve with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hundi.web.connections import room_for
from hundi.web.protocol import HEAD_LIMIT, PIPELINED, SPARE_SECONDS
from tests.web.callers import (
    CHUNKED,
    GET,
    LIMITS,
    POST,
    Callers,
    filler,
    refusal,
    serving,
    settled,
)


@pytest.fixture
async def callers() -> AsyncIterator[Callers]:
    async with serving() as made:
        yield made


@pytest.mark.parametrize("pieces", [1, 7, 400])
async def test_a_head_within_the_limit_is_served(callers: Callers, pieces: int) -> None:
    caller = await callers.dial()
    whole = GET + filler(HEAD_LIMIT - 100) + b"\r\n"
    size = len(whole) // pieces + 1
    for start in range(0, len(whole), size):
        caller.writer.write(whole[start : start + size])
        await asyncio.sleep(0)
    assert await caller.status() == 200
    await caller.send(GET + b"\r\n")
    assert await caller.status() == 200, "each head is counted for itself"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "long",
    [GET + filler(HEAD_LIMIT), GET + b"X: " + b"y" * HEAD_LIMIT, b"GET /" + b"x" * HEAD_LIMIT],
    ids=["many", "one", "target"],
)
async def test_a_head_over_the_limit_is_refused(callers: Callers, long: bytes, whole: bool) -> None:
    caller = await callers.dial()
    rest = b" HTTP/1.1\r\nHost: x" if long.startswith(b"GET /x") else b""
    if whole:
        await caller.send(long + rest + b"\r\n\r\n")
    else:
        for start in range(0, len(long), 8192):
            await caller.send(long[start : start + 8192])
        await caller.send(b"x" * 8192)  # the first piece is not counted until the head is whole
    assert refusal(await caller.ended()) == (431, "HTTP-HEAD-TOO-LARGE")
    assert callers.seen == []
    assert callers.turned_away == ["head"]


async def test_headers_without_end_are_cut_off(callers: Callers) -> None:
    caller = await callers.dial(GET)
    sent = 0
    while caller.still_open and sent < 10 * HEAD_LIMIT:
        sent += HEAD_LIMIT // 2
        await caller.send(filler(HEAD_LIMIT // 2))
    assert sent < 3 * HEAD_LIMIT
    assert (await caller.ended()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "padding",
    [b"1;" + b"x" * 4096, b"0\r\nX: " + b"y" * 4096, b"0\r\n" + filler(4096)],
    ids=["extension", "one trailer", "trailers"],
)
async def test_what_surrounds_a_body_is_limited_too(callers: Callers, padding: bytes) -> None:
    caller = await callers.dial(CHUNKED)
    await caller.send(padding)
    sent = 0
    while caller.still_open and sent < 3 * HEAD_LIMIT:
        await caller.send(filler(4096) if b"\r\nx-" in padding else b"z" * 4096)
        sent += 4096
    assert b" 431 " in await caller.ended()


async def test_a_large_body_is_no_large_head(callers: Callers) -> None:
    caller = await callers.dial(CHUNKED)
    for _ in range(40):
        await caller.send(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
    await caller.send(b"0\r\n\r\n")
    assert await caller.status() == 200


async def test_trailers_are_no_headers(callers: Callers) -> None:
    caller = await callers.dial(CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n")
    assert await caller.status() == 200
    assert b"authorization" not in dict(callers.seen[0]["headers"])


@pytest.mark.parametrize("begun", [GET, POST, b"G", GET + b"x-long: "])
async def test_a_head_has_to_arrive_in_time(callers: Callers, begun: bytes) -> None:
    caller = await callers.dial(begun)
    await callers.pass_seconds(LIMITS.head)
    assert caller.still_open
    await callers.pass_seconds(1)
    assert refusal(await caller.ended()) == (408, "HTTP-TOO-LATE")


async def test_a_trickle_does_not_keep_a_head_alive(callers: Callers) -> None:
    caller = await callers.dial(GET)
    for _ in range(LIMITS.head + 1):
        await caller.send(b"x: y\r\n")
        await callers.pass_seconds(1)
    assert b" 408 " in await caller.ended()


async def test_who_says_nothing_is_left_without_a_word(callers: Callers) -> None:
    caller = await callers.dial()
    await callers.pass_seconds(LIMITS.head + 1)
    assert await caller.ended() == b""


@pytest.mark.parametrize("head", [POST + b"Content-Length: 1000\r\n\r\n", CHUNKED])
async def test_a_body_has_to_arrive_in_time(callers: Callers, head: bytes) -> None:
    caller = await callers.dial(head)
    for _ in range(LIMITS.request):
        await caller.send(b"5\r\nhello\r\n")
        await callers.pass_seconds(1)
    assert caller.still_open
    await callers.pass_seconds(1)
    assert refusal(await caller.ended()) == (408, "HTTP-TOO-LATE")


async def test_a_body_that_nobody_waits_for_gets_no_second_answer(callers: Callers) -> None:
    caller = await callers.dial(GET + b"Content-Length: 1000\r\n\r\nhello")
    assert await caller.status() == 200
    await callers.pass_seconds(LIMITS.request + 1)
    assert await caller.ended() == b""


async def test_a_body_that_nobody_wants_is_not_kept(callers: Callers) -> None:
    caller = await callers.dial(GET + b"Content-Length: 99999\r\n\r\n" + b"x" * 60_000)
    assert await caller.status() == 200
    await callers.pass_seconds(1)
    [connection] = callers.connections._open
    assert not connection.cycle.body


async def test_the_time_for_an_answer_is_ours(callers: Callers) -> None:
    caller = await callers.dial(GET.replace(b"healthz", b"slow") + b"\r\n")
    await callers.pass_seconds(3 * LIMITS.rest)
    callers.released.set()
    assert await caller.status() == 200
    await callers.pass_seconds(LIMITS.rest)
    assert caller.still_open, "it rests since its answer only"


@pytest.mark.parametrize("nothing", [b"", b"\r\n"])
async def test_a_connection_at_rest_is_closed(callers: Callers, nothing: bytes) -> None:
    caller = await callers.dial(GET + b"\r\n")
    assert await caller.status() == 200
    for _ in range(LIMITS.rest + 1):
        await caller.send(nothing)
        await callers.pass_seconds(1)
    assert await caller.ended() == b""


async def test_an_answer_has_to_be_taken_in_time(callers: Callers) -> None:
    caller = await callers.dial()
    caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await caller.send(GET.replace(b"healthz", b"large") + b"\r\n")
    await callers.pass_seconds(LIMITS.unsent)
    assert len(callers.connections) == 1
    await callers.pass_seconds(1)
    assert len(callers.connections) == 0


async def test_when_it_is_full_health_is_still_told(callers: Callers) -> None:
    for _ in range(LIMITS.connections):
        await callers.dial(POST)
    refused = await callers.dial(POST + b"\r\n")
    assert (await refused.ended()).startswith(b"HTTP/1.1 503 ")
    called = await callers.dial(b"POST /api/v0/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b'"errorCd":"HTTP-OVERLOADED"' in await called.ended()
    for path in (b"healthz", b"metrics"):
        watcher = await callers.dial(GET.replace(b"healthz", path) + b"\r\n")
        assert await watcher.status() == 200
        await watcher.send(POST + b"\r\n")
        assert (await watcher.ended()).startswith(b"HTTP/1.1 503 ")
    assert callers.turned_away == ["crowded"] * 4
    assert callers.connections.sizes() == {"open": LIMITS.connections, "most": LIMITS.connections}
    await callers.pass_seconds(LIMITS.head + 1)
    assert await (await callers.dial(POST + b"Content-Length: 0\r\n\r\n")).status() == 200


async def test_beyond_the_spare_room_nobody_is_let_in(callers: Callers) -> None:
    for _ in range(LIMITS.connections + LIMITS.spare):
        await callers.dial(GET)
    beyond = await callers.dial()
    assert refusal(await beyond.ended()) == (503, "HTTP-OVERLOADED")
    assert callers.turned_away == ["crowded"]
    assert len(callers.connections) == LIMITS.connections + LIMITS.spare


async def test_the_spare_room_is_left_soon(callers: Callers) -> None:
    for _ in range(LIMITS.connections):
        caller = await callers.dial(GET.replace(b"healthz", b"slow") + b"\r\n")
    spare = await callers.dial(GET + b"\r\n")
    assert await spare.status() == 200
    await callers.pass_seconds(SPARE_SECONDS + 1)
    assert await spare.ended() == b""
    assert caller.still_open


async def test_a_pile_of_requests_is_not_taken(callers: Callers) -> None:
    slow = GET.replace(b"healthz", b"slow") + b"\r\n"
    some = await callers.dial(slow * PIPELINED)
    caller = await callers.dial(slow * (PIPELINED + 2))
    assert await caller.ended() == b"", "what came first is under way: a word now would answer it"
    callers.released.set()
    for _ in range(PIPELINED):
        assert await some.status() == 200


async def test_what_is_no_http_gets_400(callers: Callers) -> None:
    caller = await callers.dial(b"nonsense\r\n\r\n")
    assert refusal(await caller.ended()) == (400, "HTTP-UNREADABLE")


@pytest.mark.parametrize("target", [b"CONNECT x:1", b"CONNECT [::1]:443"])
async def test_a_target_that_is_none_gets_400(
    callers: Callers, target: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    asked = target + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    caller = await callers.dial(asked)
    assert refusal(await caller.ended()) == (400, "HTTP-UNREADABLE")
    second = await callers.dial(GET + b"\r\n")
    assert await second.status() == 200
    await second.send(asked)
    assert refusal(await second.ended()) == (400, "HTTP-UNREADABLE")
    assert "Traceback" not in caplog.text


async def test_an_upgrade_is_answered_as_if_not_asked_for(callers: Callers) -> None:
    asked = b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    caller = await callers.dial(
        GET + asked + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert await caller.status() == 200
    await callers.pass_seconds(LIMITS.rest + 1)
    assert await caller.ended() == b""


@pytest.mark.parametrize(
    ("files", "connections"), [(1024, 560), (4560, 4096), (10**6, 4096), (256, 16)]
)
def test_the_room_is_what_the_process_may_open(files: int, connections: int) -> None:
    assert room_for(files) == connections


async def test_a_server_that_stops_answers_once_more(callers: Callers) -> None:
    new, used, silent = [await callers.dial() for _ in range(3)]
    await used.send(GET + b"\r\n")
    assert await used.status() == 200
    callers.connections.draining = True
    for connection in tuple(callers.connections._open):
        connection.shutdown()
    await settled()
    for caller in (new, used):
        await caller.send(GET + b"\r\n")
        answer = await caller.ended()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in answer
    await callers.pass_seconds(LIMITS.last)
    assert silent.still_open
    await callers.pass_seconds(1)
    assert await silent.ended() == b""
