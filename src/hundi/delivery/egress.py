"""The egress guard: which addresses a webhook may go to, judged at each attempt.

Outside development mode only https, and only public addresses. What is judged is the *resolved*
address, and it is the very one that is connected to: a name that changes its mind between two
look-ups gains nothing. One refused address among several refuses the name.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Special-purpose blocks of the IANA registries (RFC 6890 and successors) that `is_global` of some
# Python versions lets pass, or that carry an IPv4 address inside.
_REFUSED_BLOCKS = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
# Ports of services that a POST could talk into mischief (mail, shells, caches, databases).
_LOWEST_FREE_PORT = 1024
_REFUSED_PORTS = frozenset({2049, 2375, 2379, 3306, 5432, 6379, 6443, 9200, 11211, 27017})


class EgressRefusedError(OSError):
    """The address may not be called; the message says why."""


def address_refused(address: Address, *, loopback_allowed: bool) -> str | None:
    """Why an address may not be called, or None if it may."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return "an address with a zone is local to a link"
    if address.is_loopback and address in _PLAIN_LOOPBACK:
        return None if loopback_allowed else "a loopback address"
    if any(address in block for block in _REFUSED_BLOCKS if block.version == address.version):
        return "an address of a special-purpose block"
    if not address.is_global or address.is_multicast or address.is_reserved:
        return "an address that is not public"
    return None


class _Loopback:
    def __contains__(self, address: Address) -> bool:
        if isinstance(address, ipaddress.IPv4Address):
            return address.packed[0] == 127
        return address == ipaddress.IPv6Address("::1")


_PLAIN_LOOPBACK = _Loopback()


@dataclass(frozen=True, slots=True)
class EgressGuard:
    """The rules of one process. In development mode http and loopback are allowed, no more."""

    dev: bool

    @classmethod
    def for_mode(cls, *, dev: bool) -> "EgressGuard":
        """The guard of a development or a serving process."""
        return cls(dev)

    def url_refused(self, url: str) -> str | None:
        """Why a URL may not be called, before any name is resolved; None if it may."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "the URL cannot be read"
        return self._parts_refused(parts, port)

    def _parts_refused(self, parts: SplitResult, port: int | None) -> str | None:
        host = parts.hostname or ""
        if parts.scheme != "https" and not (self.dev and parts.scheme == "http"):
            return "only https is called outside development mode"
        if parts.username is not None or parts.password is not None:
            return "a URL with user information is not called"
        if not host:
            return "the URL has no host"
        if port is not None and not self._port_allowed(port):
            return f"port {port} is not called"
        literal = _literal(host)
        if literal is not None:
            return address_refused(literal, loopback_allowed=self.dev)
        return "the host is an address in disguise" if _disguised(host) else None

    def _port_allowed(self, port: int) -> bool:
        if self.dev:
            return port > 0
        return port == 443 or (port >= _LOWEST_FREE_PORT and port not in _REFUSED_PORTS)

    def addresses_refused(self, addresses: Sequence[str]) -> str | None:
        """Why a resolved name may not be called: one bad address is enough."""
        for text in addresses:
            literal = _literal(text)
            if literal is None:
                return "the name resolves to something that is no address"
            reason = address_refused(literal, loopback_allowed=self.dev)
            if reason is not None:
                return f"{literal} is {reason}"
        return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _disguised(host: str) -> bool:
    """Decimal, octal, hexadecimal and shortened IPv4 spellings that some resolvers still take."""
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        last = host.rstrip(".").rpartition(".")[2]
        return last.isdigit() or last.lower().startswith("0x")
    return True


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those that lead where no webhook may go."""

    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a name. Raises EgressRefusedError, or OSError where there are none."""
        found = await self._resolver.resolve(host, port, family)
        reason = self._guard.addresses_refused([one["host"] for one in found])
        if reason is not None:
            raise EgressRefusedError(reason)
        return found

    async def close(self) -> None:
        """Nothing is held open."""
        await self._resolver.close()
