"""Making checkpoints, a page of documents in each short transaction, and reading them back.

A head is what a document's row said at some moment of the making: that is enough, for the row with
that number keeps its hash for ever.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from hundi.exchange import tables
from hundi.exchange.duties import Duty, Outcome, Turn
from hundi.exchange.journal import GENESIS
from hundi.exchange.journal_pages import START
from hundi.exchange.sealing.checkpoint import Checkpoint, Head, Signer, closed, folded
from hundi.kernel.clock import DAY
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Bulk, Statement, insert, rows

NAME = "journal-checkpoint"
PAGE = 500

_LAST = Statement.both(
    "select number, at, heads, digest, key_id, signature from checkpoint"
    " order by number desc limit 1"
)
_AFTER = Statement.both(
    "select number, at, heads, digest, key_id, signature from checkpoint"
    " where number > $1 order by number limit $2"
)
# What a crash has left of a checkpoint that was never signed.
_FORGET = Statement.both(
    "delete from sealed_head where (author_entity, type, object_id, number) in"
    " (select author_entity, type, object_id, number from sealed_head where number > $1 limit $2)"
    " returning 1 as gone"
)
_MOVED = Statement.both(
    "select d.author_entity, d.type, d.object_id, d.head_sequence, d.head_hash,"
    " coalesce((select max(s.sequence) from sealed_head s where s.author_entity = d.author_entity"
    " and s.type = d.type and s.object_id = d.object_id), 0) as sealed from document d"
    " where (d.author_entity, d.type, d.object_id) > ($1, $2, $3)"
    " order by d.author_entity, d.type, d.object_id limit $4"
)
_KEEP = insert(
    tables.sealed_head,
    ("author_entity", "type", "object_id", "number", "place", "sequence", "hash"),
)
_SIGN = insert(tables.checkpoint, ("number", "at", "heads", "digest", "key_id", "signature"))
_HEADS = Statement.both(
    "select author_entity, type, object_id, place, sequence, hash from sealed_head"
    " where number = $1 and place > $2 order by place limit $3"
)
_SEALED = Bulk.of(
    postgresql="select s.author_entity, s.type, s.object_id, s.sequence, s.hash from "
    + rows("a text, t text, o text")
    + " k join sealed_head s on s.author_entity = k.a and s.type = k.t and s.object_id = k.o"
    " where exists (select 1 from checkpoint c where c.number = s.number)",
    sqlite="select s.author_entity, s.type, s.object_id, s.sequence, s.hash from sealed_head s"
    " where s.author_entity = $1 and s.type = $2 and s.object_id = $3"
    " and exists (select 1 from checkpoint c where c.number = s.number)",
    returns=True,
)


def sealing(signer: Signer, every: int = DAY) -> Duty:
    """The duty of a serving process that has a key."""

    async def work(database: Database, turn: Turn) -> Outcome:
        made = await seal(database, signer, turn)
        return Outcome(found=made.number)

    return Duty(name=NAME, every=every, work=work)


async def seal(database: Database, signer: Signer, turn: Turn) -> Checkpoint:
    """Make a checkpoint of all heads that have moved since the last one.

    One at a time: who comes later deletes what is gathered and not signed. Raises TurnLostError.
    """
    last = await database.read(last_checkpoint)
    making = _Making(turn=turn, number=last.number + 1 if last is not None else 1)
    digest = bytes.fromhex(last.digest) if last is not None else GENESIS
    while await database.write(making.forget):
        continue
    key: Key | None = START
    while key is not None:
        key, heads = await database.write(lambda tx, at=key: making.gather(tx, at))  # type: ignore[misc]
        digest = folded(digest, heads)
        making.heads += len(heads)
    return await database.write(lambda tx: making.sign(tx, signer, digest))


@dataclass(slots=True, kw_only=True)
class _Making:
    """A checkpoint that is being made, with so many heads until now. Each step holds the turn."""

    turn: Turn
    number: int
    heads: int = 0

    async def forget(self, tx: Transaction) -> bool:
        """Delete some of what was left by somebody else; whether there may be more."""
        await self.turn.hold(tx)
        return len(await tx.fetch(_FORGET, self.number - 1, PAGE)) == PAGE

    async def gather(self, tx: Transaction, after: Key) -> tuple[Key | None, list[Head]]:
        """Keep the next page's heads; the page's last document, None where it was the last of all."""
        await self.turn.hold(tx)
        page = await tx.fetch(_MOVED, *after, PAGE)
        moved = [row for row in page if row["head_sequence"] > row["sealed"]]
        heads = [_head(row, "head_sequence", "head_hash") for row in moved]
        kept = [
            (*head.key, self.number, at, head.sequence, bytes.fromhex(head.hash))
            for at, head in enumerate(heads, self.heads + 1)
        ]
        await tx.bulk(_KEEP, kept)
        return (document_key(page[-1]) if len(page) == PAGE else None), heads

    async def sign(self, tx: Transaction, signer: Signer, digest: bytes) -> Checkpoint:
        """Sign all that was gathered."""
        await self.turn.hold(tx)
        whole = closed(digest, number=self.number, at=tx.now, heads=self.heads)
        signature = signer.sign(whole)
        row = (self.number, tx.now, self.heads, whole, signer.key_id, signature)
        await tx.bulk(_SIGN, [row])
        return Checkpoint(
            number=self.number,
            at=tx.now,
            heads=self.heads,
            digest=whole.hex(),
            key_id=signer.key_id,
            signature=signature.hex(),
        )


async def last_checkpoint(tx: Transaction) -> Checkpoint | None:
    """The newest one that was signed."""
    found = await tx.fetch(_LAST)
    return _checkpoint_from(found[0]) if found else None


async def checkpoints(tx: Transaction) -> AsyncIterator[Checkpoint]:
    """All of them, in order."""
    number = 0
    while page := await tx.fetch(_AFTER, number, PAGE):
        for row in page:
            yield _checkpoint_from(row)
        number = page[-1]["number"]


async def heads_of(tx: Transaction, number: int) -> AsyncIterator[list[Head]]:
    """The heads of one checkpoint in their order, in pages."""
    place = 0
    while page := await tx.fetch(_HEADS, number, place, PAGE):
        yield [_head(row, "sequence", "hash") for row in page]
        place = page[-1]["place"]


async def sealed_rows(tx: Transaction, keys: Iterable[Key]) -> dict[Key, dict[int, bytes]]:
    """The hashes that signed checkpoints know of some documents' rows, by number."""
    found: dict[Key, dict[int, bytes]] = {}
    for row in await tx.bulk(_SEALED, sorted(keys)):
        found.setdefault(document_key(row), {})[row["sequence"]] = bytes(row["hash"])
    return found


def _checkpoint_from(row: Row) -> Checkpoint:
    """A row of `checkpoint`."""
    return Checkpoint(
        number=row["number"],
        at=row["at"],
        heads=row["heads"],
        digest=bytes(row["digest"]).hex(),
        key_id=row["key_id"],
        signature=bytes(row["signature"]).hex(),
    )


def _head(row: Row, sequence: str, hash_: str) -> Head:
    return Head(*document_key(row), row[sequence], bytes(row[hash_]).hex())
