"""Access tokens: issued against stored credentials, checked on every call.

A checked token is remembered for at most `REMEMBERED`, so that revoking one works within that time
without a query per request.
"""

import sqlalchemy as sa

from hundi.kernel.clock import SECOND
from hundi.kernel.identity import RandomBytes
from hundi.parties import tables
from hundi.parties.credentials import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    matches,
    new_secret_text,
    token_hash,
)
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

REMEMBERED = 5 * SECOND
_REMEMBER_AT_MOST = 50_000

_PURGE = Statement.both(
    "delete from access_token where token_hash in (select token_hash from access_token"
    " where expires_at <= $1 order by expires_at limit $2) returning 1 as gone"
)


class GrantError(Exception):
    """No token: `error` is the word of RFC 6749, section 5.2; the message is for people."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        super().__init__(description)


class Tokens:
    """Issues and checks tokens for one process."""

    def __init__(self, database: Database, random: RandomBytes) -> None:
        self._database = database
        self._random = random
        self._remembered: dict[str, tuple[str, int]] = {}

    async def client_of(self, token: str, now: int) -> str | None:
        """The client id behind a live access token, or None."""
        known = self._remembered.get(token)
        if known is not None and known[1] > now:
            return known[0]
        row = await self._database.read(lambda tx: _live(tx, token))
        if row is None or row["expires_at"] <= now:
            self._remembered.pop(token, None)
            return None
        if len(self._remembered) >= _REMEMBER_AT_MOST:
            self._remembered.clear()
        client_id: str = row["client_id"]
        self._remembered[token] = (client_id, min(now + REMEMBERED, row["expires_at"]))
        return client_id

    async def by_password(
        self, *, client_id: str, secret: str, username: str, password: str
    ) -> dict[str, object]:
        """Password grant: client id and secret, then the user's name and password.

        Raises GrantError: invalid_client for the first pair, invalid_grant for the second.
        """
        row = await self._proved(client_id, secret)
        right = row["username"] == username
        if not matches(password, row["password_hash"]) or not right:
            raise GrantError("invalid_grant", "The user name or the password is wrong.")
        return await self._issue(client_id, refresh=True)

    async def by_client(self, *, client_id: str, secret: str) -> dict[str, object]:
        """Client-credentials grant. Raises GrantError invalid_client."""
        await self._proved(client_id, secret)
        return await self._issue(client_id, refresh=False)

    async def by_refresh(self, *, client_id: str, secret: str, token: str) -> dict[str, object]:
        """A fresh pair for a refresh token, which is used up. Raises GrantError."""
        await self._proved(client_id, secret)
        if not await self._database.write(lambda tx: _use_up(tx, token, client_id)):
            raise GrantError("invalid_grant", "The refresh token is unknown, used or expired.")
        return await self._issue(client_id, refresh=True)

    async def _proved(self, client_id: str, secret: str) -> Row:
        row = await self._database.read(lambda tx: _credentials(tx, client_id))
        if row is None or not matches(secret, row["secret_hash"]):
            raise GrantError("invalid_client", "The client id or the client secret is wrong.")
        return row

    async def _issue(self, client_id: str, *, refresh: bool) -> dict[str, object]:
        token, again = new_secret_text(self._random), new_secret_text(self._random)

        async def store(tx: Transaction) -> None:
            await tx.execute(_new_token(token, client_id, kind="ACCESS", now=tx.now))
            if refresh:
                await tx.execute(_new_token(again, client_id, kind="REFRESH", now=tx.now))

        await self._database.write(store)
        return _answer(token, again if refresh else None)


async def purge(tx: Transaction, most: int) -> int:
    """Forget access and refresh tokens that have expired, so many at most; how many it were."""
    return len(await tx.fetch(_PURGE, tx.now, most))


def _new_token(token: str, client_id: str, *, kind: str, now: int) -> sa.Insert:
    seconds = ACCESS_SECONDS if kind == "ACCESS" else REFRESH_SECONDS
    return sa.insert(tables.access_token).values(
        token_hash=token_hash(token),
        client_id=client_id,
        kind=kind,
        expires_at=now + seconds * SECOND,
        created_at=now,
    )


def _answer(token: str, refresh: str | None) -> dict[str, object]:
    """Both spellings: the portal's newer page prints one, RFC 6749 and an older page the other."""
    answer: dict[str, object] = {
        "accessToken": token,
        "tokenType": "bearer",
        "expiresIn": ACCESS_SECONDS,
        "access_token": token,
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
    }
    if refresh is not None:
        answer |= {"refreshToken": refresh, "refresh_token": refresh}
    return answer


async def _live(tx: Transaction, token: str) -> Row | None:
    c = tables.access_token.c
    query = sa.select(c.client_id, c.expires_at).where(
        c.token_hash == token_hash(token), c.kind == "ACCESS"
    )
    rows = await tx.select(query)
    return rows[0] if rows else None


async def _credentials(tx: Transaction, client_id: str) -> Row | None:
    c = tables.client.c
    query = sa.select(c.secret_hash, c.username, c.password_hash).where(c.client_id == client_id)
    rows = await tx.select(query)
    return rows[0] if rows else None


async def _use_up(tx: Transaction, token: str, client_id: str) -> bool:
    c = tables.access_token.c
    query = (
        sa.delete(tables.access_token)
        .where(
            c.token_hash == token_hash(token),
            c.kind == "REFRESH",
            c.client_id == client_id,
            c.expires_at > tx.now,
        )
        .returning(c.client_id)
    )
    return bool(await tx.select(query))  # type: ignore[arg-type]
