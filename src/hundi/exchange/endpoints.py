"""How a client is reached, changed while the network is served: endpoint or mailbox, headers, secret.

Each attempt reads these columns with its lease, so that the next one goes by what was set.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from hundi.exchange import redrive
from hundi.exchange.redrive import SLICE, mailbox_of
from hundi.kernel.clock import DAY, to_text
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import RandomBytes
from hundi.kernel.sealing import Keyring, SealError
from hundi.kernel.signature import new_secret
from hundi.parties import model
from hundi.parties import tables as parties
from hundi.parties.addresses import endpoint_faults, read_headers
from hundi.parties.at_rest import opened, sealed
from hundi.parties.health import NOTHING_KNOWN
from hundi.store.engine import (
    Database,
    StoreError,
    Transaction,
    UnavailableError,
    write_again,
)
from hundi.store.statement import Statement

BOTH_SIGN = DAY
"""How long the old secret signs beside the new one."""

_client = parties.client

# No index serves the open exchanges of a client, and to keep one would cost each exchange an entry.
# What is open is few of all, and found by the indexes that the road has: it is a proposal with a time
# to live, or its request has not been delivered, or it waits for a leader of which one of these holds,
# or it is a call of the client's own without a counterparty, such as a registration without its code.
_OPEN = Statement.both(
    "with going as (select req_msg_id from exchange"
    " where state = 'OPEN' and closing is null and expires_at is not null"
    " union select req_msg_id from delivery where state in ('QUEUED', 'LEASED') and kind = 'REQ'"
    " union select req_msg_id from delivery where state = 'PARKED' and kind = 'REQ'"
    " union select req_msg_id from exchange"
    " where client_id = $1 and receiver_b2b = '' and state = 'OPEN'),"
    " named as (select req_msg_id from going union select f.req_msg_id from going g"
    " join exchange f on f.leader_id = g.req_msg_id)"
    " select count(*) as count, count(case when x.effect = 'FACT' then 1 end) as facts"
    " from named n join exchange x on x.req_msg_id = n.req_msg_id"
    " where x.state = 'OPEN' and (x.client_id = $1 or x.receiver_client = $1)"
)

# Each state by its own index and no more of it than is held at once, whatever waits behind; locked in the
# order of ids, as everybody locks deliveries.
_SOME = (
    "select * from (select webhook_id from delivery where client_id = $1 and {which} limit $2) w"
)
WAITING = Statement.both(
    "select webhook_id from delivery where webhook_id in ("
    + " union all ".join(
        _SOME.format(which=which)
        for which in (
            "state = 'QUEUED'",
            "state = 'PARKED'",
            "state = 'LEASED' and lease_until > 0",
        )
    )
    + ") order by webhook_id limit $2 for update"
)
_HELD = Statement.both(
    "update delivery set state = 'DELIVERED', ended_at = $2, lease_until = null"
    " where webhook_id = any($1::text[]) and state || '' in ('QUEUED', 'LEASED', 'PARKED')"
)
# Nobody would end the attempt of a process that dies now: its lease is gone. What it came to is lost.
_CALLED_OFF = Statement.both(
    "update attempt set ended_at = $2, outcome = 'FAILED',"
    " reason = 'the endpoint became a mailbox while this attempt was under way'"
    " where webhook_id = any($1::text[]) and ended_at is null"
)
_NO_LANES = Statement.both("delete from further_lane where webhook_id = any($1::text[])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What shall change; None leaves it. `headers` are `Name: value` lines that replace all."""

    endpoint: str | None = None
    mailbox: bool = False
    headers: Sequence[str] | None = None
    empty_means_success: bool | None = None

    def values(self) -> dict[str, object]:
        """Columns of the client. Raises RefusedError for what cannot be set."""
        values: dict[str, object] = {}
        faults = list(endpoint_faults(self.endpoint)) if self.endpoint is not None else []
        if self.endpoint is not None or self.mailbox:
            # Nothing that was seen of one endpoint is said of another.
            values |= {"endpoint_url": self.endpoint, "mailbox": self.mailbox, **NOTHING_KNOWN}
        if self.headers is not None:
            read = read_headers(self.headers)
            if isinstance(read, dict):
                values["endpoint_headers"] = json.dumps(read)
            else:
                faults += read
        if self.empty_means_success is not None:
            values["empty_means_success"] = self.empty_means_success
        if faults:
            raise RefusedError(faults)
        return values


async def set_client(
    database: Database, client_id: str, changes: Changes, *, keyring: Keyring, random: RandomBytes
) -> dict[str, object]:
    """Change how a client is reached; what holds then, without the values of headers.

    An endpoint that is named is enabled, and all that waits for it is due: as by its owner's call. A
    mailbox holds at once what waited for the endpoint before it.

    Raises RefusedError: a bad URL or header, an unknown client, another mode while exchanges of the
    client are open. Raises SealError where headers are set and there is no key to keep them with.
    """
    values = sealed(changes.values(), client_id, keyring=keyring, random=random)
    row = await write_again(database, lambda tx: _change(tx, client_id, values))
    try:
        if changes.endpoint is not None:
            async for ids in redrive.gap_slices(database, client_id):
                await write_again(database, partial(redrive.make_due, ids=ids))
        if changes.mailbox:
            await _hold(database, client_id)
    except StoreError as error:
        message = f"the client is changed, but not yet all that waits for it; do it again ({error})"
        raise UnavailableError(message) from error
    return _shown(row, keyring)


async def _hold(database: Database, client_id: str) -> None:
    """What waits for a mailbox, whose exchanges have all ended, has arrived: there it is read."""
    held = SLICE
    while held == SLICE:
        held = await write_again(database, partial(_hold_some, client_id=client_id))


async def _hold_some(tx: Transaction, *, client_id: str) -> int:
    # Its mode is held still as who accepts a request holds it: neither waits for the other.
    if not await mailbox_of(tx, client_id):
        return 0  # somebody has given it an endpoint meanwhile: what waits now is to be sent
    waiting = [row["webhook_id"] for row in await tx.fetch(WAITING, client_id, SLICE)]
    await tx.fetch(_HELD, waiting, tx.now)
    await tx.fetch(_CALLED_OFF, waiting, tx.now)
    await tx.fetch(_NO_LANES, waiting)
    return len(waiting)


async def rotate_secret(
    database: Database, client_id: str, *, keyring: Keyring, random: RandomBytes
) -> dict[str, str | None]:
    """A new signing secret, told once; the one before signs beside it for 24 hours.

    Rotated again in that time, the oldest signs no more; one whose key is lost does not either, and
    then there is no `previousUntil`. Raises RefusedError for an unknown client, SealError without a
    key to keep the new one with.
    """
    secret = new_secret(random)

    async def rotate(tx: Transaction) -> int | None:
        previous = _openable(await _row(tx, client_id, locked=True), keyring)
        until = None if previous is None else tx.now + BOTH_SIGN
        values = {
            "webhook_secret": secret,
            "previous_secret": previous,
            "previous_secret_until": until,
        }
        hidden = sealed(values, client_id, keyring=keyring, random=random)
        await _write(tx, client_id, hidden)
        return until

    until = await write_again(database, rotate)
    told = None if until is None else to_text(until)
    return {"clientId": client_id, "webhookSecret": secret, "previousUntil": told}


def _openable(row: Mapping[str, Any], keyring: Keyring) -> str | None:
    """The signing secret until now; None where its key is lost, as nothing can be signed with it."""
    try:
        return opened(row, "webhook_secret", keyring)
    except SealError:
        return None


async def _change(
    tx: Transaction, client_id: str, values: Mapping[str, object]
) -> Mapping[str, Any]:
    """Write what was asked for; the row after it.

    Who accepts a request keeps the client's row from being locked so: its mode is known to both. Nothing
    else is locked, as he may go on to lock any of its B2B IDs.
    """
    if _turns(await _row(tx, client_id), values):
        await _refuse_open(tx, client_id)  # mostly there are some: then nobody has to wait for us
    row = await _row(tx, client_id, locked=True)
    if _turns(row, values):
        await _refuse_open(tx, client_id)
    if not values:
        return row
    await _write(tx, client_id, values)
    return await _row(tx, client_id)


async def _row(tx: Transaction, client_id: str, *, locked: bool = False) -> Mapping[str, Any]:
    query = sa.select(_client).where(_client.c.client_id == client_id)
    rows = await tx.select(query.with_for_update() if locked else query)
    if not rows:
        detail = f"No client {client_id}. `hundi client add` makes one."
        raise RefusedError([model.NO_CLIENT.at("client", detail)])
    return rows[0]


def _turns(row: Mapping[str, Any], values: Mapping[str, object]) -> bool:
    """Whether an endpoint becomes a mailbox, or the other way round."""
    return values.get("mailbox", row["mailbox"]) != bool(row["mailbox"])


async def _refuse_open(tx: Transaction, client_id: str) -> None:
    """Raise RefusedError where exchanges of a client are open."""
    [row] = await tx.fetch(_OPEN, client_id)
    if row["count"]:
        raise _still_open(row["count"], facts=row["facts"])


async def _write(tx: Transaction, client_id: str, values: Mapping[str, object]) -> None:
    await tx.execute(sa.update(_client).where(_client.c.client_id == client_id).values(**values))


def _still_open(count: int, *, facts: int) -> RefusedError:
    detail = f"Open exchanges of the client: {count}. Each keeps the mode in which it began."
    if count > facts:
        detail += " Wait until the proposals have ended, or have them abandoned."
    if facts:
        detail += (
            f" Facts among them: {facts}. A fact cannot be abandoned: it ends when its receiver's endpoint"
            " has taken it. One that is parked is sent again by a redrive."
        )
    return RefusedError([model.MODE.at("client", detail, open=count, facts=facts)])


def _shown(row: Mapping[str, Any], keyring: Keyring) -> dict[str, object]:
    try:
        headers = ", ".join(json.loads(opened(row, "endpoint_headers", keyring)))
    except SealError:
        headers = "(their key is not among those given)"
    return {
        "clientId": row["client_id"],
        "mode": "mailbox" if row["mailbox"] else "endpoint",
        "url": row["endpoint_url"] or "",
        "headers": headers,
        "emptyMeansSuccess": bool(row["empty_means_success"]),
        "disabled": row["disabled_reason"] or "",
    }
