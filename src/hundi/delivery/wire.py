"""One POST to one endpoint: signed, guarded, bounded in time and size, never sent twice.

A failed attempt is tried again by the dispatcher, with its schedule and an attempt row of its own;
nothing in here repeats a request.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from hundi import __version__
from hundi.delivery.connection import (
    ANSWER_AT_MOST,
    AnswerRefusedError,
    Connector,
    Door,
    NotHttpError,
    Received,
)
from hundi.delivery.egress import EgressGuard, EgressRefusedError, GuardedResolver
from hundi.delivery.stopwatch import Stopwatch, watched
from hundi.exchange.verdict import Answer, Kind
from hundi.kernel.clock import SECOND
from hundi.kernel.signature import SignatureError, sign
from hundi.parties.addresses import HEADER_NAME, HEADER_VALUE, is_ours

__all__ = ["ANSWER_AT_MOST", "Endpoint", "HttpWire", "Parcel", "Wire"]

DEADLINE_SECONDS = 15
CONNECT_SECONDS = 5  # to one address, TLS included
ALL_CONNECTS_SECONDS = 10  # with the look-up and all addresses of the name
CONNECTIONS = 256
"""As many as attempts: who waited here for a place would seem to an endpoint's owner not to answer."""
NAMES_CACHED_SECONDS = 10
# Below the 5 s of Node, uvicorn and Apache: a server that closes an idle connection just as it is
# used again costs a failed attempt, because nobody knows what it still read.
IDLE_SECONDS = 4
LONGEST_RETRY_AFTER = 10**9
ERROR_LENGTH = 200

_LINES = re.compile(rf"(?:(?:{HEADER_NAME.pattern}): (?:{HEADER_VALUE.pattern})\r\n)*+")
_NOT_PLAIN = re.compile(r"[^ -~]")  # of the words of an error, whoever chose them
_SAME_ALWAYS = (
    "accept: application/json\r\n"
    "accept-encoding: identity\r\n"  # what is not unpacked cannot explode
    "content-type: application/json\r\n"
    f"user-agent: hundi/{__version__}\r\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a client's webhooks go. `headers` are static ones of the client's choosing.

    `secrets` are two while one replaces the other: each signs.
    """

    base_url: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    empty_means_success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One webhook, its body as it was stored.

    `path` is joined to the endpoint's base URL with one slash. `sequence` holds the documents'
    journal numbers, comma-separated: those moved, then those held. `trace` is the context that the
    receiver may go on from.
    """

    webhook_id: str
    kind: Kind
    path: str
    body: bytes
    req_msg_id: str
    sequence: str
    idempotency_key: str | None
    trace: str | None = None


class Wire(Protocol):
    """What carries a parcel to an endpoint: HTTP, or a simulated network."""

    async def post(
        self, endpoint: Endpoint, parcel: Parcel, *, now: int, watch: Stopwatch | None = None
    ) -> Answer:
        """The answer, whatever happened. Never raises for what a receiver does."""


class _NotSentError(Exception):
    """The attempt ended here, before anything was looked up; the text says why."""


class HttpWire:
    """The real wire: one HTTP client with kept-alive connections for a process.

    `deadline` is in seconds and covers everything from the look-up of the name to the last byte of
    the answer. `tls` and `resolver` replace the system's trusted certificates and name service;
    `timed` says whether stopwatches will come along.
    """

    def __init__(
        self,
        guard: EgressGuard,
        *,
        deadline: float = DEADLINE_SECONDS,
        tls: ssl.SSLContext | None = None,
        resolver: AbstractResolver | None = None,
        timed: bool = False,
    ) -> None:
        self._guard = guard
        self._deadline = deadline
        self._tls = watched(tls or _usual_tls()) if timed else tls
        self._resolver = resolver or GuardedResolver(guard)
        self._opened: Connector | None = None
        self._target = lru_cache(4096)(self._judged)

    async def post(
        self, endpoint: Endpoint, parcel: Parcel, *, now: int, watch: Stopwatch | None = None
    ) -> Answer:
        """Post once. What was not sent for sure is told apart from what may have arrived."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            door = self._target(endpoint.base_url, parcel.path)
            headers = _headers(endpoint, parcel, now)
            connector = self._opened or self._open()
            async with asyncio.timeout(self._deadline):
                received = await connector.post(door, headers, parcel.body, watch=watch)
        except (_NotSentError, aiohttp.ClientError, OSError) as trouble:
            return _unanswered(trouble, round((clock() - began) * 1000))
        return _answer(received, round((clock() - began) * 1000), now)

    def _judged(self, base_url: str, path: str) -> Door:
        """The door of a webhook's URL. Raises _NotSentError where it may not be called."""
        text = f"{base_url.rstrip('/')}/{path.lstrip('/')}"
        trouble = self._guard.url_refused(text)
        if trouble is not None:
            raise _NotSentError(f"the endpoint {trouble}")
        return Door(URL(text))

    def _open(self) -> Connector:
        # No total here: aiohttp rounds it up to whole seconds; `post` sets an exact one.
        self._opened = Connector(
            aiohttp.ClientTimeout(
                total=None, connect=ALL_CONNECTS_SECONDS, sock_connect=CONNECT_SECONDS
            ),
            resolver=self._resolver,
            socket_factory=self._guard.socket_to,
            ssl=self._tls or True,
            limit=CONNECTIONS,
            limit_per_host=0,  # clients share hosts, and each has its own bound: its breaker's
            keepalive_timeout=IDLE_SECONDS,
            ttl_dns_cache=NAMES_CACHED_SECONDS,
        )
        return self._opened

    async def close(self) -> None:
        """Close every connection. Attempts under way end as failed ones."""
        if self._opened is not None:
            await self._opened.close()
        await self._resolver.close()  # aiohttp closes only a resolver that it made itself


def _usual_tls() -> ssl.SSLContext:
    """What aiohttp makes for itself where it is given none."""
    made = ssl.create_default_context()
    made.set_alpn_protocols(("http/1.1",))
    return made


def _headers(endpoint: Endpoint, parcel: Parcel, now: int) -> str:
    """All header lines; ours win. Raises _NotSentError for one that would break the message."""
    try:
        headers = sign(
            endpoint.secrets,
            webhook_id=parcel.webhook_id,
            timestamp=now // SECOND,
            body=parcel.body,
        )
    except SignatureError as trouble:
        raise _NotSentError(str(trouble)) from trouble
    headers["hundi-exchange"] = parcel.req_msg_id
    headers["hundi-sequence"] = parcel.sequence
    if parcel.idempotency_key is not None:
        headers["hundi-idempotency-key"] = parcel.idempotency_key
    if parcel.trace is not None:
        headers["traceparent"] = parcel.trace
    if endpoint.headers:
        headers |= _allowed(endpoint.headers)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # The last look at each, all at once: nothing that ends a line may stand in one.
    if not _LINES.fullmatch(lines) or lines.count("\n") != len(headers):
        for name, value in headers.items():
            _check(name, value)
        raise _NotSentError("a header cannot be written")
    return _SAME_ALWAYS + lines


def _allowed(static: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in static.items():
        if not is_ours(name):
            yield name.lower(), value


def _check(name: str, value: str) -> None:
    if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
        raise _NotSentError(f"the header {ascii(name)[:60]} cannot be written")


def _answer(received: Received, milliseconds: int, now: int) -> Answer:
    asked = received.retry_after
    return Answer(
        status=received.status,
        body=received.body,
        retry_after=None if asked is None else _retry_after(asked, now),
        milliseconds=milliseconds,
        reached=True,
        error=None if received.whole else "answer-too-large",
    )


def _unanswered(trouble: Exception, milliseconds: int) -> Answer:
    word, reached = _cause(trouble)
    return Answer(
        status=None,
        body=b"",
        retry_after=None,
        milliseconds=milliseconds,
        reached=reached,
        error=word,
    )


def _retry_after(text: str, now: int) -> int | None:
    """Seconds until the receiver wants to be asked again; it may have named a date."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:10]), LONGEST_RETRY_AFTER)
    try:
        moment = round(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
    return min(max(moment - now // SECOND, 0), LONGEST_RETRY_AFTER)


def _cause(trouble: Exception) -> tuple[str, bool]:
    """The words of `Answer.error`, and whether the request may have reached the receiver."""
    unsent = _why_unsent(trouble)
    words = unsent or _why_unanswered(trouble)
    return _NOT_PLAIN.sub("?", words[:ERROR_LENGTH]), unsent is None


def _why_unsent(trouble: Exception) -> str | None:
    """What ended an attempt before its first byte went out; None where one may have gone."""
    inner = getattr(trouble, "os_error", None)
    match trouble:
        case _NotSentError():
            return f"egress: {trouble}"
        case _ if isinstance(inner, EgressRefusedError):
            return f"egress: {inner}"
        case aiohttp.ClientConnectorDNSError():
            return _phrased("dns", inner)
        case aiohttp.ClientConnectorCertificateError():
            return _phrased("tls", trouble.certificate_error)
        case aiohttp.ClientSSLError():
            return _phrased("tls", inner)
        case aiohttp.ConnectionTimeoutError():
            return "connect: timed out"
        case aiohttp.ClientConnectorError():
            return _phrased("connect", inner)
        case aiohttp.InvalidURL():
            return "egress: the endpoint cannot be read as a URL"
    return None


def _why_unanswered(trouble: Exception) -> str:
    match trouble:
        case TimeoutError():
            return "timeout"
        case AnswerRefusedError():
            return f"not-http: {trouble}"
        case NotHttpError():
            return "not-http"
    return "reset"


def _phrased(word: str, cause: object) -> str:
    """A word and what the system says, without the address: it is not the client's to know."""
    phrase = getattr(cause, "verify_message", None) or getattr(cause, "reason", None)
    if not phrase and isinstance(cause, OSError):
        number = cause.errno or 0
        phrase = os.strerror(number) if number > 0 else cause.strerror
    return f"{word}: {phrase}" if phrase else word
