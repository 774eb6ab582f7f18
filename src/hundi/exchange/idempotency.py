"""Idempotency keys: the insert decides; a repeat gets the first answer, byte for byte.

Scope is (client, key); the fingerprint is the SHA-256 of path and raw bytes. Only accepted requests
keep their key, for 30 days.
"""

from collections.abc import Sequence
from typing import Protocol

from hundi.exchange import tables
from hundi.exchange.draft import Draft
from hundi.exchange.request import Accepted, Refused
from hundi.kernel.clock import DAY
from hundi.kernel.faults import Code, Kind
from hundi.store.again import Again
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, insert, rows

KEPT = 30 * DAY

MISMATCH = Code(
    "KEY-MISMATCH",
    Kind.KEY_MISMATCH,
    "The Idempotency-Key was used for another request. Use a new key for a new request.",
)
BAD_KEY = Code(
    "KEY-FORM",
    Kind.SHAPE,
    "A request has one Idempotency-Key, of 1 to 255 printable ASCII characters.",
)
CODES = (MISMATCH, BAD_KEY)

_COLUMNS = (
    "client_id",
    "key",
    "fingerprint",
    "req_msg_id",
    "response",
    "warnings",
    "created_at",
)
_CLAIM = insert(tables.idempotency, _COLUMNS, claims=("client_id", "key"))
_FORGET = Bulk.of(
    postgresql="delete from idempotency i using " + rows("c text, k text") + " gone"
    " where i.client_id = gone.c and i.key = gone.k",
    sqlite="delete from idempotency where client_id = $1 and key = $2",
    returns=False,
)
_FIND = Bulk.of(
    postgresql="select i.client_id, i.key, i.fingerprint, i.req_msg_id, i.response, i.warnings,"
    " coalesce(x.state, case when r.waiting = 0 then 'ENDED' else 'OPEN' end) as state"
    " from " + rows("c text, k text") + " k"
    " join idempotency i on i.client_id = k.c and i.key = k.k"
    " left join exchange x on x.req_msg_id = i.req_msg_id"
    " left join receipt r on r.receipt_id = i.req_msg_id and x.req_msg_id is null",
    sqlite="select i.client_id, i.key, i.fingerprint, i.req_msg_id, i.response, i.warnings,"
    " coalesce(x.state, case when r.waiting = 0 then 'ENDED' else 'OPEN' end) as state"
    " from idempotency i left join exchange x on x.req_msg_id = i.req_msg_id"
    " left join receipt r on r.receipt_id = i.req_msg_id and x.req_msg_id is null"
    " where i.client_id = $1 and i.key = $2",
    returns=True,
)
# A message that nobody reads. With it even this transaction writes, so that its COMMIT waits for the
# synchronous standby to have everything before it. A promise that only one server holds (its first
# COMMIT was doubtful, or recovered from a crash) is thus not repeated before the standby has it.
_CONFIRM = Statement.both(
    "select pg_logical_emit_message(true, 'hundi', '') is not null as sent",
    sqlite="select 1 as sent",
)
_PURGE = Statement.both(
    "delete from idempotency where (client_id, key) in (select client_id, key from idempotency"
    " where created_at < $1 order by created_at limit $2) returning 1 as gone"
)


class Keyed(Protocol):
    """A request of any kind, as far as its key is concerned."""

    @property
    def client_id(self) -> str:
        """Whose keys it shares."""

    @property
    def idempotency_key(self) -> str | None:
        """The header as it came, None where there was none."""

    @property
    def fingerprint(self) -> bytes:
        """What a later request under the same key must equal."""


async def replays(tx: Transaction, requests: Sequence[Keyed]) -> list[Accepted | Refused | None]:
    """For each request the first answer to its key, a refusal if the key is another's, or None."""
    keys = sorted({(r.client_id, r.idempotency_key) for r in requests if r.idempotency_key})
    if not keys:
        return [None] * len(requests)
    known = {(row["client_id"], row["key"]): row for row in await tx.bulk(_FIND, keys)}
    if known:
        await tx.fetch(_CONFIRM)
    found = [known.get((r.client_id, r.idempotency_key)) for r in requests]
    return [
        None if row is None else _replay(row, request.fingerprint)
        for row, request in zip(found, requests, strict=True)
    ]


async def first_answers(
    tx: Transaction, requests: Sequence[Keyed], outcomes: Sequence[Accepted | Refused | Again]
) -> Sequence[Accepted | Refused | Again]:
    """The outcomes, but a refused request gets the first answer to its key, if there is one by now.

    Another process may have accepted the same request after its key was looked up here, and then be
    the reason for the refusal. Whatever a refusal has seen was committed, and its key with it.
    """
    refused = [
        n for n, one in enumerate(outcomes)
        if isinstance(one, Refused) and requests[n].idempotency_key
    ]  # fmt: skip
    if not refused:
        return outcomes
    found = await replays(tx, [requests[n] for n in refused])
    first = {n: one for n, one in zip(refused, found, strict=True) if one is not None}
    return [first.get(n, one) for n, one in enumerate(outcomes)]


async def replay_of(
    tx: Transaction, *, client_id: str, key: str, fingerprint: bytes
) -> Accepted | Refused | None:
    """The first answer to one key, for a request that cannot be read: its key is asked first."""
    rows = await tx.bulk(_FIND, [(client_id, key)])
    if rows:
        await tx.fetch(_CONFIRM)
    return _replay(rows[0], fingerprint) if rows else None


def _replay(row: Row, fingerprint: bytes) -> Accepted | Refused:
    if bytes(row["fingerprint"]) != fingerprint:
        detail = (
            "This Idempotency-Key was used for another request. Use a new key for a new request,"
            " or send the first one again unchanged."
        )
        return Refused((MISMATCH.at("", detail, reqMsgId=row["req_msg_id"]),))
    return Accepted(
        req_msg_id=row["req_msg_id"],
        response=bytes(row["response"]),
        warnings=row["warnings"],
        state=row["state"],
        replayed=True,
    )


async def claim_keys(tx: Transaction, drafts: Sequence[Draft]) -> list[Draft]:
    """Claim the keys of some drafts; those that still stand. A loser's key is somebody's now."""
    keyed = [d for d in drafts if d.request.idempotency_key]
    rows = sorted((_row(d.request, d.accepted, tx.now) for d in keyed), key=_key)
    got = {(row["client_id"], row["key"]) for row in await tx.bulk(_CLAIM, rows)}
    return [d for d in drafts if d.request.idempotency_key is None or _key_of(d) in got]


async def claim_key(tx: Transaction, request: Keyed, accepted: Accepted) -> bool:
    """Claim one request's key, if it has one; False where another request was faster."""
    if request.idempotency_key is None:
        return True
    return bool(await tx.bulk(_CLAIM, [_row(request, accepted, tx.now)]))


async def forget_keys(tx: Transaction, drafts: Sequence[Draft]) -> None:
    """Give back the keys of drafts that lost another claim."""
    await tx.bulk(_FORGET, [_key_of(d) for d in drafts if d.request.idempotency_key])


async def purge(tx: Transaction, most: int) -> int:
    """Forget keys older than 30 days, the oldest first, so many at most; how many it were."""
    return len(await tx.fetch(_PURGE, tx.now - KEPT, most))


def _key_of(draft: Draft) -> tuple[str, str | None]:
    return draft.request.client_id, draft.request.idempotency_key


def _row(request: Keyed, accepted: Accepted, now: int) -> tuple[object, ...]:
    return (
        request.client_id,
        request.idempotency_key,
        request.fingerprint,
        accepted.req_msg_id,
        accepted.response,
        accepted.warnings,
        now,
    )


def _key(row: tuple[object, ...]) -> tuple[str, str]:
    return str(row[0]), str(row[1])
