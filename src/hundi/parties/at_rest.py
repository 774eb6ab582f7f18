"""What the parties' tables hold sealed: which columns, under which places, and sealing them anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from hundi.kernel.identity import RandomBytes
from hundi.kernel.sealing import Keyring, SealError, is_sealed, key_id_of
from hundi.parties.tables import client
from hundi.store.engine import Database, Row, Transaction

SEALED = ("webhook_secret", "previous_secret", "endpoint_headers")
NO_HEADERS = "{}"
"""What a client without static headers has; nothing is hidden in it."""
_AT_ONCE = 100


def place(client_id: str, column: str) -> str:
    """What a secret is bound to, so that it opens in no other row and no other column."""
    return f"client/{client_id}/{column}"


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets there are, and how many of them were sealed anew."""

    secrets: int
    resealed: int


def sealed(
    values: Mapping[str, Any], client_id: str, *, keyring: Keyring, random: RandomBytes
) -> dict[str, Any]:
    """The same columns of a client with what is secret sealed. Raises SealError without a key."""
    return {
        column: keyring.seal(value, place(client_id, column), random=random)
        if column in SEALED and value not in {None, NO_HEADERS}
        else value
        for column, value in values.items()
    }


def opened(row: Row, column: str, keyring: Keyring) -> str:
    """The secret in a column of a client's row. Raises SealError."""
    return keyring.open(row[column], place(row["client_id"], column))


async def reseal(database: Database, keyring: Keyring, *, random: RandomBytes) -> Resealed:
    """Seal every secret under the newest key, a hundred clients in a transaction.

    May be cut short and begun again: what is under the newest key is left alone. Raises SealError
    for a secret that no given key opens; what was sealed until then stays.
    """
    found, done, last = 0, 0, ""
    while True:
        some = partial(_reseal_some, after=last, keyring=keyring, random=random)
        seen = await database.write(some)
        if not seen:
            return Resealed(found, done)
        last = seen[-1][0]
        found += sum(secrets for _, secrets, _ in seen)
        done += sum(resealed for _, _, resealed in seen)


async def _reseal_some(
    tx: Transaction, *, after: str, keyring: Keyring, random: RandomBytes
) -> list[tuple[str, int, int]]:
    """Of the next clients their ids, how many secrets they have, and how many were sealed anew."""
    # A hundred rows, which requests that are judged hold in an order of their own: `for update` would wait
    # for them, this does not, and keeps off whoever else changes a client.
    some = _secrets().where(client.c.client_id > after).limit(_AT_ONCE)
    query = some.with_for_update(key_share=True)
    seen: list[tuple[str, int, int]] = []
    for row in await tx.select(query):
        client_id, held = row["client_id"], list(_held(row))
        stale = [column for column in held if not _is_newest(row[column], keyring)]
        if stale:
            clear = {column: opened(row, column, keyring) for column in stale}
            fresh = sealed(clear, client_id, keyring=keyring, random=random)
            this_one = client.c.client_id == client_id
            await tx.execute(sa.update(client).where(this_one).values(**fresh))
        seen.append((client_id, len(held), len(stale)))
    return seen


async def check(database: Database, keyring: Keyring) -> None:
    """Every secret can be opened. Raises SealError with the first that cannot, and how many there are."""
    troubles = await database.read(lambda tx: unopened(tx, keyring))
    if troubles:
        more = f" So it is with {len(troubles)} secrets in all." if len(troubles) > 1 else ""
        raise SealError(troubles[0] + more)


async def key_in_use(tx: Transaction) -> str | None:
    """The id of a key that some secret is sealed under; None where none is sealed."""
    rows = await tx.select(_secrets())
    used = (key_id_of(row[c]) for row in rows for c in _held(row) if is_sealed(row[c]))
    return next(used, None)


async def unopened(tx: Transaction, keyring: Keyring) -> list[str]:
    """Why secrets cannot be opened with these keys, one sentence each; empty when all can."""
    found: list[str] = []
    for row in await tx.select(_secrets()):
        for column in _held(row):
            try:
                opened(row, column, keyring)
            except SealError as error:
                found.append(str(error))
    return found


async def in_clear(tx: Transaction) -> int:
    """How many secrets lie in clear, as the version before wrote them."""
    rows = await tx.select(_secrets())
    return sum(not is_sealed(row[column]) for row in rows for column in _held(row))


def _secrets() -> sa.Select[Any]:
    columns = [client.c.client_id, *(client.c[name] for name in SEALED)]
    return sa.select(*columns).order_by(client.c.client_id)


def _held(row: Row) -> Iterator[str]:
    """The columns of a row that hold a secret."""
    return (column for column in SEALED if row[column] not in {None, NO_HEADERS})


def _is_newest(text: str, keyring: Keyring) -> bool:
    return is_sealed(text) and key_id_of(text) == keyring.newest
