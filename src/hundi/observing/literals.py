"""Secrets of no known form that a process is given in its settings."""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

_IN_ENVIRONMENT = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "PGPASSWORD")


def literals(database_url: str, environ: Mapping[str, str], *others: str) -> Iterator[str]:
    """The password in a database's URL, values of the exporter's headers, and others as given."""
    yield from (one for one in others if one)
    try:
        parts = urlsplit(database_url)
    except ValueError:
        return
    asked = dict(parse_qsl(parts.query)).get("password", "")
    for found in (parts.netloc.rpartition("@")[0].partition(":")[2], asked):
        if found:
            yield found
            yield unquote(found)
    for name in _IN_ENVIRONMENT:
        for pair in environ.get(name, "").split(","):
            yield unquote(pair.rpartition("=")[2].strip())
