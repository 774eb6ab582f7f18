"""The client half, against a stand-in for the network's token call and two of its paths."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from aiohttp import web

from hundi.simulator.client import NetworkClient, TokenRefusedError
from hundi.simulator.credentials import Credentials, CredentialsError, parse_credentials

KNOWN = Credentials(
    client_id="CEKABC1234",
    client_secret="clientsecret",
    username="api@x",
    password="pass word&=",
    webhook_secret="whsec_x",
)


@dataclass
class Network:
    """Remembers what was asked; `good` tokens are believed."""

    good: set[str] = field(default_factory=set)
    issued: int = 0
    forms: list[dict[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    refuses: bool = False
    believes: bool = True

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.forms.append(
            {"authorization": request.headers["authorization"]}
            | {name: str(value) for name, value in form.items()}
        )
        if self.refuses:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.issued += 1
        token = f"token-{self.issued}"
        self.good.add(token)
        return web.json_response({"accessToken": token})

    async def anything(self, request: web.Request) -> web.Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self.good or not self.believes:
            return web.json_response({}, status=401)
        raw = await request.read()
        key = request.headers.get("idempotency-key")
        self.calls.append((request.method, str(request.rel_url), raw, key))
        return web.Response(text='{"total": 1391212.10, "n": 1}', headers={"X-Seen": "yes"})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Network, NetworkClient]]:
    network = Network()
    application = web.Application()
    application.router.add_post("/oauth/token", network.token)
    application.router.add_route("*", "/{path:.*}", network.anything)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with NetworkClient(url, KNOWN) as client:
        yield network, client
    await runner.cleanup()


async def test_the_token_call_is_the_contract_s() -> None:
    async with connected() as (network, client):
        await client.get("/documents")
        proof = base64.b64encode(b"CEKABC1234:clientsecret").decode()
        assert network.forms == [
            {
                "authorization": f"Basic {proof}",
                "grant_type": "password",
                "clientId": "CEKABC1234",
                "username": "api@x",
                "password": "pass word&=",
            }
        ]


async def test_bodies_travel_as_they_are_and_keys_beside_them() -> None:
    raw = b'{"a": 1.10,  "b":"\xe2\x82\xb9"}'
    async with connected() as (network, client):
        reply = await client.send("/api/v0/purchase-order/req-send", raw, idempotency_key="po-1")
        await client.send("/network/v1/exchanges/MSG1/abandon")
        await client.get("/documents/purchase-order/PUR1", author="A@BCB")
        assert network.calls == [
            ("POST", "/api/v0/purchase-order/req-send", raw, "po-1"),
            ("POST", "/network/v1/exchanges/MSG1/abandon", b"", None),
            ("GET", "/network/v1/documents/purchase-order/PUR1?author=A@BCB", b"", None),
        ]
        assert (reply.status, reply.headers["x-seen"]) == (200, "yes")
        assert reply.json() == {"total": Decimal("1391212.10"), "n": 1}
        assert str(reply.json()["total"]) == "1391212.10"


async def test_one_token_serves_many_calls() -> None:
    async with connected() as (network, client):
        await asyncio.gather(*(client.get("/documents") for _ in range(20)))
        assert (network.issued, len(network.calls)) == (1, 20)


async def test_a_token_that_expired_is_fetched_anew_once() -> None:
    async with connected() as (network, client):
        await client.get("/documents")
        network.good.clear()
        replies = await asyncio.gather(*(client.send("/x", b"{}") for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
        assert network.issued == 2
        assert len(network.calls) == 21


async def test_a_401_that_stays_is_the_caller_s() -> None:
    async with connected() as (network, client):
        network.believes = False
        assert (await client.get("/documents")).status == 401
        assert (network.issued, network.calls) == (3, [])


async def test_no_token_is_told_with_the_reason() -> None:
    async with connected() as (network, client):
        network.refuses = True
        with pytest.raises(TokenRefusedError, match=r"CEKABC1234: 401 .*invalid_client"):
            await client.send("/x", b"{}")
        network.refuses = False
        assert (await client.send("/x", b"{}")).status == 200


def test_credentials_show_no_secret() -> None:
    shown = repr(KNOWN)
    assert "CEKABC1234" in shown
    assert not any(secret in shown for secret in ("clientsecret", "pass word", "whsec_x"))


@pytest.mark.parametrize("raw", [b"", b"\xff", b"7", b"{}", b'{"clientId":""}', b"[" * 50_000])
def test_credentials_that_are_none(raw: bytes) -> None:
    with pytest.raises(CredentialsError):
        parse_credentials(raw)
