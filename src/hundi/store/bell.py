"""Wake-ups between processes: one rings, all that listen look at once instead of at their next tick.

A ring carries a name and nothing else, and may be lost: whoever waits for one also looks from time
to time. On PostgreSQL it travels by NOTIFY, in a transaction of its own that writes nothing. Inside
the transaction that it tells of, PostgreSQL would let only one process commit at a time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from hundi.store.engine import UnavailableError
from hundi.store.hosts import LOST
from hundi.store.postgres import connect_once

CHANNEL = "hundi_bell"
GAP_SECONDS = 0.02
"""Rings of one process are at least so far apart; those that come between are one."""
PING_SECONDS = 20
PATIENCE_SECONDS = 5
LONGEST_PAUSE = 10

_log = structlog.get_logger()


class Bell:
    """Rings between processes. Without a PostgreSQL URL nobody else is there to hear them."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._heard: dict[str, Callable[[], None]] = {}
        self._rung: set[str] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    def listen(self, name: str, heard: Callable[[], None]) -> None:
        """Call `heard` when another process rings."""
        self._heard[name] = heard

    def ring(self, name: str) -> None:
        """Tell the other processes, soon."""
        if self._url is not None and name not in self._rung:
            self._rung.add(name)
            self._wake.set()

    async def run(self) -> None:
        """Listen and ring until `stop`, through lost connections."""
        pause = 0.5
        while self._url is not None and not self._stopping:
            try:
                connection = await connect_once(self._url)
            except UnavailableError as error:
                _log.warning("bell-waits-for-database", error=str(error))
                await self._wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = 0.5
            await self._serve(connection)

    def stop(self) -> None:
        """End `run`, after the rings that are left."""
        self._stopping = True
        self._wake.set()

    async def _serve(self, connection: Any) -> None:
        try:
            connection.add_termination_listener(lambda _: self._wake.set())
            await connection.add_listener(CHANNEL, self._hear)
            for heard in self._heard.values():  # what was rung while nobody listened
                heard()
            while not self._stopping or self._rung:
                await self._tell(connection)
        except (*LOST, asyncpg.PostgresError) as error:
            _log.warning("bell-lost", error=f"{type(error).__name__}: {error}")
            await self._wait(GAP_SECONDS)
        finally:
            with suppress(Exception):
                await connection.close(timeout=1)

    async def _tell(self, connection: Any) -> None:
        """Send what was rung; with nothing to send for a while, see that the other end is there."""
        if not self._rung:
            await self._wait(PING_SECONDS)
        rung, self._rung = self._rung, set()
        for name in sorted(rung) or ("",):
            text = "select pg_notify($1::text, $2::text)" if name else "select $1::text || $2::text"
            await connection.fetch(text, CHANNEL, name, timeout=PATIENCE_SECONDS)
        if not self._stopping:
            await asyncio.sleep(GAP_SECONDS)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    def _hear(self, connection: Any, process: int, _channel: str, name: object) -> None:
        heard = self._heard.get(str(name))
        if heard is not None and process != connection.get_server_pid():
            heard()
