"""The wire over real loopback sockets: what is sent, and what each kind of answer comes to."""

import asyncio
import gzip
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from email.utils import formatdate

import pytest
from standardwebhooks import Webhook

from hundi import __version__
from hundi.delivery.egress import EgressGuard
from hundi.delivery.wire import ANSWER_AT_MOST, Endpoint, HttpWire, Parcel
from hundi.exchange.verdict import Kind
from hundi.kernel.clock import SECOND, wall_clock
from tests.delivery.receiver import PATIENT, Receiver, receiving, response, says

OURS = "MSG0192F3A4B5C67D8E9FA0B1C2D3E4F506"
SECRET = "whsec_" + "QUJD" * 11
OTHER_SECRET = "whsec_" + "REVG" * 11
NOW = 1_770_000_000 * SECOND
OK = response("200 OK", b'{"payload":{"resp":{"result":"SUCCESS"}}}')

PARCEL = Parcel(
    webhook_id=OURS,
    kind=Kind.REQUEST,
    path="purchase-order/req-send",
    body='{"subject": "सूत", "n": 1.10}'.encode(),
    req_msg_id=OURS,
    sequence="3,4",
    idempotency_key=None,
)


def endpoint(url: str, **changes: object) -> Endpoint:
    plain = Endpoint(base_url=url, headers={}, secrets=(SECRET,), empty_means_success=False)
    return replace(plain, **changes)


@pytest.fixture
async def wire() -> AsyncIterator[HttpWire]:
    made = HttpWire(EgressGuard.for_mode(dev=True), deadline=PATIENT)
    yield made
    await made.close()


async def test_the_stored_bytes_travel_signed(wire: HttpWire) -> None:
    now = wall_clock()
    async with receiving(says(OK)) as receiver:
        where = endpoint(receiver.url, secrets=(SECRET, OTHER_SECRET))
        answer = await wire.post(where, PARCEL, now=now)
    [request] = receiver.requests
    assert request.line == "POST /purchase-order/req-send HTTP/1.1"
    assert request.body == PARCEL.body
    for secret in where.secrets:
        Webhook(secret).verify(request.body, dict(request.headers))
    assert request.header("webhook-id") == [OURS]
    assert request.header("webhook-timestamp") == [str(now // SECOND)]
    assert (answer.status, answer.error, answer.reached) == (200, None, True)
    assert answer.body == b'{"payload":{"resp":{"result":"SUCCESS"}}}'


async def test_headers_are_these_and_no_others(wire: HttpWire) -> None:
    async with receiving(says(OK)) as receiver:
        keyed = replace(PARCEL, idempotency_key='order "7" / a;b')
        await wire.post(endpoint(receiver.url), keyed, now=NOW)
        await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    first, second = receiver.requests
    own = {name: value for name, value in first.headers if not name.startswith("webhook-")}
    assert own == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-length": str(len(PARCEL.body)),
        "content-type": "application/json",
        "user-agent": f"hundi/{__version__}",
        "hundi-exchange": OURS,
        "hundi-sequence": "3,4",
        "hundi-idempotency-key": 'order "7" / a;b',
    }
    assert second.header("hundi-idempotency-key") == []


async def test_static_headers_are_added_and_override_nothing(wire: HttpWire) -> None:
    static = {
        "X-Api-Key": "k 1",
        "Authorization": "Basic eDp5",
        "X-Empty": "",
        "Webhook-Id": "x",
        "HUNDI-Exchange": "x",
        "Content-Type": "text/plain",
        "content-length": "1",
        "Transfer-Encoding": "chunked",
        "Host": "elsewhere.example",
        "User-Agent": "x",
        "Accept-Encoding": "gzip",
        "Connection": "close",
        "Expect": "100-continue",
        "Proxy-Authorization": "x",
    }
    async with receiving(says(OK)) as receiver:
        await wire.post(endpoint(receiver.url, headers=static), PARCEL, now=NOW)
        await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    with_static, without = receiver.requests
    added = {"x-api-key": "k 1", "authorization": "Basic eDp5", "x-empty": ""}
    assert sorted(with_static.headers) == sorted([*without.headers, *added.items()])


@pytest.mark.parametrize(
    ("base", "line"),
    [
        ("", "/purchase-order/req-send"),
        ("/", "/purchase-order/req-send"),
        ("/a/b", "/a/b/purchase-order/req-send"),
        ("/a/b/", "/a/b/purchase-order/req-send"),
        ("/a/b//", "/a/b/purchase-order/req-send"),
        ("/a%2Fb", "/a%2Fb/purchase-order/req-send"),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_base_url_and_path_meet_in_one_slash(
    wire: HttpWire, base: str, line: str, slash: str
) -> None:
    async with receiving(says(OK)) as receiver:
        parcel = replace(PARCEL, path=slash + PARCEL.path)
        await wire.post(endpoint(receiver.url + base), parcel, now=NOW)
    assert receiver.requests[0].line == f"POST {line} HTTP/1.1"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda e, p: (replace(e, headers={"X-A": "a\r\nX-B: b"}), p),
        lambda e, p: (replace(e, headers={"X-A": "a\nX-B: b"}), p),
        lambda e, p: (replace(e, headers={"X-A": "a\x00"}), p),
        lambda e, p: (replace(e, headers={"X-A": "é"}), p),
        lambda e, p: (replace(e, headers={"X-A\r\nX-B": "b"}), p),
        lambda e, p: (replace(e, headers={"X A": "b"}), p),
        lambda e, p: (replace(e, headers={"": "b"}), p),
        lambda e, p: (e, replace(p, idempotency_key="a\r\nX-B: b")),
        lambda e, p: (e, replace(p, idempotency_key="a\n")),
        lambda e, p: (e, replace(p, idempotency_key="ключ")),
        lambda e, p: (replace(e, secrets=()), p),
        lambda e, p: (replace(e, secrets=("whsec_short",)), p),
        lambda e, p: (e, replace(p, webhook_id="a\r\nX-B: b")),
    ],
)
async def test_what_would_break_the_message_is_not_sent(
    wire: HttpWire, spoil: Callable[[Endpoint, Parcel], tuple[Endpoint, Parcel]]
) -> None:
    async with receiving(says(OK)) as receiver:
        where, parcel = spoil(endpoint(receiver.url), PARCEL)
        answer = await wire.post(where, parcel, now=NOW)
    assert (answer.status, answer.reached, receiver.connections) == (None, False, 0)
    assert str(answer.error).startswith("egress: ")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b"{}"),
        ("200 OK", b""),
        ("201 Created", b"{}"),
        ("202 Accepted", b""),
        ("400 Bad Request", b"{}"),
        ("401 Unauthorized", b""),
        ("404 Not Found", b"<html>"),
        ("410 Gone", b""),
        ("422 Unprocessable Entity", b"{}"),
        ("429 Too Many Requests", b""),
        ("500 Internal Server Error", b"oops"),
        ("503 Service Unavailable", b""),
        ("599 ", b"{}"),
    ],
)
async def test_an_answer_comes_back_as_it_is(wire: HttpWire, status: str, body: bytes) -> None:
    async with receiving(says(response(status, body))) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.body, answer.error) == (int(status[:3]), body, None)
    assert answer.reached
    assert answer.retry_after is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_other_ways_to_write_an_answer(wire: HttpWire, raw: bytes) -> None:
    async with receiving(says(raw)) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.body) in {(204, b""), (200, b"{}")}
    assert answer.error is None


async def test_an_answer_may_end_with_the_connection(wire: HttpWire) -> None:
    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n{}")
        writer.close()

    async with receiving(behave) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.body, answer.error) == (200, b"{}", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(wire: HttpWire, status: int) -> None:
    async with receiving(says(OK)) as other:
        redirect = response(f"{status} Go", b"", f"Location: {other.url}/x")
        async with receiving(says(redirect)) as receiver:
            answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, len(receiver.requests), other.connections) == (status, 1, 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 5_000, 10**9),
        (formatdate(NOW // SECOND + 90, usegmt=True), 90),
        (formatdate(NOW // SECOND - 90, usegmt=True), 0),
        ("Sun, 06 Nov 9999 08:49:37 GMT", 10**9),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 08:49:37 GMT", None),
    ],
)
@pytest.mark.parametrize("status", ["200 OK", "429 Slow", "503 Later"])
async def test_retry_after_in_seconds_or_as_a_date(
    wire: HttpWire, status: str, text: str, seconds: int | None
) -> None:
    raw = response(status, b"", f"Retry-After: {text}").replace(b"?", b"")
    async with receiving(says(raw)) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.status, answer.retry_after) == (int(status[:3]), seconds)


async def test_cookies_are_ignored(wire: HttpWire, caplog) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp")
    cookies = ["a=b", "\x01broken; =;", "name;=" + "x" * 4_000, "a b=c", "bad{name}=" + "x" * 4_000]
    raw = response("200 OK", b"{}", *(f"Set-Cookie: {cookie}" for cookie in cookies))
    async with receiving(says(raw)) as receiver:
        for _ in range(2):
            await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert [request.header("cookie") for request in receiver.requests] == [[], []]
    assert caplog.records == []  # nobody writes into our logs what he likes


async def test_connections_are_kept(wire: HttpWire) -> None:
    async with receiving(says(OK)) as receiver:
        for _ in range(5):
            await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (receiver.connections, len(receiver.requests)) == (1, 5)


async def test_an_answer_of_64_kib_is_whole(wire: HttpWire) -> None:
    body = b"x" * ANSWER_AT_MOST
    async with receiving(says(response("200 OK", body))) as receiver:
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
    assert (answer.body, answer.error) == (body, None)


async def test_an_answer_may_repeat_a_large_document_printed_wider(wire: HttpWire) -> None:
    large = replace(PARCEL, body=b"x" * 400_000)
    for length, error in ((800_000, None), (800_001, "answer-too-large")):
        async with receiving(says(response("200 OK", b"y" * length))) as receiver:
            answer = await wire.post(endpoint(receiver.url), large, now=NOW)
        assert (answer.body, answer.error) == (b"y" * 800_000, error)


@pytest.mark.parametrize("told", [b"Content-Length: 10485760", b"Transfer-Encoding: chunked"])
async def test_a_longer_answer_is_cut_and_not_read_to_its_end(wire: HttpWire, told: bytes) -> None:
    written = 0

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n" + told + b"\r\n\r\n")
        chunk = b"x" * 65_536
        for _ in range(2_000):
            writer.write(b"10000\r\n%b\r\n" % chunk if b"chunked" in told else chunk)
            await writer.drain()
            written += len(chunk)

    async with receiving(behave) as receiver:
        tracemalloc.start()
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (answer.status, answer.error, answer.reached) == (200, "answer-too-large", True)
    assert answer.body == b"x" * ANSWER_AT_MOST
    assert written < 64 << 20
    assert most < 16 << 20


async def test_a_gzip_bomb_stays_packed(wire: HttpWire) -> None:
    bomb = gzip.compress(b"\x00" * (40 << 20))
    raw = response("200 OK", bomb, "Content-Encoding: gzip")
    async with receiving(says(raw)) as receiver:
        tracemalloc.start()
        answer = await wire.post(endpoint(receiver.url), PARCEL, now=NOW)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.body == bomb[:ANSWER_AT_MOST]
    assert most < 4 << 20


async def test_clients_who_share_a_slow_host_wait_for_no_place(wire: HttpWire) -> None:
    """Who waits here for a place, and is counted as unreachable, was never asked."""
    everyone = asyncio.Barrier(100)

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await everyone.wait()
        writer.write(OK)

    async with receiving(behave) as slow:
        posts = (wire.post(endpoint(slow.url), PARCEL, now=NOW) for _ in range(100))
        answers = await asyncio.gather(*posts)
    assert {(one.status, one.error) for one in answers} == {(200, None)}


async def test_a_slow_endpoint_slows_no_other(wire: HttpWire) -> None:
    everybody = asyncio.Barrier(33)

    async def behave(_receiver: Receiver, _writer: asyncio.StreamWriter) -> None:
        await everybody.wait()
        await asyncio.Event().wait()

    async with receiving(behave) as slow, receiving(says(OK)) as quick:
        waiting = [
            asyncio.create_task(wire.post(endpoint(slow.url), PARCEL, now=NOW)) for _ in range(32)
        ]
        async with asyncio.timeout(PATIENT / 2):  # those who wait do so for twice as long
            await everybody.wait()
            answer = await wire.post(endpoint(quick.url), PARCEL, now=NOW)
        assert answer.status == 200
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
