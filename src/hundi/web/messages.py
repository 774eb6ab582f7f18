"""The calls under /api/v0, taken whole or as a plain ASGI application: the hot path of the network."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, Protocol

from hundi.exchange.request import Accepted, Refused, fingerprint
from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.rates import Use
from hundi.parties.model import TOKEN
from hundi.parties.tokens import Tokens
from hundi.store.engine import StoreError
from hundi.web.asgi import (
    Disconnected,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    bearer,
    check_json,
    headers_of,
    read_body,
    respond,
)
from hundi.web.envelope import INTERNAL, METHOD, NO_ROUTE, envelope, status_of
from hundi.web.not_now import not_now
from hundi.web.once import idempotency_key
from hundi.web.visits import NUMBER_HEADER, Visit, Visits
from hundi.web.whole import MOST, Answer, Whole

HEADER_LIMIT = 4096


Submit = Callable[[], asyncio.Future[Accepted | Refused]]
"""Accepts or refuses one request that was read, durably. Raises OverloadedError at once."""


class Call(Protocol):
    """One call, whoever takes it: the road, or a room with a road of its own."""

    @property
    def path(self) -> str:
        """Where it is made, with a leading slash."""

    @property
    def name(self) -> str:
        """How it is counted."""

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

    def accepted(self, message: str, outcome: Accepted, *, since: int) -> None:
        """Count an acceptance that was asked for at a moment."""

    def refused(self, faults: tuple[Fault, ...], *, client_id: str, path: str) -> None:
        """Count a refusal; remember it where its sender is known."""

    def now(self) -> int:
        """The clock of this edge."""


class MessageCalls:
    """The calls of every document and room, by their paths: an ASGI application.

    `whole` are the same calls for those that come whole, by their targets.
    """

    def __init__(
        self, calls: Mapping[str, Call], gate: Gate, *, tokens: Tokens, visits: Visits
    ) -> None:
        self._calls = calls
        self._gate = gate
        self._tokens = tokens
        self._visits = visits
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._later: set[asyncio.Task[None]] = set()
        self.whole = {path.encode(): partial(self._take, call) for path, call in calls.items()}

    def _take(self, call: Call, whole: Whole, answer: Answer) -> None:
        """Take a call that came whole. Without the database's word on its token it has to wait."""
        visit = self._visits.begin("POST", call.path, whole.fields)
        taken = _Taken(call, visit, answer, self._gate.now())
        try:
            deciding = self._entered(taken, whole)
        except Exception as error:  # noqa: BLE001 (whatever it was, the answer is the envelope)
            answer(self._refusal(error, visit))
            return
        if deciding is not None:
            deciding.add_done_callback(partial(self._decided, taken))
            return
        task = asyncio.create_task(self._take_later(taken, whole))
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _entered(self, taken: "_Taken", whole: Whole) -> asyncio.Future[Accepted | Refused] | None:
        """Read a call and let it into the next batch; None where the database is to be asked first."""
        headers, visit = whole.headers, taken.visit
        known = self._tokens.remembered(_token_of(headers), taken.since, use=Use.MESSAGES)
        if known is None:
            return None
        visit.client_id = known
        check_json(headers)
        key = idempotency_key(headers)
        try:
            submit = taken.call.read(
                whole.body, client_id=known, idempotency_key=key, trace=visit.trace
            )
        except RefusedError:
            if key is None:
                raise
            return None
        return submit()

    def _decided(self, taken: "_Taken", deciding: asyncio.Future[Accepted | Refused]) -> None:
        try:
            accepted = self._accepted(taken.call, deciding.result(), since=taken.since)
        except Exception as error:  # noqa: BLE001 (as above)
            taken.answer(self._refusal(error, taken.visit))
        else:
            taken.accepted(accepted)

    async def _take_later(self, taken: "_Taken", whole: Whole) -> None:
        headers, visit = whole.headers, taken.visit
        try:
            visit.client_id = visit.client_id or await self._sender(headers)
            check_json(headers)
            accepted = await self._accept(
                taken.call, whole.body, visit=visit, key=idempotency_key(headers)
            )
        except Exception as error:  # noqa: BLE001 (as above)
            taken.answer(self._refusal(error, visit))
        else:
            taken.accepted(accepted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; every answer is the envelope."""
        headers = headers_of(scope)
        visit = self._visits.begin(scope["method"], scope["path"], scope["headers"])
        try:
            call = self._route(scope)
            visit.client_id = await self._sender(headers)
            check_json(headers)
            raw = await read_body(receive, headers)
            accepted = await self._accept(call, raw, visit=visit, key=idempotency_key(headers))
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 (as above)
            await _send(send, self._refusal(error, visit))
        else:
            await _send(send, _acknowledgement(accepted))
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
        token, client_id = _token_of(headers), None
        if token:
            client_id = await self._tokens.client_of(token, self._gate.now(), use=Use.MESSAGES)
        if client_id is None:
            raise RefusedError([TOKEN.at("", TOKEN.meaning)])
        return client_id

    async def _accept(self, call: Call, raw: bytes, *, visit: Visit, key: str | None) -> Accepted:
        outcome: Accepted | Refused | None
        began = self._gate.now()
        try:
            submit = await self._read(call, raw, visit=visit, key=key)
        except RefusedError:
            # A used key is told before the shape: the order of the stages is the protocol's.
            outcome = await self._used(call, raw, client_id=visit.client_id, key=key)
            if outcome is None:
                raise
        else:
            outcome = await submit()
        return self._accepted(call, outcome, since=began)

    def _accepted(self, call: Call, outcome: Accepted | Refused, *, since: int) -> Accepted:
        """Count what was accepted. Raises RefusedError."""
        if isinstance(outcome, Refused):
            raise RefusedError(outcome.faults, retry_after=outcome.retry_after)
        self._gate.accepted(call.name, outcome, since=since)
        return outcome

    async def _read(self, call: Call, raw: bytes, *, visit: Visit, key: str | None) -> Submit:
        """Read and judge a body; a large one beside the loop, of each client one at a time."""
        client_id, trace = visit.client_id, visit.trace
        if len(raw) <= MOST:
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

    def _refusal(self, error: Exception, visit: Visit) -> Reply:
        """The answer to a call that was not accepted, told to all who want to know; its visit ends."""
        refusal = _refused(error, visit)
        self._gate.refused(refusal.faults, client_id=visit.client_id, path=visit.path)
        status = status_of(refusal.faults)
        visit.refused(refusal.faults, status)
        headers = [(NUMBER_HEADER, visit.number.encode())]
        if refusal.retry_after:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status == 405:
            headers.append((b"allow", b"POST"))
        visit.end()
        return Reply(status, envelope(refusal.faults), headers)


class _Taken(NamedTuple):
    """A call that came whole: since when it is under way, and how it is answered."""

    call: Call
    visit: Visit
    answer: Answer
    since: int

    def accepted(self, accepted: Accepted) -> None:
        self.answer(_acknowledgement(accepted))
        self.visit.accepted(accepted)
        self.visit.end()


async def _send(send: Send, reply: Reply) -> None:
    await respond(send, reply.status, reply.body, headers=reply.headers)


def _acknowledgement(accepted: Accepted) -> Reply:
    return Reply(200, accepted.response, _headers(accepted))


def _refused(error: Exception, visit: Visit) -> RefusedError:
    """What a caller is told of an error."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, StoreError):
        visit.not_now(error)
        return not_now(error)
    visit.unexpected(error)
    return RefusedError([INTERNAL.at("", INTERNAL.meaning)])


def _token_of(headers: Headers) -> str:
    return bearer(headers.get(b"authorization", b""))


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
