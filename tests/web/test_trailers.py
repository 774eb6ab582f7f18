"""What comes behind a body."""

from hundi.web.protocol import HEAD_LIMIT
from tests.web.callers import CHUNKED, Callers
from tests.web.test_protocol import callers

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
