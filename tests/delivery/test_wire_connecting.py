"""Attempts that end before the first byte of the request: names, addresses, TLS."""

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Sequence

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from hundi.delivery import wire as wire_module
from hundi.delivery.egress import EgressGuard, EgressRefusedError, GuardedResolver
from hundi.delivery.wire import HttpWire
from tests.delivery.receiver import PATIENT, certified, receiving, says, trusting
from tests.delivery.test_wire import NOW, OK, PARCEL, endpoint

GUARD = EgressGuard.for_mode(dev=True)
V4, V6 = socket.AF_INET, socket.AF_INET6


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        told = await posted(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert told == ("connect: Connection refused", False)


def addressed(*addresses: str, guard: EgressGuard = GUARD) -> GuardedResolver:
    """The guarded resolver over a name service that knows one answer."""
    families = [V6 if ":" in address else V4 for address in addresses]
    found = list(zip(families, addresses, strict=True))
    return GuardedResolver(guard, seconds=PATIENT, look_up=lambda _h, _p: found)


async def posted(url: str, **options: object) -> tuple[str | None, bool]:
    """Error and reached of one attempt by a wire of its own."""
    own = HttpWire(options.pop("guard", GUARD), deadline=PATIENT, **options)
    try:
        answer = await own.post(endpoint(url), PARCEL, now=NOW)
    finally:
        await own.close()
    return answer.error, answer.reached


async def test_a_name_is_connected_to_where_it_was_resolved() -> None:
    async with receiving(says(OK)) as receiver:
        url = f"http://erp.example.com:{receiver.port}"
        assert await posted(url, resolver=addressed("127.0.0.1")) == (None, True)
    [request] = receiver.requests
    assert request.header("host") == [f"erp.example.com:{receiver.port}"]


@pytest.mark.parametrize(
    "addresses", [("10.0.0.1",), ("127.0.0.1", "10.0.0.1"), ("127.0.0.1", "fe80::1"), ("0.0.0.0",)]
)
async def test_a_refused_address_is_not_connected_to(addresses: Sequence[str]) -> None:
    async with receiving(says(OK)) as receiver:
        url = f"http://erp.example.com:{receiver.port}"
        error, reached = await posted(url, resolver=addressed(*addresses))
    assert str(error).startswith("egress: resolves to ")
    assert not reached
    assert receiver.connections == 0


async def test_a_name_that_changes_its_mind_is_judged_again(monkeypatch) -> None:
    monkeypatch.setattr(wire_module, "NAMES_CACHED_SECONDS", 0)
    answers = [[(V4, "127.0.0.1")], [(V4, "10.0.0.1")]]
    resolver = GuardedResolver(GUARD, seconds=PATIENT, look_up=lambda _h, _p: answers.pop(0))
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    own = HttpWire(GUARD, deadline=PATIENT, resolver=resolver)
    async with receiving(says(closing)) as receiver:
        where = endpoint(f"http://erp.example.com:{receiver.port}")
        first = await own.post(where, PARCEL, now=NOW)
        await asyncio.sleep(0.05)
        second = await own.post(where, PARCEL, now=NOW)
    await own.close()
    assert (first.status, second.error) == (200, "egress: resolves to a private address")
    assert receiver.connections == 1


class _Careless(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = V4
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=V4, proto=0, flags=0)
        ]

    async def close(self) -> None:
        return


async def test_the_socket_itself_refuses_what_got_past_the_resolver() -> None:
    async with receiving(says(OK)) as receiver:
        url = f"https://erp.example.com:{receiver.port}"
        guard = EgressGuard(allow_http=False, allow_loopback=False, any_port=True)
        told = await posted(url, guard=guard, resolver=_Careless())
    assert told == ("egress: connects to a loopback address", False)
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://erp.example.com/hundi",
        "https://127.0.0.1/hundi",
        "https://2130706433/hundi",
        "https://[::ffff:127.0.0.1]/hundi",
        "https://user@erp.example.com/hundi",
        "https://erp.example.com:6379/hundi",
        "https://erp.example.com/hundi?a=b",
        "not a url",
        "",
    ],
)
async def test_a_refused_url_is_not_even_looked_up(url: str) -> None:
    asked: list[str] = []
    guard = EgressGuard.for_mode(dev=False)
    resolver = GuardedResolver(
        guard, seconds=PATIENT, look_up=lambda host, _port: asked.append(host) or []
    )
    error, reached = await posted(url, guard=guard, resolver=resolver)
    assert str(error).startswith("egress: the endpoint ")
    assert (reached, asked) == (False, [])


async def test_a_name_that_does_not_exist() -> None:
    def look_up(_host: str, _port: int):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    resolver = GuardedResolver(GUARD, seconds=PATIENT, look_up=look_up)
    told = await posted("https://erp.example.com", resolver=resolver)
    assert told == ("dns: Name or service not known", False)


async def test_a_name_service_that_does_not_answer() -> None:
    over = threading.Event()
    resolver = GuardedResolver(
        GUARD, seconds=0.05, look_up=lambda _h, _p: over.wait(60) and [(V4, "127.0.0.1")]
    )
    try:
        told = await posted("https://erp.example.com", resolver=resolver)
    finally:
        over.set()
    assert told == ("dns: no answer within 0.05 s", False)


@pytest.mark.parametrize("kind", [OSError, EgressRefusedError])
async def test_a_cause_is_one_short_line_of_plain_text(kind: type[OSError]) -> None:
    def look_up(_host: str, _port: int):
        raise kind(None, "no\r\nreason=\x1b[31m\x00é" + "x" * 5_000)

    resolver = GuardedResolver(GUARD, seconds=PATIENT, look_up=look_up)
    error, reached = await posted("https://erp.example.com", resolver=resolver)
    assert re.fullmatch(r"(dns|egress): [ -~]{20,195}", str(error))
    assert not reached


async def test_tls_with_a_trusted_certificate() -> None:
    async with receiving(says(OK), tls=certified("localhost")) as receiver:
        url = f"https://127.0.0.1:{receiver.port}"
        assert await posted(url, tls=trusting("localhost")) == (None, True)


@pytest.mark.parametrize(
    ("shown", "trusted", "phrase"),
    [
        ("localhost", (), "self-signed certificate"),
        ("elsewhere", ("elsewhere",), "not valid for '127.0.0.1'"),
        ("expired", ("expired",), "certificate has expired"),
    ],
)
async def test_bad_certificates(shown: str, trusted: Sequence[str], phrase: str) -> None:
    async with receiving(says(OK), tls=certified(shown)) as receiver:
        url = f"https://127.0.0.1:{receiver.port}"
        error, reached = await posted(url, tls=trusting(*trusted))
    assert str(error).startswith("tls: ")
    assert phrase in str(error)
    assert not reached
    assert receiver.requests == []


async def test_the_system_trusts_no_stranger() -> None:
    async with receiving(says(OK), tls=certified("localhost")) as receiver:
        error, reached = await posted(f"https://127.0.0.1:{receiver.port}")
    assert str(error).startswith("tls: ")
    assert not reached


async def test_an_old_protocol_version_is_refused() -> None:
    old = certified("localhost")
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    strict = trusting("localhost")
    strict.minimum_version = ssl.TLSVersion.TLSv1_3
    async with receiving(says(OK), tls=old) as receiver:
        error, reached = await posted(f"https://127.0.0.1:{receiver.port}", tls=strict)
    assert str(error).partition(":")[0] in {"tls", "connect"}  # an alert, or just a closed door
    assert not reached
    assert receiver.requests == []


async def test_a_server_that_speaks_no_tls() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        error, reached = await posted(url)
    assert (str(error).partition(":")[0], reached) == ("tls", False)


async def test_a_handshake_that_never_ends_was_not_sent(monkeypatch) -> None:
    monkeypatch.setattr(wire_module, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = await posted(f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert told == ("connect: timed out", False)
