"""What callers are told whose requests never become any: unreadable, too slow, too large, too many."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from hundi.kernel.faults import Code
from hundi.web.asgi import Receive, Scope, Send, respond
from hundi.web.envelope import (
    HEAD,
    NOT_HTTP,
    OVERLOADED,
    TOO_LATE,
    both,
    envelope,
    problem,
    status_of,
)


def _answer(code: Code, sentence: str, extra: str = "") -> bytes:
    fault = code.at("", sentence)
    status, body = status_of([fault]), both([fault])
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n{extra}\r\n"
    ).encode("ascii") + body


_CROWDED = "Too many connections are open. Try again in a moment."
CROWDED = "crowded"
"""Why a call was sent away that came while no connection, or no file, was left for it."""
WHY = {400: "not-http", 408: "late", 431: "head", 503: "ahead"}
"""Why, by the status of the answer, where it is the caller's own doing."""
LAST_WORDS = {
    400: _answer(NOT_HTTP, NOT_HTTP.meaning),
    408: _answer(TOO_LATE, TOO_LATE.meaning),
    431: _answer(HEAD, HEAD.meaning),
    503: _answer(OVERLOADED, _CROWDED, "retry-after: 1\r\n"),
}


_FOR_WATCHERS = {"/healthz", "/metrics"}


def watchers_only(application: Any, *, turned_away: Callable[[str], None]) -> Any:
    """An application that tells how the process is, and sends everybody else away."""

    async def spare(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in _FOR_WATCHERS:
            await application(scope, receive, send)
            return
        turned_away(CROWDED)
        told = envelope if path.startswith("/api/") else problem
        headers = [(b"connection", b"close"), (b"retry-after", b"1")]
        await respond(send, 503, told([OVERLOADED.at("", _CROWDED)]), headers=headers)

    return spare
