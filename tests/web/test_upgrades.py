"""Requests that ask for another protocol, as Java's client does by default: answered like any other."""

import pytest

from hundi.web.protocol import HEAD_LIMIT, PIPELINED
from tests.web.callers import GET, LIMITS, Callers, filler, refusal
from tests.web.test_whole import CALL, Calls, body_of, callers, calls

__all__ = ["callers", "calls"]

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n"
POST = b"POST /other HTTP/1.1\r\nHost: x\r\n" + H2C
SIZED = POST + b"Content-Length: 5\r\n\r\nhello"
CHUNKS = b"2\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: y\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS


@pytest.mark.parametrize("sent", [SIZED, CHUNKED], ids=["sized", "chunked"])
async def test_a_body_behind_the_wish_is_read(callers: Callers, sent: bytes) -> None:
    caller = await callers.dial(sent)
    assert await body_of(caller.reader) == b"asgi:hello"
    await caller.send(sent + GET + b"\r\n")  # the connection goes on, and is read in order
    assert await body_of(caller.reader) == b"asgi:hello"
    assert await body_of(caller.reader) == b"asgi:"
    assert [scope["path"] for scope in callers.seen] == ["/other", "/other", "/healthz"]


@pytest.mark.parametrize("sent", [SIZED, CHUNKED], ids=["sized", "chunked"])
async def test_it_may_come_in_any_two_pieces(callers: Callers, sent: bytes) -> None:
    caller = await callers.dial()
    for cut in range(1, len(sent), 11):
        await caller.send(sent[:cut])
        await caller.send(sent[cut:])
        assert await body_of(caller.reader) == b"asgi:hello", cut
    for end in range(-4, 1):  # around the end of the head
        cut = sent.index(b"\r\n\r\n") + 4 + end
        await caller.send(sent[:cut])
        await caller.send(sent[cut:])
        assert await body_of(caller.reader) == b"asgi:hello", cut


async def test_the_application_hears_all_but_the_wish(callers: Callers) -> None:
    lines = b"X-Empty:\r\nCookie: a=1\r\nCookie: b=2\r\nX-Odd:  \xe9: x \r\n"
    sent = SIZED.replace(b"POST /other", b"POST /other?a=%20b").replace(b"Host: x\r\n", lines)
    caller = await callers.dial(sent)
    assert await body_of(caller.reader) == b"asgi:hello"
    [scope] = callers.seen
    assert (scope["path"], scope["query_string"]) == ("/other", b"a=%20b")
    assert scope["headers"] == [
        (b"x-empty", b""),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-odd", b"\xe9: x "),
        (b"connection", b"Upgrade, HTTP2-Settings"),
        (b"http2-settings", b"AAEAAEAA"),
        (b"content-length", b"5"),
    ]


async def test_a_call_that_comes_whole_is_taken_whole(calls: Calls, callers: Callers) -> None:
    caller = await callers.dial(CALL.replace(b"Host: x\r\n", H2C))
    assert await body_of(caller.reader) == b"whole"
    [taken] = calls.taken
    assert taken.body == b"{}"
    assert b"upgrade" not in taken.headers


async def test_what_follows_a_wish_is_the_next_request(callers: Callers) -> None:
    """Never a request out of another's body: lengths count as they do without the wish."""
    hidden = GET + b"\r\n"
    outer = POST + b"Content-Length: %d\r\n\r\n" % len(hidden)
    caller = await callers.dial(GET + H2C + b"\r\n" + outer)
    await caller.send(hidden)
    assert await body_of(caller.reader) == b"asgi:"
    assert await body_of(caller.reader) == b"asgi:" + hidden
    assert len(callers.seen) == 2


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: 5\r\nUpgrade : h2c\r\n",
        b"Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n",
    ],
)
async def test_a_doubtful_length_is_refused(callers: Callers, lines: bytes) -> None:
    caller = await callers.dial(POST + lines + b"\r\nhello" + GET + b"\r\n")
    assert refusal(await caller.ended())[0] == 400
    assert callers.seen == []


async def test_a_trailer_asks_for_nothing(callers: Callers) -> None:
    sent = b"POST /other HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    caller = await callers.dial(sent + H2C + b"\r\n" + GET + b"\r\n")
    assert await body_of(caller.reader) == b"asgi:a"
    assert await body_of(caller.reader) == b"asgi:"


async def test_heads_trailers_and_pipelines_are_bounded_as_ever(callers: Callers) -> None:
    head = await callers.dial(GET + H2C + filler(HEAD_LIMIT + 100) + b"\r\n")
    assert refusal(await head.ended())[0] == 431
    trailers = await callers.dial(CHUNKED[:-2])
    for _ in range(3):
        await trailers.send(filler(HEAD_LIMIT // 2))
    assert refusal(await trailers.ended())[0] == 431
    few = await callers.dial((GET + H2C + b"\r\n") * PIPELINED)
    assert [await body_of(few.reader) for _ in range(PIPELINED)] == [b"asgi:"] * PIPELINED
    many = await callers.dial((GET + H2C + b"\r\n") * (PIPELINED + 3))
    assert (await many.ended()).count(b"HTTP/1.1 ") <= PIPELINED + 1


async def test_a_head_that_comes_slowly_has_no_more_time_for_it(callers: Callers) -> None:
    caller = await callers.dial(SIZED[:20])
    await callers.pass_seconds(LIMITS.head)
    await caller.send(SIZED[20:-1])
    await callers.pass_seconds(LIMITS.request - LIMITS.head)
    assert caller.still_open
    await callers.pass_seconds(1)
    assert refusal(await caller.ended())[0] == 408


async def test_a_tunnel_is_not_dug(callers: Callers) -> None:
    caller = await callers.dial(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n" + GET + b"\r\n")
    assert refusal(await caller.ended())[0] == 400
    assert callers.seen == []
