"""One call at the edge as an operator sees it: its number, whose it is, its span, its lines.

An answer that is no acceptance carries the number as `hundi-request`, so that who asks about it can
be told from the log what happened. An acceptance has its reqMsgId.
"""

import logging
from collections.abc import Sequence
from itertools import count
from typing import Any

import structlog

from hundi.exchange.request import Accepted
from hundi.kernel.faults import Fault
from hundi.kernel.identity import RandomBytes
from hundi.observing.spans import Role, Span, Traces
from hundi.observing.traceparent import HEADER, given, trace_of
from hundi.store.engine import StoreError
from hundi.web.asgi import Fields

NUMBER_HEADER = b"hundi-request"

# Asked first: to put a line together costs more than to see that nobody wants it.
_level = logging.getLogger(__name__)
_log = structlog.get_logger()


class Visit:
    """A call under way. `trace` is what its exchanges go on from, if anybody traces."""

    __slots__ = ("_number", "_span", "client_id", "path", "trace")

    def __init__(
        self,
        path: str,
        number: tuple[str, int],
        *,
        trace: str | None = None,
        span: Span | None = None,
    ) -> None:
        self.path = path
        self._number = number
        self.client_id = ""
        self.trace = trace
        self._span = span

    @property
    def number(self) -> str:
        """The process and the call's number in it; put together only where somebody is told."""
        return _written(*self._number)

    def accepted(self, accepted: Accepted) -> None:
        """It has been accepted, now or before."""
        if _level.isEnabledFor(logging.DEBUG):
            _log.debug("accepted", **self._told(accepted))
        if self._span is not None:
            self._span.tell(
                {
                    "hundi.req_msg_id": accepted.req_msg_id,
                    "hundi.client_id": self.client_id,
                    "hundi.state": accepted.state,
                    "hundi.replayed": accepted.replayed,
                    "hundi.exchanges": accepted.exchanges,
                }
            )

    def refused(self, faults: Sequence[Fault], status: int) -> None:
        """It was refused; the codes alone are told, for details quote what was sent."""
        codes = sorted({fault.code for fault in faults})
        if _level.isEnabledFor(logging.DEBUG):
            _log.debug("refused", **self.named(), status=status, codes=codes)
        if self._span is not None:
            self._span.tell(
                {
                    "hundi.codes": ",".join(codes),
                    "hundi.client_id": self.client_id,
                    "http.response.status_code": status,
                }
            )
            if status >= 500:
                self._end(failed=codes[0])

    def not_now(self, error: StoreError) -> None:
        """The database could not take it."""
        kind = type(error).__name__
        _log.warning("store-unavailable", **self.named(), error=str(error), kind=kind)

    def unexpected(self, error: Exception) -> None:
        """A mistake of ours."""
        _log.error("unexpected", **self.named(), exc_info=error)

    def end(self) -> None:
        """Answered, or left by its caller."""
        self._end()

    def named(self) -> dict[str, object]:
        """What every line about this call says of it."""
        told: dict[str, object] = {"request": self.number, "path": self.path}
        if self.client_id:
            told["client"] = self.client_id
        if self.trace is not None:
            told["trace_id"] = trace_of(self.trace)
        return told

    def _told(self, accepted: Accepted) -> dict[str, object]:
        return {
            **self.named(),
            "reqMsgId": accepted.req_msg_id,
            "state": accepted.state,
            "replayed": accepted.replayed,
        }

    def _end(self, *, failed: str = "") -> None:
        span, self._span = self._span, None
        if span is not None:
            span.end(failed=failed)


def _written(process: str, count: int) -> str:
    return f"{process}-{count:x}"


class Visits:
    """Numbers calls, and begins their spans where somebody traces."""

    def __init__(self, random: RandomBytes, traces: Traces | None = None) -> None:
        self._process = random(4).hex()
        self._numbers = count(1)
        self._traces = traces

    def number(self) -> str:
        """A number that no other call has, here or in another process."""
        return _written(self._process, next(self._numbers))

    def begin(self, method: str, path: str, headers: Fields) -> Visit:
        """A call whose head has come. A trace goes on from its caller's, where it names one."""
        number = (self._process, next(self._numbers))
        trace = given(headers) if any(name == HEADER for name, _ in headers) else None
        if self._traces is None:
            return Visit(path, number, trace=trace)
        attributes: dict[str, Any] = {"http.request.method": method, "url.path": path[:200]}
        span = self._traces.begin("accept", role=Role.SERVER, below=trace, attributes=attributes)
        return Visit(path, number, trace=span.context, span=span)
