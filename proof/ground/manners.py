"""Ways in which a receiver may answer, and what each must come to: the answer matrix."""

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from time import time

from tests.delivery.receiver import Behaviour, Receiver, reset, response, says

SUCCESS = b'{"payload":{"resp":{"reqMsgId":"","result":"SUCCESS"}}}'
FAILURE = b'{"payload":{"resp":{"result":"FAILURE","errorCd":"NO","errorDtl":"no"}}}'
PENDING = SUCCESS.replace(b"SUCCESS", b"PENDING")
OK = response("200 OK", SUCCESS)
BIG = 10 << 20
DAY = 86_400.0
SETTLED, DECLINED, ASKED, FAILED, GONE = "SETTLED", "DECLINED", "ASK_AGAIN", "FAILED", "GONE"
NO_MORE = 0.0
USUAL = 5.0
"""Seconds before the second attempt, a tenth more or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One answer, and what an attempt at a request comes to by it.

    `status` is None where there is no whole answer; `reason` is then how the attempt's words begin.
    `wait` is in seconds, exact unless it is the usual one. `behave` is None where nobody answers:
    the endpoint itself is at fault.
    """

    name: str
    behave: Behaviour | None
    outcome: str
    status: int | None
    reason: str = ""
    reached: bool = True
    wait: float = NO_MORE
    slowest: float = 5.0

    def of(self, *, informing: bool) -> "tuple[str, float]":
        """Outcome and wait; any 2xx delivers what only informs, and only a 2xx."""
        if not informing:
            return self.outcome, self.wait
        if self.status is not None and 200 <= self.status <= 299:
            return SETTLED, NO_MORE
        return (FAILED, USUAL) if self.outcome == DECLINED else (self.outcome, self.wait)


def _whole(
    name: str, status: int, body: bytes = b"", *headers: str, outcome: str = FAILED,
    wait: float | None = None, reason: str = "",
) -> Manner:  # fmt: skip
    usual = USUAL if outcome in {FAILED, GONE} else NO_MORE
    return Manner(
        name=name, behave=says(response(f"{status} Word", body, *headers)), outcome=outcome,
        status=status, wait=usual if wait is None else wait, reason=reason,
    )  # fmt: skip


def _raw(name: str, answer: bytes, *, outcome: str = FAILED, status: int | None = None) -> Manner:
    """Bytes that are written as they are, and the connection closed."""

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    wait = USUAL if outcome == FAILED else NO_MORE
    return Manner(name=name, behave=behave, outcome=outcome, status=status, wait=wait)


def _rude(name: str, first: bytes) -> Manner:
    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        if first:
            writer.write(first)
            await writer.drain()
            await asyncio.sleep(0.05)
        reset(writer)

    return Manner(name=name, behave=behave, outcome=FAILED, status=None, reason="reset", wait=USUAL)


def _slow(name: str, first: bytes, piece: bytes) -> Manner:
    """Never comes to an end; nothing at all where there is no piece."""

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(piece)
            await asyncio.sleep(0.2)

    return Manner(
        name=name, behave=behave, outcome=FAILED, status=None, reason="timeout", wait=USUAL,
        slowest=16.5,
    )  # fmt: skip


def _never(name: str, reason: str) -> Manner:
    return Manner(
        name=name, behave=None, outcome=FAILED, status=None, reason=reason, reached=False,
        wait=USUAL, slowest=11.0,
    )  # fmt: skip


def _of_200() -> Iterator[Manner]:
    yield _whole("success", 200, SUCCESS, outcome=SETTLED)
    yield _whole("failure", 200, FAILURE, outcome=DECLINED)
    yield _whole("partial", 200, FAILURE.replace(b"FAILURE", b"PARTIAL"), outcome=DECLINED)
    yield _whole("empty", 200, reason="answer is empty")
    yield _whole("blank", 200, b" \r\n ", reason="answer is empty")
    yield _whole("html", 200, b"<html>welcome</html>", reason="answer is not JSON")
    yield _whole("bad-utf8", 200, b'{"a":"\xff"}', reason="answer is not JSON")
    yield _whole("deep", 200, b"[" * 60_000, reason="answer is not JSON")
    yield _whole("array", 200, b"[]", reason="answer has no payload.resp")
    yield _whole("no-result", 200, b'{"payload":{"resp":{}}}', reason="answer has no known result")
    yield _whole("odd-result", 200, SUCCESS.replace(b"SUCCESS", b"success"), reason="answer has")
    yield _whole(
        "other-id", 200, SUCCESS.replace(b'""', b'"MSG0"'), reason="answer names another request"
    )
    yield _whole(
        "twice",
        200,
        SUCCESS.replace(b'"reqMsgId":""', b'"result":"FAILURE"'),
        reason="answer gives",
    )
    yield _whole("nul", 200, FAILURE.replace(b'"NO"', b'"N\\u0000"'), reason="answer's errorCd")


def _of_pending() -> Iterator[Manner]:
    for name, asked, wait in (
        ("7", "7", 7.0), ("0", "0", 1.0), ("huge", "99999999999", 3600.0),
        ("nonsense", "soon", 60.0), ("past", "Mon, 01 Jan 2024 00:00:00 GMT", 1.0),
    ):  # fmt: skip
        yield _whole(
            f"pending-{name}", 200, PENDING, f"Retry-After: {asked}", outcome=ASKED, wait=wait
        )
    yield _whole("pending", 200, PENDING, outcome=ASKED, wait=60.0)


def _of_statuses() -> Iterator[Manner]:
    for status in (201, 202, 203, 204, 206, 226):
        body = b"" if status == 204 else SUCCESS
        yield _whole(f"{status}", status, body, reason=f"HTTP {status}")
    for status in (300, 301, 302, 303, 304, 305, 307, 308):
        body = b"" if status == 304 else SUCCESS
        yield _whole(f"{status}", status, body, "Location: /trap", reason=f"HTTP {status}")
    for status in (*range(400, 419), *range(421, 427), 428, 429, 431, 451, 499):
        usual = GONE if status == 410 else FAILED
        declines = usual if status in {408, 410, 429} else DECLINED
        yield _whole(f"{status}", status, outcome=usual, reason=f"HTTP {status}")
        yield _whole(f"{status}-failure", status, FAILURE, outcome=declines)
    yield _whole("400-success", 400, SUCCESS, reason="HTTP 400, answer says SUCCESS")
    yield _whole("400-pending", 400, PENDING, reason="HTTP 400, answer says PENDING")
    for status in (500, 501, 502, 503, 504, 505, 507, 508, 511, 599, 600, 999):
        yield _whole(f"{status}", status, FAILURE, reason=f"HTTP {status}")


def _of_retry_after() -> Iterator[Manner]:
    for status in (429, 503, 500):
        for name, asked, wait in (
            ("seconds", "20", 20.0), ("small", "1", USUAL), ("zero", "0", USUAL),
            ("nonsense", "after lunch", USUAL), ("negative", "-20", USUAL),
            ("fraction", "20.5", USUAL), ("huge", "9" * 40, DAY), ("two-days", "172800", DAY),
            ("past", "Mon, 01 Jan 2024 00:00:00 GMT", USUAL),
            ("far", "Fri, 31 Dec 9999 23:59:59 GMT", DAY), ("blank", " ", USUAL),
        ):  # fmt: skip
            yield _whole(f"{status}-{name}", status, b"", f"Retry-After: {asked}", wait=wait)
        yield Manner(name=f"{status}-date", behave=_dated(status), outcome=FAILED, status=status,
                     wait=30.0)  # fmt: skip


def _dated(status: int) -> Behaviour:
    """Asks for half a minute, as a date."""

    async def behave(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        date = formatdate(time() + 30, usegmt=True)
        writer.write(response(f"{status} Later", b"", f"Retry-After: {date}"))

    return behave


def _of_broken() -> Iterator[Manner]:
    yield _rude("reset", b"")
    yield _rude("reset-in-head", b"HTTP/1.1 200 OK\r\nContent-Le")
    yield _rude("reset-after-head", b"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n")
    yield _rude("reset-in-body", OK[:-5])
    yield _raw("hang-up", b"")
    yield _raw("short-body", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + SUCCESS)
    yield _slow("silence", b"", b"")
    yield _slow("drip-head", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
    yield _slow("drip-body", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", b" ")
    yield _slow(
        "drip-chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"
    )


def _of_sizes() -> Iterator[Manner]:
    wide = SUCCESS + b" " * BIG
    yield _whole("10-mib", 200, wide, reason="answer-too-large")
    yield _raw("10-mib-to-the-end", b"HTTP/1.1 200 OK\r\n\r\n" + wide, status=200)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield _raw("10-mib-chunked", head + chunk * (BIG >> 16) + b"0\r\n\r\n", status=200)
    bomb = gzip.compress(b"\0" * BIG * 4)[:60_000]
    yield _whole("gzip-bomb", 200, bomb, "Content-Encoding: gzip", reason="answer is not JSON")
    yield _whole("gzip", 200, gzip.compress(SUCCESS), "Content-Encoding: gzip", reason="answer is")
    yield _whole("64-kib", 200, SUCCESS + b" " * (65_536 - len(SUCCESS)), outcome=SETTLED)
    yield _whole("500-10-mib", 500, b"x" * BIG, reason="HTTP 500")


def _of_odd_http() -> Iterator[Manner]:
    head = b"HTTP/1.1 200 OK\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    yield _raw("1.0", b"HTTP/1.0 200 OK\r\n\r\n" + SUCCESS, outcome=SETTLED, status=200)
    yield _raw("0.9", SUCCESS)
    yield _raw("chunked", chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(SUCCESS), SUCCESS),
               outcome=SETTLED, status=200)  # fmt: skip
    yield _raw("chunk-garbage", chunked + b"zz\r\n" + SUCCESS)
    yield _raw("chunk-negative", chunked + b"-5\r\n" + SUCCESS)
    yield _raw("chunk-unended", chunked + b"%x\r\n%b\r\n" % (len(SUCCESS), SUCCESS))
    yield _raw("hints", b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, outcome=SETTLED, status=200)
    yield _raw("hints-bomb", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000 + OK)
    yield _raw("two-lengths", head + b"Content-Length: 1\r\nContent-Length: 55\r\n\r\n" + SUCCESS)
    yield _raw("negative-length", head + b"Content-Length: -1\r\n\r\n" + SUCCESS)
    yield _raw("header-bomb", head + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n" + SUCCESS)
    yield _raw("headers-bomb", head + b"X-Many: x\r\n" * 50_000 + b"\r\n" + SUCCESS)
    yield _raw("status-bomb", b"HTTP/1.1 " + b"2" * 100_000 + b" OK\r\n\r\n" + SUCCESS)
    yield _raw("ssh", b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    yield _raw("zeros", b"\0" * 100_000)


MANNERS = {
    manner.name: manner
    for family in (
        _of_200, _of_pending, _of_statuses, _of_retry_after, _of_broken, _of_sizes, _of_odd_http,
    )
    for manner in family()
} | {
    manner.name: manner
    for manner in (
        _never("dns", "dns"),
        _never("closed-port", "connect"),
        _never("tls-unknown", "tls"),
        _never("tls-expired", "tls"),
        _never("tls-elsewhere", "tls"),
        _never("tls-plain", "tls"),
        _never("tls-silent", "connect"),
        _whole("tls-good", 200, SUCCESS, outcome=SETTLED),
    )
}  # fmt: skip
