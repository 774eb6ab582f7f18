"""Our own POSTs under an Idempotency-Key: done once, and answered alike each time.

The key is claimed in the transaction that does it, as that of a message is, and in the same table.
What is kept is the status and the answer, `202 {…}`: the path is part of what a request must equal
under its key, so neither kind of POST is ever answered with the other's.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Request, Response

from hundi.exchange.idempotency import BAD_KEY, claim_key, replays
from hundi.exchange.request import Accepted, Refused, fingerprint
from hundi.kernel.faults import Fault, RefusedError
from hundi.store.engine import RetryableError, Transaction
from hundi.web.asgi import Headers, headers_of
from hundi.web.context import Answer, Context

_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a POST comes to: what it shows, with which status; or `faults`, though it was written.

    `entered` are the exchanges that it ends, by the state that they enter.
    """

    shown: object = None
    status: int = 200
    faults: tuple[Fault, ...] = ()
    entered: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The answer, and whether it is that of an earlier request under the same key."""

    answer: Answer
    replayed: bool


Deed = Callable[[Transaction], Awaitable[Told]]
Write = Callable[[Deed], Awaitable[Done]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One POST, as far as its key is concerned. `about` is the exchange that it is about, if any."""

    network: Context
    client_id: str
    idempotency_key: str | None
    fingerprint: bytes
    about: str

    async def write(self, deed: Deed) -> Done:
        """Do it and keep the answer, unless it was done before. Raises RefusedError.

        What it ended is counted when that is on disk, and by nobody who repeats it.
        """

        async def work(tx: Transaction) -> tuple[Accepted | Refused, Mapping[str, int]]:
            [before] = await replays(tx, [self])
            if before is not None:
                return before, {}
            told = await deed(tx)
            if told.faults:
                return Refused(told.faults), told.entered
            kept = self._kept(told)
            if not await claim_key(tx, self, kept):
                raise RetryableError("another request has the same key, and was faster")
            return kept, told.entered

        outcome, entered = await self.network.write(work)
        self.network.metrics.ended(entered)
        return _done(outcome)

    async def first(self) -> Done | None:
        """The answer to the first request under the key. Raises RefusedError where that was another."""
        if self.idempotency_key is None:
            return None
        [before] = await self.network.write(lambda tx: replays(tx, [self]))
        return None if before is None else _done(before)

    def _kept(self, told: Told) -> Accepted:
        response = b"%d %b" % (told.status, msgspec.json.encode(told.shown))
        return Accepted(
            req_msg_id=self.about, response=response, warnings="[]", state="", replayed=False
        )


def idempotency_key(headers: Headers) -> str | None:
    """The key that a request brings. Raises RefusedError for what cannot be one."""
    raw = headers.get(b"idempotency-key")
    if raw is None:
        return None
    if not _KEY.fullmatch(raw):
        raise RefusedError([BAD_KEY.at("", BAD_KEY.meaning)])
    return raw.decode("ascii")


async def once(
    network: Context, request: Request[Any, str, Any], deed: Deed, *, about: str = ""
) -> Done:
    """Do what a POST asks for, in one transaction, once under its key. Raises RefusedError."""
    return await attempted(network, request, lambda write: write(deed), about=about)


async def attempted(
    network: Context,
    request: Request[Any, str, Any],
    attempt: Callable[[Write], Awaitable[Done]],
    *,
    about: str,
) -> Done:
    """The same for what has to be prepared first: `attempt` is given how to write."""
    key = idempotency_key(headers_of(request.scope))  # type: ignore[arg-type]
    asked = fingerprint(request.scope["path"], await request.body()) if key is not None else b""
    post = Post(
        network=network, client_id=request.auth, idempotency_key=key, fingerprint=asked, about=about
    )
    first = await post.first()
    if first is not None:
        return first
    try:
        return await attempt(post.write)
    except RefusedError:
        # It may have been done meanwhile, and that be the reason for the refusal.
        first = await post.first()
        if first is None:
            raise
        return first


def _done(outcome: Accepted | Refused) -> Done:
    if isinstance(outcome, Refused):
        raise RefusedError(outcome.faults, retry_after=outcome.retry_after)
    status, _, content = outcome.response.partition(b" ")
    headers = {}
    if outcome.replayed:
        headers["idempotency-replayed"] = "true"
        if outcome.req_msg_id:
            headers["hundi-exchange-state"] = outcome.state
    answer = Response(
        content, status_code=int(status), media_type="application/json", headers=headers
    )
    return Done(answer, outcome.replayed)
