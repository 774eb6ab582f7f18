"""Finding the exchanges of calls whose bodies do not name one sender and one receiver.

What is read here is not locked: it tells whom a call is for, and everything is judged again under
the documents' locks. A document that has not reached its receiver is none to him: he is told the same
as of one that does not exist.
"""

from collections.abc import Mapping, Sequence
from itertools import count

import msgspec

from hundi.exchange import visibility
from hundi.exchange.request import NumberedRequest, Refused, Request, leg_of
from hundi.exchange.route import Found, Leg, Listed, Seeks
from hundi.kernel.faults import Code, Fault, Kind
from hundi.ledger.model import document_key
from hundi.parties.queries import financiers, served_by
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, rows

TOO_MANY = Code(
    "EXCHANGE-TOO-MANY", Kind.RULE, "One call speaks to more receivers than the network allows."
)
CODES = (TOO_MANY,)
MOST = 100
"""Receivers that one call may name: each gets an exchange and a copy of the body of its own."""

_COLUMNS = (
    "d.author_entity, d.type, d.object_id, d.number, d.status, d.author_b2b, d.counterparty_b2b"
)
_RECEIVED = Bulk.of(
    postgresql=f"select {_COLUMNS} from "
    + rows("client text, t text, o text")
    + " k join b2b_id i on i.client_id = k.client"
    " join document d on d.counterparty_entity = i.entity_id and d.type = k.t"
    " and d.object_id = k.o and d.counterparty_b2b = i.b2b_id"
    f" where {visibility.RECEIVED}",
    sqlite=f"select {_COLUMNS} from b2b_id i join document d"
    " on d.counterparty_entity = i.entity_id and d.counterparty_b2b = i.b2b_id"
    " where i.client_id = $1 and d.type = $2 and d.object_id = $3"
    f" and {visibility.RECEIVED}",
    returns=True,
)
_AUTHORED = Bulk.of(
    postgresql=f"select {_COLUMNS} from "
    + rows("client text, t text, n text")
    + " k join b2b_id i on i.client_id = k.client"
    " join document d on d.author_entity = i.entity_id and d.type = k.t and d.number = k.n"
    " and d.author_b2b = i.b2b_id and d.object_id like '%/%'",
    sqlite=f"select {_COLUMNS} from b2b_id i join document d"
    " on d.author_entity = i.entity_id and d.author_b2b = i.b2b_id"
    " where i.client_id = $1 and d.type = $2 and d.number = $3 and d.object_id like '%/%'",
    returns=True,
)
_REFERRING = Bulk.of(
    postgresql=f"select {_COLUMNS}, r.target_author, r.target_type, r.target_id from "
    + rows("a text, t text, o text")
    + " k join relation r on r.target_author = k.a and r.target_type = k.t and r.target_id = k.o"
    " join document d on d.author_entity = r.author_entity and d.type = r.type"
    " and d.object_id = r.object_id",
    sqlite=f"select {_COLUMNS}, r.target_author, r.target_type, r.target_id from relation r"
    " join document d on d.author_entity = r.author_entity and d.type = r.type"
    " and d.object_id = r.object_id"
    " where r.target_author = $1 and r.target_type = $2 and r.target_id = $3",
    returns=True,
)


async def legs_of(
    tx: Transaction, requests: Mapping[int, Request]
) -> dict[int, tuple[Request, ...] | Refused]:
    """The exchanges of each call, or why it has none. Most calls are their only exchange."""
    return {
        place: (request,) if request.message.route is None else await _routed(tx, request)
        for place, request in requests.items()
    }


def number(
    calls: Mapping[int, tuple[Request, ...] | Refused],
) -> dict[int, tuple[NumberedRequest, ...]]:
    """The exchanges of all calls, each with a number of its own."""
    numbers = count()
    return {
        place: tuple((next(numbers), leg) for leg in legs)
        for place, legs in calls.items()
        if not isinstance(legs, Refused)
    }


async def _routed(tx: Transaction, request: Request) -> tuple[Request, ...] | Refused:
    route = request.message.route
    if route is None:
        return (request,)
    seeks = route.seeks(request.body)
    count = max(len(seeks.financiers), len(seeks.received))
    if count > MOST:
        detail = f"The message names {count} receivers, at most {MOST} are allowed. Split it."
        where = request.message.subject
        return Refused((TOO_MANY.at(where, detail, named=count, most=MOST),))
    found = await _found(tx, seeks, request.client_id)
    legs = route.legs(request.body, found)
    faults = tuple(one for one in legs if isinstance(one, Fault))
    if faults:
        return Refused(faults)
    return tuple(leg_of(request, one) for one in legs if isinstance(one, Leg))


async def _found(tx: Transaction, seeks: Seeks, client_id: str) -> Found:
    received = [(client_id, *one) for one in seeks.received]
    authored = [(client_id, *one) for one in seeks.authored]
    made = [_listed(row) for row in await tx.bulk(_AUTHORED, sorted(authored))]
    return Found(
        mine=await served_by(tx, client_id),
        financiers=await financiers(tx, seeks.financiers),
        received=tuple(_listed(row) for row in await tx.bulk(_RECEIVED, sorted(received))),
        authored=await _with_referring(tx, made),
    )


async def _with_referring(tx: Transaction, made: Sequence[Listed]) -> tuple[Listed, ...]:
    referring: dict[tuple[str, str, str], list[Listed]] = {}
    for row in await tx.bulk(_REFERRING, sorted(one.key for one in made)):
        target = (row["target_author"], row["target_type"], row["target_id"])
        referring.setdefault(target, []).append(_listed(row))
    return tuple(
        msgspec.structs.replace(one, referring=tuple(referring.get(one.key, ())))
        for one in sorted(made, key=lambda one: one.key)
    )


def _listed(row: Row) -> Listed:
    return Listed(
        key=document_key(row),
        number=row["number"],
        status=row["status"],
        author_b2b=row["author_b2b"],
        counterparty_b2b=row["counterparty_b2b"],
    )
