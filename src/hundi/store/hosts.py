"""The hosts of a PostgreSQL URL, of which the one that takes writes is found at each connection.

    postgresql://hundi@db1.internal,db2.internal:5433/hundi

The driver would give all hosts one time limit together: the first that is switched off, and so
answers nothing at all, would use it up. Here each has a share, and the last good one comes first.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

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
                failures.append(self._told(url, error))
                continue
            self._prefer(url)
            _notice_silence(connection)
            return connection
        raise UnavailableError("; ".join(failures))

    def _prefer(self, url: str) -> None:
        self._urls.sort(key=lambda known: known != url)

    def _told(self, url: str, error: BaseException) -> str:
        said = f"{type(error).__name__}: {error}"
        if len(self._urls) == 1:
            return said
        return f"{urlsplit(url).netloc.rpartition('@')[2]}: {said}"


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
