"""Access tokens: issued against stored credentials, checked on every call.

A checked token is remembered for at most `REMEMBERED`, so that revoking one works within that time
in every process, without a query per request. With it are remembered the client's own limits.

Whoever is not known yet has to share a few connections: unknown tokens and askers for one, whose
number nobody bounds. A token that was right before, or issued here, is looked up apart from them.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import sqlalchemy as sa

from hundi.kernel.clock import SECOND
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import RandomBytes
from hundi.kernel.rates import Buckets, Rate, Rates, Use, rate_from
from hundi.parties import guard, tables
from hundi.parties.credentials import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    matches,
    new_secret_text,
    token_hash,
)
from hundi.parties.guard import Asker, asker
from hundi.parties.model import TOO_FAST
from hundi.parties.turns import Turns
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

REMEMBERED = 5 * SECOND
AT_ONCE, WAITING_AT_MOST = 2, 4096
"""Reads for those who are not known yet, token calls judged, reads for tokens that were right before.

As many wait as a process has connections: who waits asks for nothing more, who is refused at once
comes back at once, and thousands of refusals a second keep the event loop from the messages.
"""
_REMEMBER_AT_MOST = 50_000

_PURGE = Statement.both(
    "delete from access_token where token_hash in (select token_hash from access_token"
    " where expires_at <= $1 order by expires_at limit $2) returning 1 as gone"
)


class GrantError(Exception):
    """No token: `error` is the word of RFC 6749, section 5.2; the message is for people.

    With `retry_after` in seconds it is one of too many calls, and was not looked at.
    """

    def __init__(self, error: str, description: str, *, retry_after: int | None = None) -> None:
        self.error = error
        self.retry_after = retry_after
        super().__init__(description)


Proof = Callable[[Transaction, Row], Awaitable[GrantError | None]]
"""What a grant asks for besides the client's secret; None where it is right."""


class _Known:
    """A token that was checked: whose it is, from when until when that is believed, its limits.

    One that was only issued here is believed at no moment, and still no stranger.
    """

    __slots__ = ("client_id", "rates", "since", "until")

    def __init__(self, client_id: str, *, since: int, until: int, rates: Rates) -> None:
        self.client_id, self.since, self.until, self.rates = client_id, since, until, rates


class Tokens:
    """Issues and checks tokens for one process; holds callers to `rates`, or to their own."""

    def __init__(self, database: Database, random: RandomBytes, *, rates: Rates) -> None:
        self._database = database
        self._random = random
        self._rates = rates
        self._messages, self._reads = Buckets(), Buckets()
        self._remembered: dict[str, _Known] = {}
        self._strangers, self._judging, self._known = (
            Turns(at_once=AT_ONCE, waiting=WAITING_AT_MOST) for _ in range(3)
        )

    async def client_of(self, token: str, now: int, *, use: Use) -> str | None:
        """The client id behind a live access token, or None.

        Raises RefusedError where the client's calls of this use come faster than its limit, and
        OverloadedError where too many unknown tokens wait to be looked up.
        """
        known = self._believed(token, now) or await self._checked(token, now)
        return None if known is None else self._admitted(known, now, use)

    def remembered(self, token: str, now: int, *, use: Use) -> str | None:
        """As `client_of`, without asking the database: None also where only that can tell."""
        known = self._believed(token, now)
        return None if known is None else self._admitted(known, now, use)

    async def lives(self, token: str, now: int) -> bool:
        """Whether a token still does; asks no limit, for its call was let in before.

        Raises OverloadedError as `client_of` does.
        """
        return (self._believed(token, now) or await self._checked(token, now)) is not None

    def _believed(self, token: str, now: int) -> _Known | None:
        known = self._remembered.get(token)
        # A clock that was set back must not make a token live longer.
        return known if known is not None and known.since <= now < known.until else None

    def _admitted(self, known: _Known, now: int, use: Use) -> str:
        rate = known.rates.of(use)
        buckets = self._messages if use is Use.MESSAGES else self._reads
        early = buckets.take(known.client_id, rate, now)
        if early:
            raise _too_fast(use, rate, early)
        return known.client_id

    async def _checked(self, token: str, now: int) -> _Known | None:
        turns = self._known if token in self._remembered else self._strangers
        async with turns.one():
            # One of those who came with the same token may have looked it up meanwhile.
            return self._believed(token, now) or await self._looked_up(token, now)

    async def _looked_up(self, token: str, now: int) -> _Known | None:
        found = await self._database.read(lambda tx: _live(tx, token))
        if found is None:
            self._remembered.pop(token, None)
            return None
        row, left = found
        rates = Rates(
            messages=_own(row["message_rate"], self._rates.messages),
            reads=_own(row["read_rate"], self._rates.reads),
        )
        until = now + min(REMEMBERED, left)
        known = _Known(row["client_id"], since=now, until=until, rates=rates)
        self._remember(token, known)
        return known

    def _remember(self, token: str, known: _Known) -> None:
        if len(self._remembered) >= _REMEMBER_AT_MOST:
            self._remembered.clear()
        self._remembered[token] = known

    async def by_password(
        self, *, client_id: str, secret: str, address: str, username: str, password: str
    ) -> dict[str, object]:
        """Password grant: client id and secret, then the user's name and password.

        Raises GrantError: invalid_client for the first pair, invalid_grant for the second.
        """

        async def user(_: Transaction, row: Row) -> GrantError | None:
            right = row["username"] == username
            if matches(password, row["password_hash"]) and right:
                return None
            return GrantError("invalid_grant", "The user name or the password is wrong.")

        who = asker(client_id, address)
        return await self._granted(client_id, secret, who=who, proof=user, refresh=True)

    async def by_client(self, *, client_id: str, secret: str, address: str) -> dict[str, object]:
        """Client-credentials grant. Raises GrantError invalid_client."""
        who = asker(client_id, address)
        return await self._granted(client_id, secret, who=who, proof=None, refresh=False)

    async def by_refresh(
        self, *, client_id: str, secret: str, address: str, token: str
    ) -> dict[str, object]:
        """A fresh pair for a refresh token, which is used up. Raises GrantError."""

        async def live(tx: Transaction, _: Row) -> GrantError | None:
            if await _use_up(tx, token, client_id):
                return None
            return GrantError("invalid_grant", "The refresh token is unknown, used or expired.")

        who = asker(client_id, address)
        return await self._granted(client_id, secret, who=who, proof=live, refresh=True)

    async def _granted(
        self, client_id: str, secret: str, *, who: Asker, proof: Proof | None, refresh: bool
    ) -> dict[str, object]:
        """A token, or why not. Raises GrantError, or OverloadedError where too many wait."""
        async with self._strangers.one():
            waits = await self._database.read(partial(guard.wait, who=who))
        if waits:
            raise _blocked(waits)
        token = new_secret_text(self._random)
        again = new_secret_text(self._random) if refresh else None

        async def judge(tx: Transaction) -> GrantError | None:
            await guard.hold(tx, who)
            refusal = await _judged(tx, client_id, secret, who=who, proof=proof)
            if refusal is None:
                await _store(tx, client_id, token, again=again)
            return refusal

        async with self._judging.one():
            refusal = await self._database.write(judge)
        if refusal is not None:
            raise refusal
        self._remember(token, _Known(client_id, since=0, until=0, rates=self._rates))
        return _answer(token, again)


async def _judged(
    tx: Transaction, client_id: str, secret: str, *, who: Asker, proof: Proof | None
) -> GrantError | None:
    """Why an asker gets no token, a failure counted; None where it has proved itself."""
    waits = await guard.wait(tx, who)
    if waits:
        return _blocked(waits)
    row = await _credentials(tx, client_id)
    if row is None or not matches(secret, row["secret_hash"]):
        refusal = GrantError("invalid_client", "The client id or the client secret is wrong.")
    elif row["barred_at"] is not None:
        return GrantError("unauthorized_client", "The client is switched off. Ask the operator.")
    else:
        found = await proof(tx, row) if proof is not None else None
        if found is None:
            await guard.proved(tx, who, client_id)
            return None
        refusal = found
    await guard.failed(tx, who)
    return refusal


def _blocked(waits: int) -> GrantError:
    seconds = -(-waits // SECOND)
    detail = f"Too many token calls have failed. Try again in {seconds} s."
    return GrantError("temporarily_unavailable", detail, retry_after=seconds)


def _too_fast(use: Use, rate: Rate, early: int) -> RefusedError:
    seconds = -(-early // SECOND)
    detail = (
        f"The client may make {rate.a_second} calls of this kind ({use.value}) a second,"
        f" {rate.at_once} at once after a rest. Try again in {seconds} s."
    )
    return RefusedError([TOO_FAST.at("", detail)], retry_after=seconds)


def _own(text: str | None, usual: Rate) -> Rate:
    return usual if text is None else rate_from(text)


async def purge(tx: Transaction, most: int) -> int:
    """Forget access and refresh tokens that have expired, so many at most; how many it were."""
    return len(await tx.fetch(_PURGE, tx.now, most))


async def revoke(tx: Transaction, client_id: str) -> int:
    """End all tokens of a client, in every process within `REMEMBERED`; how many there were."""
    c = tables.access_token.c
    query = sa.delete(tables.access_token).where(c.client_id == client_id).returning(c.kind)
    return len(await tx.select(query))  # type: ignore[arg-type]


async def _store(tx: Transaction, client_id: str, token: str, *, again: str | None) -> None:
    await tx.execute(_new_token(token, client_id, kind="ACCESS", now=tx.now))
    if again is not None:
        await tx.execute(_new_token(again, client_id, kind="REFRESH", now=tx.now))


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


async def _live(tx: Transaction, token: str) -> tuple[Row, int] | None:
    """A live token's client with its limits, and for how long it will live; by the store's clock."""
    c, owner = tables.access_token.c, tables.client.c
    query = (
        sa.select(c.client_id, c.expires_at, owner.message_rate, owner.read_rate)
        .join(tables.client, owner.client_id == c.client_id)
        .where(
            c.token_hash == token_hash(token),
            c.kind == "ACCESS",
            c.expires_at > tx.now,
            owner.barred_at.is_(None),
        )
    )
    rows = await tx.select(query)
    return (rows[0], rows[0]["expires_at"] - tx.now) if rows else None


async def _credentials(tx: Transaction, client_id: str) -> Row | None:
    """What a client proves itself by, held: who changes it meanwhile revokes this token, too."""
    c = tables.client.c
    query = sa.select(c.secret_hash, c.username, c.password_hash, c.barred_at)
    rows = await tx.select(query.where(c.client_id == client_id).with_for_update(read=True))
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
