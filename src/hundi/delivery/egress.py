"""Where webhooks may go: which URLs are called, which addresses are connected to.

    guard = EgressGuard.for_mode(dev=False)
    guard.url_refused("https://erp.example.com/hundi")    # None: it may be called
    guard.address_refused("10.0.0.5")                     # "a private address"

Judged at each attempt. A name may be called only if all the addresses that it resolves to may be
connected to, and those are connected to, never the result of a second look-up. What is refused and
why stands in docs/decisions/0003-egress.md.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from hundi.kernel.faults import Fault
from hundi.parties.addresses import BAD_IN_URL
from hundi.parties.model import BAD_ENDPOINT

Address: TypeAlias = IPv4Address | IPv6Address

LOOPBACK = "a loopback address"
URL_LENGTH = 2_000

# IANA's special-purpose registries, and what clouds add to them. The first that fits is told.
_REFUSED_IPV4 = tuple(
    (ip_network(block), reason)
    for block, reason in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a shared (carrier-grade NAT) address"),
        ("127.0.0.0/8", LOOPBACK),
        ("168.63.129.16/32", "a cloud's metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "a reserved address"),
        ("192.52.193.0/24", "a reserved address"),
        ("192.88.99.0/24", "a 6to4 relay's address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "a reserved address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_GLOBAL_IPV6 = ip_network("2000::/3")
_REFUSED_IPV6 = tuple(
    (ip_network(block), reason)
    for block, reason in (
        ("::/128", "an unspecified address"),
        ("::1/128", LOOPBACK),
        ("::ffff:0:0/96", "an IPv4 address written as IPv6"),
        ("::/96", "an IPv4 address written as IPv6"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("2001::/32", "a Teredo address"),
        ("2001:2::/48", "a benchmarking address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),
        ("2620:4f:8000::/48", "a reserved address"),
        ("3ffe::/16", "a reserved address"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
)
# Ports from 1024 on where something other than an ERP listens.
_REFUSED_PORTS = frozenset({
    1080, 1433, 1521, 2049, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 4369, 4444, 5000, 5432, 5433,
    5672, 5900, 5984, 6000, 6379, 6443, 6666, 6667, 8086, 8500, 9042, 9092, 9200, 9300, 10250,
    11211, 15672, 25672, 27017, 27018, 50070,
})  # fmt: skip

_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


class EgressRefusedError(OSError):
    """A connection that was not made because its address is refused; the text says why."""


def address_refused(address: str | Address) -> str | None:
    """What kind of address this is, where it may not be connected to; None where it may.

    Texts must be addresses in their normal form: what `ipaddress` does not read is refused.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return "no address in its normal form"
    if isinstance(known, IPv4Address):
        return next((reason for block, reason in _REFUSED_IPV4 if known in block), None)
    if known.scope_id is not None:
        return "an address with a zone"
    for block, reason in _REFUSED_IPV6:
        if known in block:
            return reason
    return None if known in _GLOBAL_IPV6 else "a reserved address"


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressGuard:
    """What may be called. `any_port` lifts the limits on ports."""

    allow_http: bool
    allow_loopback: bool
    any_port: bool

    @classmethod
    def for_mode(cls, *, dev: bool) -> Self:
        """Allow https to public addresses; in development mode http, loopback and any port too."""
        return cls(allow_http=dev, allow_loopback=dev, any_port=dev)

    def address_refused(self, address: str | Address) -> str | None:
        """As the function of this name; loopback passes where the guard allows it."""
        reason = address_refused(address)
        return None if reason == LOOPBACK and self.allow_loopback else reason

    def url_refused(self, text: str) -> str | None:
        """Why a URL may not be called, as the end of a sentence about it; None where it may."""
        if len(text) > URL_LENGTH or BAD_IN_URL.search(text):
            return "is too long or holds characters that a URL cannot hold"
        try:
            url = URL(text)
            port = url.port
        except (ValueError, IndexError):  # yarl's own, of `https://[::1]:844@/`
            return "cannot be read as a URL"
        # Of `//@host` and `//[v1.host]` yarl keeps only the host: the text itself is looked at.
        authority = re.split("[/?#]", text.partition("//")[2], maxsplit=1)[0]
        return self._parts_refused(url, authority) or self._port_refused(url.scheme, port)

    def check_url(self, text: str) -> Fault | None:
        """A base URL's fault, told when it is set. Each attempt is judged again, by address too."""
        trouble = self.url_refused(text)
        if trouble is None:
            return None
        detail = f"The endpoint {trouble}. Give a URL such as https://erp.example.com/hundi."
        return BAD_ENDPOINT.at("endpoint", detail)

    def _parts_refused(self, url: URL, authority: str) -> str | None:
        if url.scheme not in ({"https", "http"} if self.allow_http else {"https"}):
            return "does not begin with https://"
        if "@" in authority or "@" in url.raw_authority:
            return "names a user or password; use a static header"
        if url.raw_query_string or url.raw_fragment:
            return "has a query or a fragment"
        return self._host_refused(url.raw_host or "", bracketed="[" in authority)

    def _host_refused(self, host: str, *, bracketed: bool) -> str | None:
        if not host.strip("."):
            return "names no host"
        numeric = _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2])
        reason = self.address_refused(host) if bracketed or numeric or ":" in host else None
        return reason and f"names {reason}"

    def _port_refused(self, scheme: str, port: int | None) -> str | None:
        if port is None or not 1 <= port <= 65535:
            return "names no port from 1 to 65535"
        if self.any_port or (scheme, port) == ("https", 443):
            return None
        if port < 1024 or port in _REFUSED_PORTS:
            return f"names port {port}; use 443, or one from 1024 on where nothing else listens"
        return None

    def socket_to(self, target: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """A socket for an address as `getaddrinfo` gives it: the last look before connecting.

        Raises EgressRefusedError where the address is refused.
        """
        family, kind, protocol, _name, address = target
        reason = self.address_refused(str(address[0]))
        if reason is not None:
            raise EgressRefusedError(f"connects to {reason}")
        return socket.socket(family, kind, protocol)


LookUp: TypeAlias = Callable[[str, int], Sequence[tuple[socket.AddressFamily, str]]]
"""Name and port to the (family, address) pairs of a name, blocking; raises OSError without any."""


def system_look_up(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """The addresses of a name as the system's resolver knows them, IPv6 zones included."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, _with_zone(address)) for family, _, _, _, address in found]


def _with_zone(address: tuple[object, ...]) -> str:
    text = str(address[0])
    return f"{text}%{address[3]}" if len(address) == 4 and address[3] and "%" not in text else text


class GuardedResolver(AbstractResolver):
    """Looks names up for aiohttp's connector; gives all the addresses of a name or none.

    Threads of its own: a name server that hangs keeps neither the database nor healthy names
    waiting. Cancelling leaves the thread to run into the system's own time-out.
    """

    def __init__(
        self,
        guard: EgressGuard,
        *,
        seconds: float = 5,
        threads: int = 32,
        look_up: LookUp = system_look_up,
    ) -> None:
        self._guard = guard
        self._seconds = seconds
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the name. Raises EgressRefusedError if one of them is refused.

        OSError where there is none, or none within the time.
        """
        found = await self._found(host, port)
        for _family, address in found:
            reason = self._guard.address_refused(address)
            if reason is not None:
                raise EgressRefusedError(f"resolves to {reason}")
        return [
            _result(host, address, port=port, family=its_family)
            for its_family, address in found
            if family in {socket.AF_UNSPEC, its_family}
        ]

    async def _found(self, host: str, port: int) -> Sequence[tuple[socket.AddressFamily, str]]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.run_in_executor(self._threads, self._look_up, host, port)
        except TimeoutError:
            raise OSError(None, f"no answer within {self._seconds} s") from None
        except UnicodeError as error:
            raise OSError(None, "no name that could be looked up") from error
        if not found:
            raise OSError(None, "the name has no address")
        return found

    async def close(self) -> None:
        """Give the threads up; look-ups under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _result(host: str, address: str, *, port: int, family: socket.AddressFamily) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
