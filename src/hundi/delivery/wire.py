"""One POST to one endpoint: signed, guarded, bounded in time and size, never retried by itself."""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from hundi import __version__
from hundi.delivery.egress import EgressGuard, EgressRefusedError, GuardedResolver
from hundi.exchange.verdict import Answer, Kind
from hundi.kernel.signature import sign

ANSWER_LIMIT = 64 * 1024
DEADLINE_SECONDS = 15
CONNECT_SECONDS = 5
CONNECTIONS = 256
CONNECTIONS_PER_HOST = 64

_OURS = frozenset(
    {"content-type", "content-length", "host", "user-agent", "accept-encoding", "connection"}
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client's webhooks go. `headers` are static ones of the client's choosing."""

    base_url: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    empty_means_success: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """One webhook. `path` has no leading slash; `sequence` is the document's journal number."""

    webhook_id: str
    kind: Kind
    path: str
    body: bytes
    req_msg_id: str
    sequence: str
    idempotency_key: str | None


class Wire(Protocol):
    """What carries a parcel to an endpoint: HTTP, or a simulated network."""

    async def post(self, endpoint: Endpoint, parcel: Parcel, *, now: int) -> Answer:
        """The answer, whatever happened. Never raises for what a receiver does."""


class HttpWire:
    """The real wire: one pooled HTTP client for a process."""

    def __init__(self, guard: EgressGuard, *, deadline: int = DEADLINE_SECONDS) -> None:
        self._guard = guard
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=GuardedResolver(self._guard),
                    use_dns_cache=False,
                    limit=CONNECTIONS,
                    limit_per_host=CONNECTIONS_PER_HOST,
                    keepalive_timeout=20,
                ),
                timeout=aiohttp.ClientTimeout(total=self._deadline, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session

    async def post(self, endpoint: Endpoint, parcel: Parcel, *, now: int) -> Answer:
        """Post once. What was not sent for sure is told apart from what may have arrived."""
        began = time.monotonic_ns()
        url = f"{endpoint.base_url.rstrip('/')}/{parcel.path}"
        refused = self._guard.url_refused(url)
        if refused is not None:
            return _failed("egress", began, reached=False)
        try:
            return await self._post(endpoint, parcel, url=url, now=now, began=began)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            word, reached = _cause(error)
            return _failed(word, began, reached=reached)

    async def _post(
        self, endpoint: Endpoint, parcel: Parcel, *, url: str, now: int, began: int
    ) -> Answer:
        async with self._client().post(
            url,
            data=parcel.body,
            headers=_headers(endpoint, parcel, now),
            allow_redirects=False,
        ) as response:
            body = await _limited(response)
            return Answer(
                status=response.status,
                body=body,
                retry_after=_retry_after(response.headers.get("Retry-After")),
                milliseconds=_since(began),
                reached=True,
                error=None,
            )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def _headers(endpoint: Endpoint, parcel: Parcel, now: int) -> dict[str, str]:
    own = {k: v for k, v in endpoint.headers.items() if _may_set(k)} if endpoint.headers else {}
    headers = {
        **own,
        **sign(
            endpoint.secrets,
            webhook_id=parcel.webhook_id,
            timestamp=now // 1_000_000,
            body=parcel.body,
        ),
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"hundi/{__version__}",
        "hundi-exchange": parcel.req_msg_id,
        "hundi-sequence": parcel.sequence,
    }
    if parcel.idempotency_key is not None:
        headers["hundi-idempotency-key"] = parcel.idempotency_key
    return headers


def _may_set(name: str) -> bool:
    low = name.lower()
    return low not in _OURS and not low.startswith(("webhook-", "hundi-"))


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """The first 64 KiB of an answer; of a longer one the rest is never read."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > ANSWER_LIMIT:
            response.close()
            break
    return b"".join(chunks)[:ANSWER_LIMIT]


def _retry_after(text: str | None) -> int | None:
    """Seconds, where the receiver gave seconds. A date is taken for no wish."""
    if text is None or not text.strip().isascii() or not text.strip().isdigit():
        return None
    return min(int(text.strip()[:9]), 10**6)


def _cause(error: BaseException) -> tuple[str, bool]:
    """A short word for what went wrong, and whether the request may have reached the receiver."""
    inner = error.__cause__ or getattr(error, "os_error", None) or error
    if isinstance(error, EgressRefusedError) or isinstance(inner, EgressRefusedError):
        return "egress", False
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(inner, socket.gaierror):
        return "dns", False
    if isinstance(error, aiohttp.ClientConnectorSSLError | aiohttp.ClientSSLError | ssl.SSLError):
        return "tls", False
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return "connect", False
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "timeout", True
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return "egress", False
    return "reset", True


def _failed(word: str, began: int, *, reached: bool) -> Answer:
    return Answer(
        status=None,
        body=b"",
        retry_after=None,
        milliseconds=_since(began),
        reached=reached,
        error=word,
    )


def _since(began: int) -> int:
    return (time.monotonic_ns() - began) // 1_000_000
