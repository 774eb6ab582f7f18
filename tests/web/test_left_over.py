"""What comes behind a whole request on its connection, and is none: the request is answered first."""

import pytest

from tests.web.callers import GET, LIMITS, serving


@pytest.mark.parametrize("more", [b"}}}", b"x" * 60_000, b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_follows_a_whole_request_does_not_cost_its_answer(more: bytes) -> None:
    async with serving() as net:
        slow = GET.replace(b"healthz", b"slow")
        caller = await net.dial(slow + b"Content-Length: 2\r\n\r\n{}" + more)
        await net.pass_seconds(1)
        assert caller.still_open
        net.released.set()
        answer = await caller.ended()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"HTTP/1.1 ") == 1, "what follows is no request"


async def test_a_late_second_head_does_not_cost_the_first_answer() -> None:
    async with serving() as net:
        caller = await net.dial(GET.replace(b"healthz", b"slow") + b"\r\nGET /late")
        await net.pass_seconds(LIMITS.head + 1)
        net.released.set()
        assert (await caller.ended()).count(b"HTTP/1.1 200 ") == 1
