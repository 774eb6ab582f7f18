"""The other half of an ERP: it fetches a token, sends messages and reads the network.

async with NetworkClient("http://127.0.0.1:8080", read_credentials(path)) as network:
    reply = await network.send("/api/v0/purchase-order/req-send", body, idempotency_key="po-1")
    order = await network.get("/documents/purchase-order/PUR1")
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from hundi.simulator.credentials import Credentials

_OK, _UNAUTHORIZED = 200, 401
_READS = "/network/v1"

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class TokenRefusedError(Exception):
    """The network gave no token; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the network answered, refusals included. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, numbers with a point as exact Decimals. Raises msgspec.DecodeError."""
        return _decoder.decode(self.body)


class NetworkClient:
    """One client of the network, over one connection pool. Use it as an async context manager.

    A refusal by the network is a `Reply`, not an exception; aiohttp.ClientError and TimeoutError
    mean that no answer came. `timeout_seconds` bounds each call.
    """

    def __init__(
        self, base_url: str, credentials: Credentials, *, timeout_seconds: float = 30.0
    ) -> None:
        self._base = base_url.rstrip("/")
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._opened: aiohttp.ClientSession | None = None
        self._token = ""
        self._fetching = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back the connections. The client can be used again; it opens new ones."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def send(
        self, path: str, body: bytes = b"", *, idempotency_key: str | None = None
    ) -> Reply:
        """POST a body as it is to a path such as `/api/v0/purchase-order/req-send`.

        Raises TokenRefusedError.
        """
        headers = {"content-type": "application/json"}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        return await self._authorized("POST", path, body=body, headers=headers)

    async def get(self, path: str, **query: str) -> Reply:
        """GET below /network/v1, such as `/documents`. Raises TokenRefusedError."""
        return await self._authorized("GET", _READS + path, query=query)

    async def _authorized(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """A call with the token; once more with a new token where it was not good."""
        reply = Reply(_UNAUTHORIZED, {}, b"")
        for _ in range(2):
            token = self._token or await self._fetch(instead_of="")
            bearer = {"authorization": f"Bearer {token}", **(headers or {})}
            reply = await self._call(method, path, data=body, headers=bearer, params=query)
            if reply.status != _UNAUTHORIZED:
                break
            await self._fetch(instead_of=token)
        return reply

    async def _fetch(self, *, instead_of: str) -> str:
        """A token other than the one that failed; callers that wait meanwhile share it."""
        async with self._fetching:
            if self._token == instead_of:
                self._token = await self._issued()
            return self._token

    async def _issued(self) -> str:
        known = self._credentials
        proof = base64.b64encode(f"{known.client_id}:{known.client_secret}".encode()).decode()
        form = {
            "grant_type": "password",
            "clientId": known.client_id,
            "username": known.username,
            "password": known.password,
        }
        reply = await self._call(
            "POST", "/oauth/token", data=form, headers={"authorization": f"Basic {proof}"}
        )
        if reply.status != _OK:
            said = reply.body[:300].decode(errors="replace")
            message = f"The network gave no token to {known.client_id}: {reply.status} {said}"
            raise TokenRefusedError(message)
        token: str = reply.json()["accessToken"]
        return token

    async def _call(
        self,
        method: str,
        path: str,
        *,
        data: bytes | Mapping[str, str] | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(timeout=self._timeout)
        async with self._opened.request(
            method,
            self._base + path,
            data=data,
            headers=headers,
            params=params,
            allow_redirects=False,
        ) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, told, await response.read())
