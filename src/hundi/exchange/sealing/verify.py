"""Verifying journals: every chain from its rows, every checkpoint from its heads and its signature."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from hundi.exchange.invariants.finding import CHECKPOINT, JOURNAL, Broken, told
from hundi.exchange.invariants.strays import strays
from hundi.exchange.journal import GENESIS, Chain
from hundi.exchange.journal_pages import START, documents_after, journals_of
from hundi.exchange.sealing.checkpoint import Checkpoint, Head, Trusted, closed, folded
from hundi.exchange.sealing.file import read_checkpoints
from hundi.exchange.sealing.store import checkpoints, heads_of, sealed_rows
from hundi.ledger.model import document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

DOCUMENTS_A_PAGE = 100

_COUNT = Statement.both(
    "select (select count(*) from journal) as journal, (select count(*) from document) as document"
)
_ROWS = Bulk.of(
    postgresql="select j.author_entity, j.type, j.object_id, j.sequence, j.hash from "
    + rows("a text, t text, o text, n bigint")
    + " k join journal j on j.author_entity = k.a and j.type = k.t and j.object_id = k.o"
    " and j.sequence = k.n",
    sqlite="select author_entity, type, object_id, sequence, hash from journal"
    " where author_entity = $1 and type = $2 and object_id = $3 and sequence = $4",
    returns=True,
)

Report = Callable[[Broken], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which journals: all, those of a type and objectId, those that went on at or after a time."""

    type: str = ""
    object_id: str = ""
    author_b2b: str = ""
    since: int = 0

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted()

    def takes(self, document: Row) -> bool:
        """Whether a document is among them."""
        if self.type and (document["type"], document["object_id"]) != (self.type, self.object_id):
            return False
        if self.author_b2b and document["author_b2b"] != self.author_b2b:
            return False
        return bool(document["updated_at"] >= self.since)


class Verified(msgspec.Struct, kw_only=True):
    """What was looked at, and how much of it is broken."""

    documents: int = 0
    rows: int = 0
    checkpoints: int = 0
    broken: int = 0


class Verifier:
    """One verification inside one transaction; `report` hears of whatever is broken."""

    def __init__(self, tx: Transaction, report: Report) -> None:
        self._tx = tx
        self._report = report
        self.result = Verified()

    async def journals(
        self, wanted: Wanted, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> None:
        """Recompute chains from their rows and compare them with heads and checkpoints."""
        [counts] = await self._tx.fetch(_COUNT)
        key, seen = START, 0
        while page := await documents_after(self._tx, key, DOCUMENTS_A_PAGE):
            key, seen = document_key(page[-1]), seen + len(page)
            await self._chains([row for row in page if wanted.takes(row)])
            progress(seen, counts["document"])
        if wanted.all and self.result.rows != counts["journal"]:
            missed = counts["journal"] - self.result.rows
            self._tell(await strays(self._tx, "journal", missed))

    async def _chains(self, documents: Sequence[Row]) -> None:
        if not documents:
            return
        self.result.documents += len(documents)
        sealed = await sealed_rows(self._tx, [document_key(row) for row in documents])
        chains = {document_key(row): Chain(sealed.get(document_key(row))) for row in documents}
        async for parts in journals_of(self._tx, documents):
            for part in parts:
                key = document_key(part.document)
                self.result.rows += len(part.rows)
                chains[key].take(part.rows)
                if part.last:
                    head = part.document["head_sequence"], bytes(part.document["head_hash"])
                    trouble = chains.pop(key).end(*head)
                    self._tell([Broken(JOURNAL, told(key), trouble)] if trouble else ())

    async def stored(self, trusted: Trusted) -> None:
        """The checkpoints of the database: none missing, each covers its heads, each signed."""
        digest, expected = GENESIS, 1
        async for one in checkpoints(self._tx):
            count = 0
            async for heads in heads_of(self._tx, one.number):
                digest, count = folded(digest, heads), count + len(heads)
                self._tell(await self._lost(one, heads))
            digest = closed(digest, number=one.number, at=one.at, heads=count)
            self.result.checkpoints += 1
            if one.number != expected:
                self._tell([_of(one, f"checkpoint {expected} is missing before it")])
            if digest.hex() != one.digest or count != one.heads:
                self._tell([_of(one, "its digest is not that of its heads")])
            digest, expected = bytes.fromhex(one.digest), one.number + 1
            self._tell(_signature(one, trusted))

    async def file(self, source: BinaryIO, trusted: Trusted) -> None:
        """A file's checkpoints: each signed, in the database as it is here, and every head there."""
        known = {one.number: one.digest async for one in checkpoints(self._tx)}
        for one, heads, trouble in read_checkpoints(source):
            self._tell(await self._lost(one, heads))
            if heads:
                continue
            self.result.checkpoints += 1
            self._tell([_of(one, trouble)] if trouble is not None else ())
            self._tell(_signature(one, trusted))
            if known.get(one.number) != one.digest:
                self._tell([_of(one, "the database has another one under its number, or none")])

    async def _lost(self, one: Checkpoint, heads: Sequence[Head]) -> list[Broken]:
        """Heads whose rows are gone or are others now."""
        places = sorted({(*head.key, head.sequence) for head in heads})
        found = {
            (*document_key(row), row["sequence"]): bytes(row["hash"]).hex()
            for row in await self._tx.bulk(_ROWS, places)
        }
        return [
            Broken(JOURNAL, told(head.key), f"row {head.sequence} is {how} checkpoint {one.number}")
            for head in heads
            if (how := _how(found.get((*head.key, head.sequence)), head)) is not None
        ]

    def _tell(self, found: Iterable[Broken]) -> None:
        for one in found:
            self.result.broken += 1
            self._report(one)


def _how(hash_: str | None, head: Head) -> str | None:
    if hash_ is None:
        return "gone; it was there at"
    return None if hash_ == head.hash else "another one than at"


def _of(one: Checkpoint, what: str) -> Broken:
    return Broken(CHECKPOINT, str(one.number), what)


def _signature(one: Checkpoint, trusted: Trusted) -> Iterator[Broken]:
    trouble = trusted.trouble(one) if trusted else None
    if trouble is not None:
        yield _of(one, trouble)
