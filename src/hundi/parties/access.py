"""Who may call, and how often: credentials changed, tokens revoked, clients barred and let in.

Each takes effect in every process within five seconds, the time that a checked token is remembered.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import RandomBytes
from hundi.kernel.rates import rate_from
from hundi.parties import guard, model, tables, tokens
from hundi.parties.credentials import hashed, new_secret_text
from hundi.store.engine import Database, Transaction

USUAL = "usual"


async def revoke_tokens(database: Database, client_id: str) -> dict[str, object]:
    """End all access and refresh tokens of a client. Raises RefusedError for an unknown one."""
    return await database.write(lambda tx: _revoked(tx, client_id, {}))


async def bar(database: Database, client_id: str) -> dict[str, object]:
    """Let a client call no more, and end its tokens; what others send it goes on arriving."""

    async def barred(tx: Transaction) -> dict[str, object]:
        return await _revoked(tx, client_id, {"barred_at": tx.now})

    return await database.write(barred) | {"access": "disabled"}


async def let_in(database: Database, client_id: str) -> dict[str, str]:
    """Let a barred client fetch tokens again."""

    async def let(tx: Transaction) -> None:
        await _change(tx, client_id, {"barred_at": None})

    await database.write(let)
    return {"clientId": client_id, "access": "enabled"}


async def rotate_credentials(
    database: Database, client_id: str, *, random: RandomBytes
) -> dict[str, object]:
    """A new client secret and password, told once; the old ones and all tokens end at once."""
    secret, password = new_secret_text(random), new_secret_text(random)
    hashes = {"secret_hash": hashed(secret), "password_hash": hashed(password)}
    told = await database.write(lambda tx: _revoked(tx, client_id, hashes))
    return {**told, "clientSecret": secret, "password": password}


async def limit(
    database: Database, client_id: str, *, messages: str | None, reads: str | None
) -> dict[str, str]:
    """Limits of a client's own: `200/400`, `off`, or `usual`; None leaves one as it is.

    Raises BadRateError for what is none of these, RefusedError for an unknown client.
    """
    asked = {"message_rate": messages, "read_rate": reads}
    values = {name: _rate(text) for name, text in asked.items() if text is not None}

    async def limited(tx: Transaction) -> Mapping[str, Any]:
        return {**await _change(tx, client_id, values), **values}

    row = await database.write(limited)
    return {
        "clientId": client_id,
        "messages": row["message_rate"] or USUAL,
        "reads": row["read_rate"] or USUAL,
    }


async def unlock(database: Database, client_id: str, *, address: str | None) -> dict[str, str]:
    """Forget the failed token calls of a client and, where one is given, of an address.

    The client counts as known at that address from then on: no stranger's guesses stop it there.
    Raises RefusedError for what is no IP address, and for an unknown client.
    """
    address = None if address is None else _address(address)

    async def unlocked(tx: Transaction) -> None:
        await _change(tx, client_id, {})
        await guard.forget(tx, client_id, address=None)
        if address is not None:
            await guard.trust(tx, guard.asker(client_id, address), client_id)

    await database.write(unlocked)
    return {"clientId": client_id, "address": address or "", "failures": "forgotten"}


def _address(text: str) -> str:
    """An IP address as it is usually spelt. Raises RefusedError."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        detail = f"{text!r} is no IP address. Give one such as 203.0.113.7 or 2001:db8::7."
        raise RefusedError([model.BAD_ADDRESS.at("address", detail)]) from error


def _rate(text: str) -> str | None:
    if text == USUAL:
        return None
    rate_from(text)
    return text


async def _revoked(
    tx: Transaction, client_id: str, values: Mapping[str, object]
) -> dict[str, object]:
    await _change(tx, client_id, values)
    return {"clientId": client_id, "revokedTokens": await tokens.revoke(tx, client_id)}


async def _change(
    tx: Transaction, client_id: str, values: Mapping[str, object]
) -> Mapping[str, Any]:
    """Write columns of a client, which is held until the commit; the row as it was before."""
    this_one = tables.client.c.client_id == client_id
    rows = await tx.select(sa.select(tables.client).where(this_one).with_for_update())
    if not rows:
        detail = f"No client {client_id}. `hundi client add` makes one."
        raise RefusedError([model.NO_CLIENT.at("client", detail)])
    if values:
        await tx.execute(sa.update(tables.client).where(this_one).values(**values))
    return dict(rows[0])
