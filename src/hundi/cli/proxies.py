"""Which proxies are believed when they tell where a call came from."""

from ipaddress import ip_network

from hundi.cli.database import UnusableError

PROXIES = "HUNDI_TRUSTED_PROXIES"
DEFAULT_PROXIES = "127.0.0.1, ::1"


def trusted_proxies(text: str) -> str:
    """Addresses and networks, parted by commas; "" trusts none. Raises UnusableError."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        try:
            ip_network(word)
        except ValueError:
            detail = "is no address and no network. Give such as 10.0.0.5, 10.1.0.0/16."
            raise UnusableError(f"{PROXIES}: {word!r} {detail}") from None
    return ",".join(words)
