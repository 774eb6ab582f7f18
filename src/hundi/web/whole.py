"""A call that came whole in one read is taken without ASGI: no task, no messages, one write.

Nearly every call of an ERP is one. Large bodies and those in pieces, slow senders and everything
but the portal's calls go uvicorn's way, which costs four times as much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, Protocol

from hundi.web.asgi import Fields, Headers, Reply

MOST = 32 * 1024
"""Bytes of a body that is read beside nothing else: a larger one is read in a thread."""


class Whole(NamedTuple):
    """A POST with its whole body. `headers` are `fields` as `by_name` has them."""

    fields: Fields
    headers: Headers
    body: bytes


Answer = Callable[[Reply], None]
Take = Callable[[Whole, Answer], None]
"""Takes a call and answers it once, now or later. It raises nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """A call whose head has come, until the read under way is over; `pieces` are of its body."""

    take: Take
    fields: Fields
    headers: Headers
    pieces: list[bytes]
    keep_alive: bool


class Wire(Protocol):
    """What a turn needs of its connection."""

    def put(self, answer: bytes, *, last: bool) -> None:
        """Send a whole answer, and close behind the last one."""


class _Nobody:
    """Stands for the event by which uvicorn wakes an application: none waits here."""

    def set(self) -> None:
        """Nothing."""


class Turn:
    """One call under way, in the place of uvicorn's own; it has what is asked of that."""

    __slots__ = ("_wire", "disconnected", "keep_alive", "response_complete", "response_started")
    message_event = _Nobody()

    def __init__(self, wire: Wire, *, keep_alive: bool) -> None:
        self._wire = wire
        self.keep_alive = keep_alive
        self.disconnected = self.response_started = self.response_complete = False

    def answer(self, reply: Reply) -> None:
        """Send the answer, unless its caller has gone."""
        if self.disconnected or self.response_complete:
            return
        answer = written(reply, keep_alive=self.keep_alive)
        self.response_started = self.response_complete = True
        self._wire.put(answer, last=not self.keep_alive)


def fits(method: bytes, version: str, headers: Headers) -> bool:
    """Whether such a head may be that of a call which comes whole."""
    length = headers.get(b"content-length", b"")
    return (
        method == b"POST"
        and version == "1.1"
        and length.isdigit()
        and int(length) <= MOST
        and b"expect" not in headers
    )


def written(reply: Reply, *, keep_alive: bool) -> bytes:
    """A whole answer as it goes out. Raises ValueError where a header could end its line."""
    more = b"" if keep_alive else b"connection: close\r\n"
    for name, value in reply.headers:
        if b"\n" in value or b"\r" in value:
            message = "a header of an answer holds the end of a line"
            raise ValueError(message)
        more += b"%b: %b\r\n" % (name, value)
    return b"%bcontent-length: %d\r\ncache-control: no-store\r\n%b\r\n%b" % (
        _HEADS[reply.status],
        len(reply.body),
        more,
        reply.body,
    )


_HEADS = {
    one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\ncontent-type: application/json\r\n".encode()
    for one in HTTPStatus
}
