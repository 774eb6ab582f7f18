"""Lock-out on the token call: who guesses waits, twice as long each time; who is guessed at does not.

Failures are counted for a client from an address, for an address, and for a client, in rows that all
processes share. A block is never extended by calls that it refuses. What others do from an address,
or to a client from elsewhere, never stops a client at an address where it has proved itself within
30 days (docs/decisions/0016).
"""

import hashlib
import re
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

import sqlalchemy as sa

from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.parties.tables import familiar_address, token_guard
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_CLIENT = 5, 20, 50
LONGEST, LONGEST_OF_CLIENT = 15 * MINUTE, MINUTE
FORGOTTEN_AFTER = HOUR
FAMILIAR_FOR = 30 * DAY
_RENEWED_AFTER = DAY
ROWS_AT_MOST = 100_000
_LONGEST_ADDRESS = 100
_CLIENT_ID = re.compile(r"CEK[A-Z0-9]{7}")

_LOCK = Statement.both("select pg_advisory_xact_lock($1)", sqlite="select $1 as got")
_FAILED = Statement.both(
    "insert into token_guard (client_id, address, failures, blocked_until, last_at)"
    " values ($1, $2, $3, $4, $5) on conflict (client_id, address) do update set"
    " failures = excluded.failures, blocked_until = excluded.blocked_until,"
    " last_at = excluded.last_at"
)
_FAMILIAR = Statement.both(
    "insert into familiar_address (client_id, address, last_at) values ($1, $2, $3)"
    " on conflict (client_id, address) do update set last_at = excluded.last_at"
)
_FORGET = (
    "delete from token_guard where (client_id, address) in (select client_id, address"
    " from token_guard where last_at <= greatest($1, coalesce((select last_at from token_guard"
    f" order by last_at desc limit 1 offset {ROWS_AT_MOST}), 0)) limit $2) returning 1 as gone"
)
_PURGE = Statement.both(_FORGET, sqlite=_FORGET.replace("greatest(", "max("))
_PURGE_FAMILIAR = Statement.both(
    "delete from familiar_address where (client_id, address) in (select client_id, address"
    " from familiar_address where last_at <= $1 limit $2) returning 1 as gone"
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a token: the client that it says it is, and where the call came from."""

    client_id: str
    address: str

    @property
    def scopes(self) -> tuple[tuple[str, str], ...]:
        """What its failures count for; an empty half stands for all of them."""
        return (self.client_id, self.address), ("", self.address), (self.client_id, "")


def asker(client_id: str, address: str) -> Asker:
    """An asker under bounded names; an IPv6 caller is its /64, which one customer has whole."""
    name = _name(client_id)
    try:
        found = ip_address(address)
    except ValueError:
        return Asker(name, address[:_LONGEST_ADDRESS])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped
        address = str(inner) if inner else str(IPv6Network((found, 64), strict=False))
    return Asker(name, address)


def _name(client_id: str) -> str:
    """A client's id; of what is no id of ours a digest: somebody may have put his secret there."""
    known = _CLIENT_ID.fullmatch(client_id)
    return client_id if known else hashlib.sha256(client_id.encode()).hexdigest()


async def hold(tx: Transaction, who: Asker) -> None:
    """Let nobody else be judged who counts for the same, until this transaction ends."""
    for number in sorted(_number(scope) for scope in who.scopes[1:]):
        await tx.fetch(_LOCK, number)


def _number(scope: tuple[str, str]) -> int:
    text = "\0".join(("hundi guard", *scope))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


async def wait(tx: Transaction, who: Asker) -> int:
    """For how many microseconds an asker is refused unheard; 0 where it is heard."""
    rows = {(row["client_id"], row["address"]): row for row in await _rows(tx, who)}
    pair, *others = who.scopes
    blocked: dict[tuple[str, str], int] = {
        scope: row["blocked_until"] - tx.now for scope, row in rows.items()
    }
    own, foreign = blocked.get(pair, 0), max(blocked.get(scope, 0) for scope in others)
    if foreign > 0:
        last = await _proved_at(tx, who.client_id, who.address)
        foreign = foreign if last is None or last <= tx.now - FAMILIAR_FOR else 0
    # At most the longest block: clocks are set back, too.
    return max(0, min(max(own, foreign), LONGEST))


async def failed(tx: Transaction, who: Asker) -> None:
    """Count a failure. The caller holds the asker."""
    known = {(row["client_id"], row["address"]): row for row in await _rows(tx, who)}
    free = (FREE_OF_PAIR, FREE_OF_ADDRESS, FREE_OF_CLIENT)
    for scope, allowed in zip(who.scopes, free, strict=True):
        row = known.get(scope)
        stale = row is None or row["last_at"] <= tx.now - FORGOTTEN_AFTER
        failures = 1 if row is None or stale else row["failures"] + 1
        longest = LONGEST if scope[1] else LONGEST_OF_CLIENT
        span = block(failures - allowed, longest=longest)
        # Not this moment for one that blocks nobody: a transaction that began before it may be
        # judged after it.
        until = tx.now + span if span else 0
        await tx.fetch(_FAILED, *scope, failures, until, tx.now)


def block(over: int, *, longest: int) -> int:
    """How long the failure that is so many over the free ones blocks: 1 s, 2 s, 4 s and so on."""
    return min(SECOND << min(over - 1, 20), longest) if over > 0 else 0


async def proved(tx: Transaction, who: Asker, client_id: str) -> None:
    """Forget the asker's own failures, and remember where this client proved itself."""
    await forget(tx, client_id, address=who.address)
    last = await _proved_at(tx, client_id, who.address)
    if last is None or last <= tx.now - _RENEWED_AFTER:
        await tx.fetch(_FAMILIAR, client_id, who.address, tx.now)


async def trust(tx: Transaction, who: Asker, client_id: str) -> None:
    """As if the client had just proved itself at the asker's address, whose failures end, too."""
    g = token_guard.c
    await tx.execute(sa.delete(token_guard).where(g.client_id == "", g.address == who.address))
    await tx.fetch(_FAMILIAR, client_id, who.address, tx.now)


async def forget(tx: Transaction, client_id: str, *, address: str | None) -> None:
    """Forget failures of a client from an address; None forgets those from everywhere."""
    g = token_guard.c
    gone = sa.delete(token_guard).where(g.client_id == _name(client_id))
    await tx.execute(gone if address is None else gone.where(g.address == address))


async def purge(tx: Transaction, most: int) -> int:
    """Forget what is old, or too much, so many rows of each table at most; the larger count."""
    failures = await tx.fetch(_PURGE, tx.now - FORGOTTEN_AFTER, most)
    places = await tx.fetch(_PURGE_FAMILIAR, tx.now - FAMILIAR_FOR, most)
    return max(len(failures), len(places))


async def _rows(tx: Transaction, who: Asker) -> list[Row]:
    g = token_guard.c
    this = (sa.and_(g.client_id == name, g.address == place) for name, place in who.scopes)
    return list(await tx.select(sa.select(token_guard).where(sa.or_(*this))))


async def _proved_at(tx: Transaction, client_id: str, address: str) -> int | None:
    """When a client last proved itself at an address, to a day."""
    place = familiar_address.c
    query = sa.select(place.last_at).where(place.client_id == client_id, place.address == address)
    rows = await tx.select(query)
    return rows[0]["last_at"] if rows else None
