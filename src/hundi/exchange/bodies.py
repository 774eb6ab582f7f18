"""Stored bodies, many at a time: by reqMsgId, no more bytes than there is room for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hundi.exchange.definition import MessageType
from hundi.kernel.reading import read
from hundi.store.engine import Transaction
from hundi.store.statement import Statement

MIB = 1024 * 1024
MOST_BYTES = 16 * MIB
"""What is read for one page, or for one message: sixteen of the largest bodies."""
ROOM = 4 * MIB
"""What is read for a batch beyond its first call: a tenth of a second's work."""
BESIDE = MIB // 4
"""From so many bytes on they are read where nobody waits for it."""

# Of those without room nothing but the size is read.
_WEIGHED = Statement.both(
    "select b.body_id, x.message, octet_length(b.bytes) as size,"
    " case when sum(octet_length(b.bytes)) over (order by k.place) <= $2 then b.bytes end as bytes"
    " from unnest($1::text[]) with ordinality k(id, place)"
    " join body b on b.body_id = k.id join exchange x on x.req_msg_id = k.id",
    sqlite="with weighed as ("
    "select b.body_id, length(b.bytes) as size, sum(length(b.bytes)) over (order by k.key) as upto"
    " from json_each($1) k join body b on b.body_id = k.value)"
    " select w.body_id, x.message, w.size, case when w.upto <= $2 then b.bytes end as bytes"
    " from weighed w join body b on b.body_id = w.body_id join exchange x on x.req_msg_id = w.body_id",
)

Stored = dict[str, tuple[str, bytes]]
"""Messages' stored names and their bytes, by reqMsgId."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The sizes of all bodies that were asked for, and those for which there was room."""

    sizes: Mapping[str, int]
    found: Stored

    @property
    def left(self) -> frozenset[str]:
        """The bodies for which there was no room."""
        return frozenset(self.sizes.keys() - self.found.keys())

    def of(self, ids: Collection[str]) -> int:
        """The bytes of some bodies together."""
        return sum(self.sizes.get(id_, 0) for id_ in ids)


async def weighed(tx: Transaction, ids: Collection[str], room: int = MOST_BYTES) -> Weighed:
    """The bodies of some exchanges, of those in front as many as fit, without erased ones."""
    rows = await tx.fetch(_WEIGHED, list(dict.fromkeys(ids)), room) if ids else ()
    return Weighed(
        sizes={row["body_id"]: row["size"] for row in rows},
        found={
            row["body_id"]: (row["message"], bytes(row["bytes"]))
            for row in rows
            if row["bytes"] is not None
        },
    )


async def stored(tx: Transaction, ids: Sequence[str]) -> Stored:
    """The bodies for a page, of those in front as many as fit, without erased ones."""
    return (await weighed(tx, ids)).found


def typed(found: Stored, messages: Mapping[str, MessageType]) -> dict[str, Any]:
    """Stored bodies typed anew. It takes its time: for a thread, not for the loop."""
    return {id_: read(raw, messages[message].body) for id_, (message, raw) in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The bodies that one exchange of a call is judged by, and how many bytes they may have together."""

    ids: frozenset[str]
    most: int


@dataclass(frozen=True, slots=True)
class Read:
    """Typed bodies by reqMsgId, and two kinds of calls, by their places, whose bodies are not among them.

    What the `heavy` want is more than a call may have; for what the `later` want there was no room.
    """

    bodies: Mapping[str, Any]
    heavy: Collection[int] = ()
    later: Collection[int] = ()


async def read_for(
    tx: Transaction, calls: Mapping[int, Sequence[Wanted]], messages: Mapping[str, MessageType]
) -> Read:
    """What the calls of a batch are judged by, of those in front as much as there is room for.

    The first call has all that it may have: however much that is, it does not wait for ever.
    """
    every = {n: frozenset().union(*(one.ids for one in legs)) for n, legs in calls.items()}
    first = await weighed(tx, [id_ for ids in every.values() for id_ in sorted(ids)], ROOM)
    heavy = {n for n, legs in calls.items() if any(first.of(one.ids) > one.most for one in legs)}
    asking = {n: ids for n, ids in every.items() if ids and n not in heavy}
    left = {n: ids & first.left for n, ids in asking.items()}
    found, ahead = first.found, next(iter(asking), None)
    if ahead is not None and (rest := left.pop(ahead)):
        found = found | (await weighed(tx, sorted(rest), first.of(rest))).found
    later = {n for n, ids in left.items() if not ids <= found.keys()}
    used = {id_ for n, ids in asking.items() if n not in later for id_ in ids}
    chosen = {id_: found[id_] for id_ in sorted(used & found.keys())}
    read_now = partial(typed, chosen, messages)
    many = first.of(chosen) > BESIDE
    return Read(await tx.work_out(read_now) if many else read_now(), heavy, later)
