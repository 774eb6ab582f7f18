"""Where a webhook may not go, in every spelling that somebody may think of."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.delivery.egress import EgressGuard, EgressRefusedError, GuardedResolver, address_refused
from tests.delivery.addresses import (
    ALLOWED_URLS,
    NO_ADDRESSES,
    PUBLIC_ADDRESSES,
    REFUSED_ADDRESSES,
    REFUSED_URLS,
)

GLOBAL = ip_network("2000::/3")
GUARD = EgressGuard.for_mode(dev=False)
DEV = EgressGuard.for_mode(dev=True)


@pytest.mark.parametrize(("address", "kind"), REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str, kind: str) -> None:
    assert kind in str(address_refused(address))
    assert kind in str(address_refused(ip_address(address)))


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_passes(address: str) -> None:
    assert address_refused(address) is None
    assert DEV.address_refused(address) is None


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_only_the_normal_form_is_an_address(text: str) -> None:
    assert address_refused(text) == "no address in its normal form"


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_refused(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert address_refused(address)


@given(st.ip_addresses(v=6))
def test_what_python_calls_special_is_refused(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert address_refused(address)
    assert address_refused(address) or address in GLOBAL


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_inside_another_one_is_refused(number: int) -> None:
    for prefix in ("::", "::ffff:0:0", "64:ff9b::", "64:ff9b:1::"):
        assert address_refused(IPv6Address(int(IPv6Address(prefix)) + number))
    assert address_refused(IPv6Address(0x2002 << 112 | number << 80 | 1))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_development_allows_loopback(address: str) -> None:
    assert DEV.address_refused(address) is None


@pytest.mark.parametrize(
    "address",
    [a for a, kind in REFUSED_ADDRESSES if kind != "loopback"],
)
def test_development_allows_nothing_else(address: str) -> None:
    assert DEV.address_refused(address)


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_a_url_that_may_be_called(url: str) -> None:
    assert GUARD.url_refused(url) is None
    assert GUARD.check_url(url) is None


@pytest.mark.parametrize(("url", "reason"), REFUSED_URLS)
def test_a_url_that_may_not_be_called(url: str, reason: str) -> None:
    assert reason in str(GUARD.url_refused(url))


def test_a_refused_url_is_a_fault_that_says_what_to_do() -> None:
    fault = GUARD.check_url("https://10.0.0.5/hundi")
    assert fault is not None
    assert (fault.code, fault.path) == ("CLIENT-ENDPOINT", "endpoint")
    assert fault.detail == (
        "The endpoint names a private address. Give a URL such as https://erp.example.com/hundi."
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:6379/hundi",
        "http://[::1]:8080/",
        "https://127.0.0.1:22/",
        "http://erp.example.com/",
    ],
)
def test_development_allows_http_and_any_port(url: str) -> None:
    assert DEV.url_refused(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://169.254.169.254/",
        "http://0.0.0.0:8080/",
        "http://2130706433/",
        "http://[::ffff:127.0.0.1]/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:0/",
        "ftp://127.0.0.1/",
    ],
)
def test_development_allows_no_more(url: str) -> None:
    assert DEV.url_refused(url)


@given(st.text())
def test_any_text_gets_a_judgement(text: str) -> None:
    assert GUARD.url_refused(text)
    GUARD.url_refused(f"https://{text}/")
    GUARD.url_refused(f"https://erp.example.com:{text}")


Found = Sequence[tuple[socket.AddressFamily, str]]
V4, V6 = socket.AF_INET, socket.AF_INET6


async def resolved(found: Found | BaseException, *, guard: EgressGuard = GUARD) -> list[str]:
    def look_up(_host: str, _port: int) -> Found:
        if isinstance(found, BaseException):
            raise found
        return found

    resolver = GuardedResolver(guard, look_up=look_up)
    try:
        return [one["host"] for one in await resolver.resolve("erp.example.com", 443)]
    finally:
        await resolver.close()


async def test_a_name_gives_all_its_public_addresses() -> None:
    found = [(V6, "2606:4700::1111"), (V4, "8.8.8.8")]
    assert await resolved(found) == ["2606:4700::1111", "8.8.8.8"]


@pytest.mark.parametrize(
    "found",
    [
        [(V4, "10.0.0.1")],
        [(V4, "8.8.8.8"), (V4, "10.0.0.1")],
        [(V4, "8.8.8.8"), (V6, "::1")],
        [(V6, "2606:4700::1111"), (V4, "127.0.0.1")],
        [(V6, "::ffff:8.8.8.8"), (V4, "8.8.8.8")],
        [(V6, "fe80::1%eth0")],
        [(V4, "169.254.169.254"), (V4, "8.8.8.8"), (V4, "8.8.4.4")],
    ],
)
async def test_one_refused_address_refuses_the_name(found: Found) -> None:
    with pytest.raises(EgressRefusedError, match="resolves to"):
        await resolved(found)


async def test_a_refusal_does_not_tell_the_address() -> None:
    with pytest.raises(EgressRefusedError) as refusal:
        await resolved([(V4, "10.1.2.3")])
    assert str(refusal.value) == "resolves to a private address"


@pytest.mark.parametrize(
    "failure",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        UnicodeError("label too long"),
        [],
    ],
)
async def test_a_failure_of_the_name_service_is_no_pass(failure: Found | BaseException) -> None:
    with pytest.raises(OSError, match=r"not known|Temporary|no name|no address") as trouble:
        await resolved(failure)
    assert not isinstance(trouble.value, EgressRefusedError | TimeoutError)


async def test_a_name_service_that_hangs_is_left() -> None:
    over = threading.Event()

    def look_up(_host: str, _port: int) -> Found:
        over.wait(60)
        return [(V4, "8.8.8.8")]

    resolver = GuardedResolver(GUARD, seconds=0.05, look_up=look_up)
    try:
        with pytest.raises(OSError, match=r"no answer within 0.05 s"):
            await resolver.resolve("erp.example.com", 443)
    finally:
        over.set()
    await resolver.close()


async def test_the_system_knows_localhost() -> None:
    resolver = GuardedResolver(DEV)
    assert await resolver.resolve("localhost", 443)
    await resolver.close()
    refusing = GuardedResolver(GUARD)
    with pytest.raises(EgressRefusedError, match="loopback"):
        await refusing.resolve("localhost", 443)
    await refusing.close()


def test_no_socket_is_made_for_a_refused_address() -> None:
    with pytest.raises(EgressRefusedError, match="a private address"):
        GUARD.socket_to((V4, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 443)))
    with GUARD.socket_to((V4, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 443))) as made:
        assert made.family is V4
