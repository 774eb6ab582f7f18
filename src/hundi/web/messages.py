"""The calls under /api/v0, as a plain ASGI application: the hot path of the network."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from hundi.exchange.idempotency import BAD_KEY
from hundi.exchange.request import Accepted, Refused, fingerprint
from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.rates import Use
from hundi.parties.model import TOKEN
from hundi.parties.tokens import Tokens
from hundi.store.batch import OverloadedError
from hundi.store.engine import UNAVAILABLE, UNKNOWN_COMMIT, CommitUnknownError, StoreError
from hundi.web.asgi import (
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    check_json,
    headers_of,
    read_body,
    respond,
)
from hundi.web.envelope import INTERNAL, METHOD, NO_ROUTE, OVERLOADED, envelope, status_of
from hundi.web.visits import NUMBER_HEADER, Visit, Visits

_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
HEADER_LIMIT = 4096
LARGE_BODY = 32 * 1024


Submit = Callable[[], Awaitable[Accepted | Refused]]
"""Accepts or refuses one request that was read, durably."""


class Call(Protocol):
    """One call, whoever takes it: the road, or a room with a road of its own."""

    @property
    def path(self) -> str:
        """Where it is made, with a leading slash."""

    def read(
        self, raw: bytes, *, client_id: str, idempotency_key: str | None, trace: str | None
    ) -> Submit:
        """Read a body strictly. Raises RefusedError with all faults of its shape."""


class Gate(Protocol):
    """What the calls need of the network behind them."""

    async def replay(
        self, *, client_id: str, key: str, fingerprint: bytes
    ) -> Accepted | Refused | None:
        """The first answer to a key, where there is one."""

    def refused(self, client_id: str, path: str, faults: tuple[Fault, ...]) -> None:
        """Count a refusal; remember it where its sender is known."""

    def now(self) -> int:
        """The clock of this edge."""


class MessageCalls:
    """ASGI application for the calls of every document and room, by their paths."""

    def __init__(
        self, calls: Mapping[str, Call], gate: Gate, *, tokens: Tokens, visits: Visits
    ) -> None:
        self._calls = calls
        self._gate = gate
        self._tokens = tokens
        self._visits = visits
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; every answer is the envelope."""
        headers = headers_of(scope)
        visit = self._visits.begin(scope, headers)
        try:
            call = self._route(scope)
            visit.client_id = await self._sender(headers)
            check_json(headers)
            raw = await read_body(receive, headers)
            accepted = await self._accept(call, raw, visit=visit, key=_key(headers))
        except RefusedError as refusal:
            await self._refuse(send, refusal, visit)
        except Disconnected:
            return
        except StoreError as error:
            visit.not_now(error)
            await self._refuse(send, _not_now(error), visit)
        except Exception as error:  # noqa: BLE001 (whatever it was, the answer is the envelope)
            visit.unexpected(error)
            await self._refuse(send, RefusedError([INTERNAL.at("", INTERNAL.meaning)]), visit)
        else:
            await respond(send, 200, accepted.response, headers=_headers(accepted))
            visit.accepted(accepted)
        finally:
            visit.end()

    def _route(self, scope: Scope) -> Call:
        call = self._calls.get(scope["path"])
        if call is None:
            detail = f"There is no call {scope['path']}. See /schema for those there are."
            raise RefusedError([NO_ROUTE.at("", detail)])
        if scope["method"] != "POST":
            raise RefusedError([METHOD.at("", "This call takes POST only.")])
        return call

    async def _sender(self, headers: Headers) -> str:
        kind, _, token = headers.get(b"authorization", b"").partition(b" ")
        client_id = None
        if kind.lower() == b"bearer" and token:
            client_id = await self._tokens.client_of(
                token.decode("latin-1"), self._gate.now(), use=Use.MESSAGES
            )
        if client_id is None:
            raise RefusedError([TOKEN.at("", TOKEN.meaning)])
        return client_id

    async def _accept(self, call: Call, raw: bytes, *, visit: Visit, key: str | None) -> Accepted:
        outcome: Accepted | Refused | None
        try:
            submit = await self._read(call, raw, visit=visit, key=key)
        except RefusedError:
            # A used key is told before the shape: the order of the stages is the protocol's.
            outcome = await self._used(call, raw, client_id=visit.client_id, key=key)
            if outcome is None:
                raise
        else:
            outcome = await submit()
        if isinstance(outcome, Refused):
            raise RefusedError(outcome.faults, retry_after=outcome.retry_after)
        return outcome

    async def _read(self, call: Call, raw: bytes, *, visit: Visit, key: str | None) -> Submit:
        """Read and judge a body; a large one beside the loop, of each client one at a time."""
        client_id, trace = visit.client_id, visit.trace
        if len(raw) <= LARGE_BODY:
            return call.read(raw, client_id=client_id, idempotency_key=key, trace=trace)
        read = partial(call.read, raw, client_id=client_id, idempotency_key=key, trace=trace)
        async with self._reading[client_id]:
            return await asyncio.to_thread(read)

    async def _used(
        self, call: Call, raw: bytes, *, client_id: str, key: str | None
    ) -> Accepted | Refused | None:
        if key is None:
            return None
        return await self._gate.replay(
            client_id=client_id, key=key, fingerprint=fingerprint(call.path, raw)
        )

    async def _refuse(self, send: Send, refusal: RefusedError, visit: Visit) -> None:
        self._gate.refused(visit.client_id, visit.path, refusal.faults)
        status = status_of(refusal.faults)
        visit.refused(refusal.faults, status)
        headers = [(NUMBER_HEADER, visit.number.encode())]
        if refusal.retry_after:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", b"POST"))
        await respond(send, status, envelope(refusal.faults), headers=headers)


def _key(headers: Headers) -> str | None:
    raw = headers.get(b"idempotency-key")
    if raw is None:
        return None
    if not _KEY.fullmatch(raw):
        raise RefusedError([BAD_KEY.at("", BAD_KEY.meaning)])
    return raw.decode("ascii")


def _not_now(error: StoreError) -> RefusedError:
    if isinstance(error, OverloadedError):
        return RefusedError([OVERLOADED.at("", OVERLOADED.meaning)], retry_after=1)
    code = UNKNOWN_COMMIT if isinstance(error, CommitUnknownError) else UNAVAILABLE
    return RefusedError([code.at("", code.meaning)], retry_after=2)


def _headers(accepted: Accepted) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    if accepted.warnings != "[]":
        headers.append((b"hundi-warnings", _header_safe(accepted.warnings)))
    if accepted.replayed:
        headers.append((b"idempotency-replayed", b"true"))
        headers.append((b"hundi-exchange-state", accepted.state.encode()))
    return headers


def _header_safe(warnings: str) -> bytes:
    """Warnings as one ASCII header line of at most 4 KiB: codes and paths stay, details may go."""
    found = json.loads(warnings)
    text = json.dumps(found).encode()
    if len(text) > HEADER_LIMIT:
        found = [{"code": w["code"], "path": w["path"]} for w in found]
    while len(text := json.dumps(found).encode()) > HEADER_LIMIT:
        found = found[: len(found) // 2]
    return text
