"""What may be set as a client's endpoint: its base URL and its static headers. Pure.

Whether an address is called at all is judged at each attempt (`delivery.egress`); refused here is
what never could be.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from hundi.kernel.faults import Fault
from hundi.parties import model

LONGEST_URL = 2_000
MOST_HEADERS = 20
BAD_IN_URL = re.compile(r"[^!-~\u0080-\U0010ffff]|[\\\u0080-\u00a0]")
"""Characters that no URL holds: blanks, controls, a backslash."""
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
HEADER_VALUE = re.compile(r"[!-~](?:[ -~\t]{0,7998}[!-~])?|")
OURS = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type",
    "expect", "host", "keep-alive", "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    "user-agent",
})  # fmt: skip
"""Headers that the network writes itself, or that belong to one connection."""
OUR_PREFIXES = ("webhook-", "hundi-", "proxy-")


def endpoint_faults(url: str) -> Iterator[Fault]:
    """Why a text is no base URL of webhooks."""
    if not _plain_url(url):
        detail = (
            "Give the base URL of the webhooks, such as https://erp.example.com/hundi,"
            " without blanks, user, query or fragment."
        )
        yield model.BAD_ENDPOINT.at("endpoint", detail)


def _plain_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    dressed = parts.username or parts.password or parts.query or parts.fragment
    plain = url.isprintable() and not BAD_IN_URL.search(url) and len(url) <= LONGEST_URL
    return good and not dressed and plain


def is_ours(name: str) -> bool:
    """Whether a header is not the client's to set."""
    low = name.lower()
    return low in OURS or low.startswith(OUR_PREFIXES)


def read_headers(lines: Sequence[str]) -> dict[str, str] | list[Fault]:
    """Static headers from `Name: value` lines; or what is wrong, which never shows a value."""
    found: dict[str, str] = {}
    faults = list(_too_many(lines))
    for place, line in enumerate(lines):
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        trouble = _trouble(name, value, colon=bool(colon), given={one.lower() for one in found})
        if trouble:
            faults.append(model.BAD_HEADER.at(f"header[{place}]", trouble))
        found[name] = value
    return faults or found


def _too_many(lines: Sequence[str]) -> Iterator[Fault]:
    if len(lines) > MOST_HEADERS:
        detail = f"{len(lines)} headers are too many. Give {MOST_HEADERS} at most."
        yield model.BAD_HEADER.at("header", detail)


def _trouble(name: str, value: str, *, colon: bool, given: set[str]) -> str | None:
    """The sentence about one header, None where it may be set."""
    if not colon or not HEADER_NAME.fullmatch(name):
        return "Give a header as 'Name: value'; a name has letters, digits and hyphens."
    if is_ours(name):
        return f"{name} is written by the network, or belongs to the connection. Leave it out."
    if name.lower() in given:
        return f"{name} is given twice. Give it once."
    if not value or not HEADER_VALUE.fullmatch(value):
        return f"The value of {name} has to be 1 to 8000 printable ASCII characters in one line."
    return None
