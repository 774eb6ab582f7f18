"""The hosts of a PostgreSQL URL, of which the one that takes writes is found at each connection.

    postgresql://hundi@db1.internal,db2.internal:5433/hundi

The driver would give all hosts one time limit together: the first that is switched off, and so
answers nothing at all, would use it up. Here each has a share, and the last good one comes first.
"""

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from hundi.store.engine import UnavailableError
from hundi.store.joining import JoiningLoop

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two messages
    OSError,
    asyncio.TimeoutError,
)
CONNECT_SECONDS = 4
"""For all hosts together, so that a caller who waits five seconds hears which of them failed."""

_USUAL_PORT = "5432"
_NO_HOST = "no host in the URL"

# A machine that was switched off, or cut away, closes nothing: the system must notice its silence.
_SILENCE = (
    ("TCP_KEEPIDLE", 5),
    ("TCP_KEEPINTVL", 2),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 11_000),  # milliseconds, for what was sent and not received
)


class Hosts:
    """The servers that a URL names, the primary and its standbys, in any order."""

    def __init__(self, url: str) -> None:
        self._urls = apart(url)

    async def connect(self, **settings: Any) -> Any:
        """A connection to the host that takes writes, with the driver's settings.

        Raises UnavailableError, which names each host with what it said.
        """
        failures = []
        settings["timeout"] = CONNECT_SECONDS / len(self._urls)
        settings["loop"] = JoiningLoop(asyncio.get_running_loop())
        for url in tuple(self._urls):
            try:
                connection = await asyncpg.connect(
                    url, target_session_attrs="read-write", **settings
                )
            except (*LOST, asyncpg.PostgresError) as error:
                failures.append(_told(url, error))
                continue
            self._prefer(url)
            _notice_silence(connection)
            return connection
        raise UnavailableError("; ".join(failures))

    def _prefer(self, url: str) -> None:
        self._urls.sort(key=lambda known: known != url)


def _told(url: str, error: BaseException) -> str:
    where = _place(url)
    said = f"{where}: {type(error).__name__}: {error}"
    # It names no file. Of a socket's folder the file is the socket itself.
    if isinstance(error, FileNotFoundError) and not where.startswith(("/", _NO_HOST)):
        return f"{said} (look at sslrootcert, sslcert and sslkey in the URL)"
    return said


def _place(url: str) -> str:
    """Where the URL of one host leads, `host:port` as the driver finds them: no user, no password."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    own = parts.netloc.rpartition("@")[2]
    host, colon, port = own.rpartition(":")
    if not colon or "]" in port:  # the colons of an IPv6 address are no port's
        host, port = own, ""
    host = unquote(host) or options.get("host") or os.environ.get("PGHOST", "")
    port = port or options.get("port") or os.environ.get("PGPORT", "") or _USUAL_PORT
    return f"{host}:{port}" if host else _NO_HOST


def apart(url: str) -> list[str]:
    """A URL for each host, alike in all else; hosts given as an option stay together."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return [url]
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


def _notice_silence(connection: Any) -> None:
    transport = connection._transport  # noqa: SLF001 (the driver has no public way)
    its = transport.get_extra_info("socket")
    if its.family == getattr(socket, "AF_UNIX", None):
        return
    its.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SILENCE:
        with suppress(AttributeError, OSError):  # not every system has them
            its.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
