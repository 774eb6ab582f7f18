"""Answers that never come, or come broken: the receiver may have seen the request."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.client_proto import ResponseHandler

from hundi.delivery.egress import EgressGuard
from hundi.delivery.wire import HttpWire
from tests.delivery.receiver import (
    PATIENT,
    Behaviour,
    Receiver,
    receiving,
    reset,
    response,
    says,
)
from tests.delivery.test_wire import NOW, OK, PARCEL, endpoint
from tests.until import until

GUARD = EgressGuard.for_mode(dev=True)


@pytest.fixture
async def wire() -> AsyncIterator[HttpWire]:
    made = HttpWire(GUARD, deadline=PATIENT)
    yield made
    await made.close()


@pytest.fixture
async def hasty() -> AsyncIterator[HttpWire]:
    """A wire for attempts that end by their deadline."""
    made = HttpWire(GUARD, deadline=0.4)
    yield made
    await made.close()


async def silence(_receiver: Receiver, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(PATIENT)


async def drip_body(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    await drip(writer, b"x")


async def drip_head(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await drip(writer, b"x")


async def drip_chunks(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await drip(writer, b"1\r\nx\r\n")


async def put_off(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    await drip(writer, b"HTTP/1.1 102 Processing\r\n\r\n")


async def drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while not writer.is_closing():
        writer.write(piece)
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("behave", [silence, drip_body, drip_head, drip_chunks, put_off])
async def test_the_deadline_is_hard(hasty: HttpWire, behave: Behaviour) -> None:
    """Those receivers would keep it waiting for a minute, or for ever."""
    async with receiving(behave) as receiver:
        began = time.monotonic()
        answer = await hasty.post(endpoint(receiver.url), PARCEL, now=NOW)
        took = time.monotonic() - began
    assert (answer.status, answer.error, answer.reached) == (None, "timeout", True)
    assert 0.38 <= took < PATIENT / 2  # a loop counts in whole milliseconds
    assert 380 <= answer.milliseconds < PATIENT * 500


async def test_nothing_of_a_request_goes_out_after_its_deadline(hasty: HttpWire) -> None:
    """Its receiver is slow to read, and would get the rest long after somebody else has sent it again."""
    got, over = bytearray(), asyncio.Event()
    read: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    async def reads_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        try:
            while piece := await reader.read(65536):
                got.extend(piece)
        except ConnectionError as error:
            read.set_result(error)
        else:
            read.set_result(None)
        writer.close()

    server = await asyncio.start_server(reads_late, "127.0.0.1", 0, limit=4096)
    large = replace(PARCEL, body=b"x" * 16_000_000)
    async with server:
        port = server.sockets[0].getsockname()[1]
        answer = await hasty.post(endpoint(f"http://127.0.0.1:{port}"), large, now=NOW)
        over.set()
        end = await asyncio.wait_for(read, 30)
    assert answer.error == "timeout"
    assert len(got) < len(large.body)
    assert isinstance(end, ConnectionResetError), "what the kernel held is thrown away, too"


async def test_who_answers_before_he_has_read_gets_no_second_request_behind_the_first(
    wire: HttpWire,
) -> None:
    connections: list[asyncio.Task[None] | None] = []
    over = asyncio.Event()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await over.wait()
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0, limit=4096)
    large = replace(PARCEL, body=b"x" * 16_000_000)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for _ in range(2):
            answer = await wire.post(endpoint(f"http://127.0.0.1:{port}"), large, now=NOW)
            assert answer.status == 200
        over.set()
        await asyncio.gather(*(task for task in connections if task is not None))
    assert len(connections) == 2


async def hang_up(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset_at_once(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def reset_in_the_middle(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(OK[:-5])
    await asyncio.sleep(0.05)
    reset(writer)


async def promise_more(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
    writer.close()


async def leave_chunks_open(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    writer.close()


async def stop_in_the_head(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    writer.close()


@pytest.mark.parametrize(
    "behave",
    [
        hang_up,
        reset_at_once,
        reset_in_the_middle,
        promise_more,
        leave_chunks_open,
        stop_in_the_head,
    ],
)
async def test_a_broken_connection_may_have_carried_the_request(
    wire: HttpWire, behave: Behaviour
) -> None:
    async with receiving(behave) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.body, answer.error, answer.reached) == (None, b"", "reset", True)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 50_000 + b"\r\n",
    ],
)
async def test_what_is_no_http_is_no_answer(wire: HttpWire, raw: bytes) -> None:
    async with receiving(says(raw)) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.error, answer.reached) == (None, "not-http", True)


async def test_no_bytes_that_a_receiver_may_send_raise(wire: HttpWire) -> None:
    """Answers with bytes changed, cut or doubled, by a fixed seed."""
    dice = random.Random(7)
    raw = response("200 OK", b"{}", "Retry-After: 5", "Content-Encoding: gzip", "Set-Cookie: a=b")

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        spoilt = bytearray(raw)
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(spoilt))
            spoilt[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        writer.write(bytes(spoilt))
        writer.close()

    async with receiving(behave) as receiver:
        for _ in range(300):
            answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
            assert answer.reached
            assert (answer.status is None) == (answer.error is not None)


async def test_nothing_is_sent_twice_where_a_kept_connection_dies(wire: HttpWire) -> None:
    """The second request meets a server that closes instead of answering."""

    async def behave(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        if len(receiver.requests) == 2:
            writer.close()
        else:
            writer.write(OK)

    async with receiving(behave) as receiver:
        answers = [await wire.post(endpoint(receiver.url), PARCEL, now=NOW) for _ in range(3)]
    assert [answer.error for answer in answers] == [None, "reset", None]
    assert [answer.reached for answer in answers] == [True, True, True]
    assert (len(receiver.requests), receiver.connections) == (3, 2)


def kept(wire: HttpWire) -> list[ResponseHandler]:
    """The connections that a wire keeps for the next request."""
    assert wire._opened is not None
    return [protocol for every in wire._opened._conns.values() for protocol, _ in every]


async def test_a_connection_that_was_closed_while_idle_is_not_used(wire: HttpWire) -> None:
    idle: list[asyncio.StreamWriter] = []

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        idle.append(writer)

    async with receiving(behave) as receiver:
        for _ in range(3):
            answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
            assert answer.status == 200
            [connection] = [one for one in kept(wire) if one.is_connected()]
            idle.pop().close()
            await until(lambda one=connection: not one.is_connected())
    assert receiver.connections == 3


async def test_an_answer_that_nobody_asked_for_answers_nothing(wire: HttpWire) -> None:
    """A second answer must not be taken for that to the next request."""
    taken = asyncio.Event()

    async def behave(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        if len(receiver.requests) > 1:
            writer.write(response("503 Later"))
            return
        writer.write(response("200 OK", b"first"))
        await taken.wait()
        writer.write(response("200 OK", b"unasked"))

    async with receiving(behave) as receiver:
        first = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
        [connection] = kept(wire)
        taken.set()
        await until(lambda: connection.should_close)
        second = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
        third = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert first.body == b"first"
    assert (second.status, second.error) == (None, "reset")
    assert third.status == 503
