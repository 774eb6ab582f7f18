"""Requests for another protocol, of which we speak none: they are answered as if not asked for.

Java's client asks for HTTP/2 with every request over plain HTTP, bodies and all. The parser takes
what follows such a head for that other protocol, whatever we say. So it gets the head once more,
without the wish: a new parser judges length, chunks and all else as in any other request.
"""

from typing import Any

import httptools

from hundi.web.asgi import Fields


def another_parser(connection: object) -> httptools.HttpRequestParser:
    """A parser as uvicorn makes it: one may send on behind a request that is to be the last."""
    parser = httptools.HttpRequestParser(connection)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def without_upgrade(parser: Any, url: bytes, fields: Fields) -> bytes:
    """The head that has come without its wish for another protocol; nothing where it has none.

    A CONNECT is one, and has no other meaning.
    """
    if not parser.should_upgrade() or parser.get_method() == b"CONNECT":
        return b""
    lines = [b"%b: %b" % (name, value) for name, value in fields if name != b"upgrade"]
    first = b"%b %b HTTP/%b" % (parser.get_method(), url, parser.get_http_version().encode())
    return b"\r\n".join([first, *lines, b"", b""])
