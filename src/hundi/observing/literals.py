"""Secrets of no known form that a process is given in its settings."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, unquote_plus, urlsplit

_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_ASKED = {"password", "sslpassword"}
_SCHEMES = {"basic", "bearer"}


def literals(database_url: str, environ: Mapping[str, str], *others: str) -> Iterator[str]:
    """Passwords of the database, values of the exporter's headers, and others as given.

    What may stand escaped is told as it stands and as it reads.
    """
    yield from (one for one in (environ.get("PGPASSWORD", ""), *others) if one)
    yield from _in_url(database_url)
    for name in _HEADERS:
        yield from _in_headers(environ.get(name, ""))


def _in_url(database_url: str) -> Iterator[str]:
    try:
        parts = urlsplit(database_url)
    except ValueError:
        return
    asked = (pair.partition("=") for pair in parts.query.split("&"))
    user = parts.netloc.rpartition("@")[0]
    for found in (user.partition(":")[2], *(value for name, _, value in asked if name in _ASKED)):
        if found:
            yield from (found, unquote(found), unquote_plus(found))


def _in_headers(text: str) -> Iterator[str]:
    """Of `name=value,name=value` the values, which may end with `=` themselves.

    Of `Basic …` and `Bearer …` also the credential alone.
    """
    for pair in text.split(","):
        value = pair.partition("=")[2].strip()
        for found in (value, unquote(value)):
            yield found
            scheme, _, credential = found.partition(" ")
            if scheme.lower() in _SCHEMES:
                yield credential.strip()
