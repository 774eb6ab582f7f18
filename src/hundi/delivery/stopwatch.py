"""Where the time of one webhook goes: name, connection, TLS, the receiver, its answer.

aiohttp's connector tells a tracer of its steps; what it does not tell, the moment at which TCP
stands and TLS begins, is when the TLS context is asked for a session.
"""

import ssl
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from aiohttp.tracing import Trace

_running: ContextVar["Stopwatch | None"] = ContextVar("running", default=None)


class Stopwatch(Trace):
    """Notes moments of one POST on the steady clock; `laps` makes spans of them."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        _running.set(self)

    def note(self, moment: str) -> None:
        """Note a moment; the last one counts, where several addresses were tried."""
        self._at[moment] = time.monotonic()

    def laps(self) -> Iterator[tuple[str, float, float]]:
        """Each part that took place, with its beginning and its end."""
        at = self._at
        for name, begins, ends in _LAPS:
            began, ended = at.get(begins), at.get(ends)
            if began is not None and ended is not None and began <= ended:
                yield name, began, ended

    async def send_dns_resolvehost_start(self, host: str) -> None:  # noqa: ARG002 (aiohttp's form)
        """The name service is asked."""
        self.note("asked")

    async def send_dns_resolvehost_end(self, host: str) -> None:  # noqa: ARG002
        """It has answered."""
        self.note("resolved")

    async def send_connection_create_start(self) -> None:
        """A new connection is wanted, its name not yet looked up."""
        self.note("wanted")
        self.note("resolved")

    async def send_connection_create_end(self) -> None:
        """It stands, TLS included."""
        self.note("connected")
        if "secured" not in self._at:
            self.note("stands")

    def secures(self) -> None:
        """TCP stands, TLS begins."""
        self.note("stands")
        self.note("secured")

    async def _nothing(self, *_: object, **__: object) -> None:
        """Steps that take no time of their own."""

    send_dns_cache_hit = send_dns_cache_miss = _nothing
    send_connection_queued_start = send_connection_queued_end = _nothing
    send_connection_reuseconn = _nothing


_LAPS = (
    ("dns", "asked", "resolved"),
    ("connect", "resolved", "stands"),
    ("tls", "secured", "connected"),
    ("first byte", "sent", "headed"),
    ("answer", "headed", "read"),
)


def watched(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, with the same judgement of certificates; it tells when it begins one."""
    begin = context.wrap_bio

    def told(*args: Any, **options: Any) -> ssl.SSLObject:
        running = _running.get()
        if running is not None:
            running.secures()
        return begin(*args, **options)

    context.wrap_bio = told  # type: ignore[method-assign] # asyncio and uvloop call it once TCP stands
    return context
