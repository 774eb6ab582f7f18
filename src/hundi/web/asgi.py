"""The little of HTTP that the message routes need: reading a bounded body, sending an answer."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from hundi.kernel.faults import RefusedError
from hundi.kernel.reading import MAX_BODY
from hundi.web.envelope import CUT_OFF, MEDIA_TYPE, TOO_LARGE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Fields = Sequence[tuple[bytes, bytes]]
"""Header lines as they came: names in lower case, repeated ones too."""
Headers = Mapping[bytes, bytes]


class Reply(NamedTuple):
    """A whole answer in JSON; `headers` are those that not every answer has."""

    status: int
    body: bytes
    headers: Fields = ()


_JSON = b"application/json"
_JOINED = b",\t"
"""What parts the values of a repeated header. A list may be parted so (RFC 9110, 5.3 and 5.6.1);
what may have one value only has none then that is good, whichever of its lines a proxy would have
kept: no key, token or type holds a tab.
"""


class Disconnected(Exception):  # noqa: N818 (it is an event, not a fault of ours)
    """The caller went away before its request was whole. Nothing was accepted."""


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Request headers by lower-case name, as `by_name` has them."""
    return by_name(scope["headers"])


def by_name(fields: Fields) -> dict[bytes, bytes]:
    """Header lines by their name; a repeated one has all of its values, parted by a comma and a tab."""
    found = dict(fields)
    if len(found) == len(fields):
        return found
    values: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return {name: _JOINED.join(each) for name, each in values.items()}


def bearer(authorization: bytes) -> str:
    """The token of an Authorization header, "" where there is none."""
    kind, _, token = authorization.partition(b" ")
    return token.decode("latin-1") if kind.lower() == b"bearer" else ""


def check_json(headers: Headers) -> None:
    """Refuse a body that does not say it is JSON, or is encoded. Raises RefusedError."""
    if headers.get(b"content-type") == _JSON and b"content-encoding" not in headers:
        return
    kind, *parameters = headers.get(b"content-type", b"").lower().split(b";")
    if kind.strip() != _JSON:
        raise RefusedError(
            [MEDIA_TYPE.at("", "Send the body with Content-Type: application/json.")]
        )
    if not all(map(_is_utf8, parameters)):
        raise RefusedError([MEDIA_TYPE.at("", "Send the body in UTF-8, and no other charset.")])
    codings = headers.get(b"content-encoding", b"").lower().split(b",")
    if not {one.strip() for one in codings} <= {b"", b"identity"}:
        raise RefusedError([MEDIA_TYPE.at("", "Send the body without Content-Encoding.")])


def _is_utf8(parameter: bytes) -> bool:
    """Whether a parameter of a media type leaves the body UTF-8: who believed another would read another."""
    name, _, value = parameter.partition(b"=")
    return name.strip() != b"charset" or value.strip().strip(b'"') in {b"utf-8", b"utf8"}


async def read_body(receive: Receive, headers: Headers, *, most: int = MAX_BODY) -> bytes:
    """The whole body, of at most so many bytes. Raises RefusedError, or Disconnected."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    if announced.isdigit() and int(announced) != size:
        raise RefusedError(
            [CUT_OFF.at("", "The body ended before its announced length. Send it again.")]
        )
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(most: int) -> RefusedError:
    return RefusedError([TOO_LARGE.at("", f"The body has more than {most} bytes. Send less.")])


async def respond(
    send: Send,
    status: int,
    body: bytes,
    *,
    headers: Sequence[tuple[bytes, bytes]] = (),
    kind: bytes = b"application/json",
) -> None:
    """Send a whole answer."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", kind),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
