"""Receivers that write without end, faster than anybody reads: bounded, and nobody else waits."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest

from hundi.delivery.egress import EgressGuard
from hundi.delivery.wire import HttpWire
from tests.delivery.receiver import PATIENT, receiving, says
from tests.delivery.test_wire import NOW, OK, PARCEL, endpoint

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"


@contextmanager
def flooding(first: bytes, then: bytes) -> Iterator[str]:
    """A receiver in a thread of its own that never stops writing; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    thread = threading.Thread(target=flood_each, args=(listening, over, first, then))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def flood_each(listening: socket.socket, over: threading.Event, first: bytes, then: bytes) -> None:
    while not over.is_set():
        with suppress(OSError), listening.accept()[0] as connection:
            connection.settimeout(PATIENT)
            connection.recv(65_536)
            connection.sendall(first)
            while not over.is_set():
                connection.sendall(then)


@asynccontextmanager
async def longest_work() -> AsyncIterator[list[float]]:
    """For how long the event loop worked in the block before a task had its turn, as the one element.

    Seconds of the processor, in the loop's own thread: one that stands still does not work.
    """
    clock, longest = time.thread_time, [0.0]

    async def watch() -> None:
        while True:
            began = clock()
            await asyncio.sleep(0.005)
            longest[0] = max(longest[0], clock() - began)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield longest
    finally:
        watching.cancel()


@pytest.mark.parametrize(
    ("first", "then", "word"),
    [
        (b"", INTERIM * 5_000, "not-http: more than 16 interim answers"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, "not-http: more than 16 interim answers"),
        (HEAD, b"".join(b"x-%d: y\r\n" % n for n in range(20_000)), "not-http"),
        (HEAD + b"x-a: ", b"y" * 65_536, "not-http"),
        (b"HTTP/1.1 200 ", b"y" * 65_536, "not-http"),
        (CHUNKED, b"1\r\nx\r\n" * 20_000, "not-http: more around the answer than in it"),
        (CHUNKED + b"5;", b"y" * 65_536, "not-http: more around the answer than in it"),
        (CHUNKED + b"0\r\n", b"x-a: y\r\n" * 20_000, "reset or not-http"),
        (HEAD + b"\r\n", b"x" * 65_536, "answer-too-large"),
        (CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n", "answer-too-large"),
    ],
)
async def test_a_flood_ends_the_attempt_and_makes_nobody_wait(
    first: bytes, then: bytes, word: str
) -> None:
    wire = HttpWire(EgressGuard.for_mode(dev=True), deadline=PATIENT)
    with flooding(first, then) as url:
        async with longest_work() as longest:
            answers = await asyncio.gather(
                *(wire.post(endpoint(url), PARCEL, now=NOW) for _ in range(2))
            )
        await wire.close()
    assert all(answer.error in word.split(" or ") and answer.reached for answer in answers), answers
    assert longest[0] < 1


async def test_a_few_interim_answers_are_no_flood() -> None:
    wire = HttpWire(EgressGuard.for_mode(dev=True), deadline=PATIENT)
    async with receiving(says(INTERIM * 16 + OK)) as receiver:
        answers = [await wire.post(endpoint(receiver.url), PARCEL, now=NOW) for _ in range(3)]
    await wire.close()
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert receiver.connections == 1


async def test_many_answers_over_one_connection_are_no_flood() -> None:
    wire = HttpWire(EgressGuard.for_mode(dev=True), deadline=PATIENT)
    heavy = HEAD + b"x-a: " + b"y" * 8_000 + b"\r\nContent-Length: 2\r\n\r\n{}"
    async with receiving(says(heavy)) as receiver:
        answers = [await wire.post(endpoint(receiver.url), PARCEL, now=NOW) for _ in range(20)]
    await wire.close()
    assert [answer.status for answer in answers] == [200] * 20
    assert receiver.connections == 1
