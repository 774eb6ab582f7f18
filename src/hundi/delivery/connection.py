"""Connections to endpoints that bound what surrounds an answer.

aiohttp bounds one head and we bound the body, but interim answers (1xx), the frames of chunks and
their extensions could go on for ever, faster than they are read, and no time-out gets its turn.
"""

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

INTERIM_AT_MOST = 16
AROUND_AT_MOST = 64 * 1024
SLICE = 8 * 1024


class AnswerRefusedError(aiohttp.ClientError):
    """What came is no answer that we read to its end; the text, our own, says why."""


class Connector(aiohttp.TCPConnector):
    """aiohttp's connector, with bounded connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_bounded, loop=self._loop)


class BoundedProtocol(ResponseHandler):
    """Closes a connection on more than 16 interim answers, or 64 KiB beside the body.

    Both count anew for each request. What arrives at once is parsed in slices, so that little is
    parsed in vain.
    """

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._arrived = 0
        self._interim = 0

    def set_response_params(self, **options: Any) -> None:
        """Begin with another request."""
        self._arrived = 0
        self._interim = 0
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, until it is too much."""
        if len(data) <= SLICE:
            self._parse(data)
            return
        for start in range(0, len(data), SLICE):
            if self.transport is None or self.transport.is_closing():
                return
            self._parse(data[start : start + SLICE])

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Pass an answer on. Interim ones, which nobody waits for, are counted and dropped."""
        if data[0].code // 100 != 1 or data[0].code == 101:
            super().feed_data(data, size)
            return
        self._interim += 1
        if self._interim == INTERIM_AT_MOST + 1:
            self._refuse(f"more than {INTERIM_AT_MOST} interim answers")

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        self._arrived += len(data)
        if self._arrived > AROUND_AT_MOST and self._around() > AROUND_AT_MOST:
            self._refuse("more around the answer than in it")

    def _around(self) -> int:
        return self._arrived - (0 if self._payload is None else self._payload.total_bytes)

    def _refuse(self, reason: str) -> None:
        trouble = AnswerRefusedError(reason)
        if self._payload is not None:
            self._payload.set_exception(trouble)
            self._payload = None  # or the end of the connection would give it another cause
        self.set_exception(trouble)
        if self.transport is not None:
            self.transport.abort()


def _bounded(*, loop: Any) -> ResponseHandler:
    return BoundedProtocol(loop)
