"""The webhook receiver: both parties' systems in one small server that answers at once.

It answers `req-…` with SUCCESS under the contract's envelope, the sender's members echoed, and
`resp-…` with the contract's receipt. It counts by the ids in the headers, so that a lost or doubled
message shows; every hundredth signature is checked in full.
"""

import asyncio
import base64
import hmac
from array import array
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_SAMPLE = 100
_RECEIPT = b'{"response_code":0,"response_message":"SUCCESS","payload":""}'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_ANSWER = (
    b'{"response_message":"SUCCESS","response_code":0,"payload":{"resp":{"reqMsgId":"%b",'
    b'"result":"SUCCESS","errorCd":"","errorDtl":"","errorField":""},%b}}'
)


@dataclass(slots=True)
class Receipts:
    """What has arrived. Ids are those of `hundi-exchange`; moments are of `perf_counter`.

    `delivered` are the exchanges whose `req-…` came, `informed` those whose `resp-…` came, with the
    moment. `doubled` counts messages whose id had come before, `failed` outcomes other than
    SUCCESS, `forged` signatures that were missing or wrong out of `checked`.
    """

    delivered: dict[bytes, float] = field(default_factory=dict)
    informed: dict[bytes, float] = field(default_factory=dict)
    doubled: int = 0
    failed: int = 0
    checked: int = 0
    forged: int = 0
    ends: "array[float]" = field(default_factory=lambda: array("d"))


def unheard(_path: bytes, _body: bytes) -> None:
    """Nobody waits for the end of an exchange."""


class Receiver:
    """Listens on a free port of 127.0.0.1. `on_end` is called once for each exchange that ends.

    It is given the path and the body of the webhook that ended it.

    An exchange ends with its `resp-…`, or with its `req-…` where `one_way` (the bare control sends
    nothing back). While `holding`, answers to `req-…` wait for `release`: a slow counterparty.
    """

    def __init__(self, *, one_way: bool) -> None:
        self.receipts = Receipts()
        self.secrets: dict[bytes, bytes] = {}
        self.holding = False
        self.on_end: Callable[[bytes, bytes], None] = unheard
        self.port = 0
        self._one_way = one_way
        self._held: list[tuple[asyncio.Transport, bytes]] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Bind and listen; `port` is known afterwards."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Inbound(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()

    def expect(self, prefix: str, secret: str) -> None:
        """Check signatures under `/prefix/` with a secret in Standard Webhooks form (`whsec_…`)."""
        self.secrets[prefix.encode()] = base64.b64decode(secret.removeprefix("whsec_"))

    def release(self) -> None:
        """Give every held answer and hold no more."""
        self.holding = False
        for transport, answer in self._held:
            if not transport.is_closing():
                transport.write(answer)
        self._held.clear()

    def took(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Count one webhook and answer it."""
        path = head[5 : head.index(b" ", 5)]
        headers = Headers(head)
        exchange = headers.value(b"hundi-exchange")
        self._sample(path, headers, body)
        if b"/resp-" in path:
            self._inform(exchange, path, body)
            transport.write(_HEAD % (len(_RECEIPT), _RECEIPT))
            return
        self._deliver(exchange, path, body)
        answer = _ANSWER % (exchange, body[body.index(b'"b2bIds"') : -1])
        self._reply(transport, _HEAD % (len(answer), answer))

    def _reply(self, transport: asyncio.Transport, answer: bytes) -> None:
        if self.holding:
            self._held.append((transport, answer))
        else:
            transport.write(answer)

    def _deliver(self, exchange: bytes, path: bytes, body: bytes) -> None:
        receipts = self.receipts
        if exchange in receipts.delivered:
            receipts.doubled += 1
            return
        now = receipts.delivered[exchange] = perf_counter()
        if self._one_way:
            self._end(now, path, body)

    def _inform(self, exchange: bytes, path: bytes, body: bytes) -> None:
        receipts = self.receipts
        if b'"result":"SUCCESS"' not in body:
            receipts.failed += 1
        if exchange in receipts.informed:
            receipts.doubled += 1
            return
        now = receipts.informed[exchange] = perf_counter()
        self._end(now, path, body)

    def _end(self, now: float, path: bytes, body: bytes) -> None:
        self.receipts.ends.append(now)
        self.on_end(path, body)

    def _sample(self, path: bytes, headers: "Headers", body: bytes) -> None:
        receipts = self.receipts
        seen = len(receipts.delivered) + len(receipts.informed)
        if not self.secrets or seen % _SAMPLE:
            return
        receipts.checked += 1
        secret = self.secrets[path.split(b"/", 2)[1]]
        if not _signed(secret, headers, body):
            receipts.forged += 1


class Headers:
    """Looks up the few headers that matter; names in any case."""

    __slots__ = ("_lower", "_raw")

    def __init__(self, head: bytes) -> None:
        self._raw = head
        self._lower = head.lower()

    def value(self, name: bytes) -> bytes:
        """The header's value, empty if it is not there. `name` is lower case."""
        at = self._lower.find(b"\r\n" + name + b":")
        if at < 0:
            return b""
        begin = at + len(name) + 3
        return self._raw[begin : self._raw.index(b"\r", begin)].strip()


def _signed(secret: bytes, headers: Headers, body: bytes) -> bool:
    """Whether one of the `v1,…` signatures is the HMAC-SHA256 of `id.timestamp.body`."""
    signed = b".".join((headers.value(b"webhook-id"), headers.value(b"webhook-timestamp"), body))
    digest = base64.b64encode(hmac.digest(secret, signed, "sha256"))
    return b"v1," + digest in headers.value(b"webhook-signature").split()


class Inbound(asyncio.Protocol):
    """One connection of the network's sender."""

    __slots__ = ("_buffer", "_receiver", "_transport")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Wait for a whole request, then hand it over."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or len(data) < end + int(Headers(data[:end]).value(b"content-length") or 0):
            self._buffer = data
            return
        self._buffer = b""
        self._receiver.took(self._transport, data[:end], data[end:])
