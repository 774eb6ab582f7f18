"""What comes behind a body, or behind a request for another protocol, in one read."""

from tests.web.test_protocol import CHUNKED, GET, HEAD_LIMIT, POST, Callers, callers

__all__ = ["callers"]


async def test_a_long_body_is_no_leave_for_long_trailers(callers: Callers) -> None:
    caller = await callers.dial(CHUNKED + b"100000\r\n" + b"a" * 2**20 + b"\r\n0\r\n")
    sent = 0
    while caller.still_open and sent < 4 * HEAD_LIMIT:
        await caller.send(b"a:b\r\n" * 800)
        sent += 4000
    assert b" 431 " in await caller.ended()


async def test_trailers_are_not_kept(callers: Callers) -> None:
    await callers.dial(CHUNKED + b"3\r\nabc\r\n0\r\n" + b"a:b\r\n" * 1000)
    [connection] = callers.connections._open
    assert connection.headers == []


async def test_what_follows_an_upgrade_is_not_read_as_something_else(callers: Callers) -> None:
    """The parser forgets what came behind it in one read; what comes then is no request."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    caller = await callers.dial(GET + upgrade + POST + b"Content-Length: 36\r\n\r\n")
    await caller.send(GET + b"\r\n")
    assert (await caller.ended()).count(b"HTTP/1.1 ") == 1
