"""Rewriting journals behind the network's back, in every way that somebody with the database could.

`tamper` makes one random change of a kind inside a transaction; `found_after` says what verification
finds of it and takes the change back, so that thousands of them need one store.
"""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

from hundi.exchange.journal import COLUMNS, GENESIS, link
from hundi.exchange.sealing.checkpoint import Signer, Trusted, new_keys
from hundi.exchange.sealing.verify import Verifier, Wanted
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

KEY = ("author_entity", "type", "object_id")
_CHANGEABLE = (*COLUMNS[4:], "sequence")


class UndoneError(Exception):
    """Carries what was found out of a transaction that is not to be kept."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self.found = found


async def found_after(database: Database, kind: str, random: Random, trusted: Trusted) -> list[str]:
    """What verification says after one change of a kind; the store is as it was afterwards."""

    async def work(tx: Transaction) -> None:
        await tamper(tx, kind, random)
        found: list[str] = []
        verifier = Verifier(tx, lambda one: found.append(str(one)))
        await verifier.journals(Wanted())
        await verifier.stored(trusted)
        raise UndoneError(found)

    try:
        await database.write(work)
    except UndoneError as undone:
        return undone.found
    message = "the change was kept"
    raise AssertionError(message)


async def tamper(tx: Transaction, kind: str, random: Random) -> None:
    """One random change of a kind (`KINDS`)."""
    await KINDS[kind](tx, random)


async def _run(tx: Transaction, text: str, *arguments: object) -> Sequence[Row]:
    return await tx.fetch(Statement.both(text), *arguments)


async def _journals(tx: Transaction) -> list[list[dict[str, Any]]]:
    """The journals of all documents, rows in order."""
    rows = await _run(tx, f"select {', '.join(COLUMNS)} from journal order by 1, 2, 3, 4")
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in KEY), []).append(
            {name: row[name] for name in COLUMNS}
        )
    return list(found.values())


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*KEY, "sequence"))


_AT = "author_entity = $1 and type = $2 and object_id = $3"


def _other(value: Any, random: Random) -> Any:
    if isinstance(value, int):
        return value + random.choice((-1, 1, 1000))
    if isinstance(value, str):
        return random.choice((f"{value}.", value[:-1] if value else "x", value.swapcase() + " "))
    place = random.randrange(len(value))
    return value[:place] + bytes([value[place] ^ 1 << random.randrange(8)]) + value[place + 1 :]


async def _change(tx: Transaction, random: Random) -> None:
    row = random.choice(random.choice(await _journals(tx)))
    name = random.choice(_CHANGEABLE)
    value = row["sequence"] + 10_000 if name == "sequence" else _other(row[name], random)
    text = f"update journal set {name} = $5 where {_AT} and sequence = $4"
    await _run(tx, text, *_place(row), value)


async def _remove(tx: Transaction, random: Random) -> None:
    row = random.choice(random.choice(await _journals(tx)))
    await _run(tx, f"delete from journal where {_AT} and sequence = $4", *_place(row))


async def _cut(tx: Transaction, random: Random) -> None:
    row = random.choice(random.choice(await _journals(tx)))
    await _run(tx, f"delete from journal where {_AT} and sequence >= $4", *_place(row))


async def _swap(tx: Transaction, random: Random) -> None:
    """Two rows of a document change places."""
    rows = random.choice([one for one in await _journals(tx) if len(one) > 1])
    first, second = random.sample(rows, 2)
    move = f"update journal set sequence = $5 where {_AT} and sequence = $4"
    await _run(tx, move, *_place(first), -1)
    await _run(tx, move, *_place(second), first["sequence"])
    await _run(tx, move, *_place(first)[:3], -1, second["sequence"])


async def _insert_row(tx: Transaction, row: dict[str, Any]) -> None:
    values = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
    text = f"insert into journal ({', '.join(COLUMNS)}) values ({values})"
    await _run(tx, text, *(row[name] for name in COLUMNS))


async def _double(tx: Transaction, random: Random) -> None:
    """A row stands once more, behind the last one or far behind it."""
    rows = random.choice(await _journals(tx))
    sequence = len(rows) + random.choice((1, 1, 500))
    await _insert_row(tx, random.choice(rows) | {"sequence": sequence})


async def _transplant(tx: Transaction, random: Random) -> None:
    """A row of one document takes the place of another document's."""
    one, other = random.sample(await _journals(tx), 2)
    target = random.choice(one)
    await _run(tx, f"delete from journal where {_AT} and sequence = $4", *_place(target))
    own = {name: target[name] for name in (*KEY, "sequence")}
    await _insert_row(tx, random.choice(other) | own)


async def _head(tx: Transaction, random: Random) -> None:
    """The document tells another number or another hash than its last row's."""
    row = random.choice(await _journals(tx))[-1]
    name, value = random.choice(
        (
            ("head_sequence", row["sequence"] + random.choice((-1, 1))),
            ("head_hash", _other(bytes(row["hash"]), random)),
        )
    )
    await _run(tx, f"update document set {name} = $4 where {_AT}", *_place(row)[:3], value)


async def _set_head(tx: Transaction, rows: list[dict[str, Any]], head: bytes) -> None:
    text = f"update document set head_sequence = $4, head_hash = $5 where {_AT}"
    await _run(tx, text, *(rows[0][name] for name in KEY), len(rows), head)


async def _rewrite(tx: Transaction, random: Random) -> None:
    """A row is changed, all hashes behind it are made anew, and the document's head with them."""
    rows = random.choice(await _journals(tx))
    changed = random.choice(rows)
    name = random.choice(("step", "message", "req_msg_id", "status", "version", "detail", "at"))
    changed[name] = _other(changed[name], random)
    await _write_anew(tx, rows)


async def _write_anew(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    previous = GENESIS
    await _run(tx, f"delete from journal where {_AT}", *(rows[0][name] for name in KEY))
    for number, row in enumerate(rows, 1):
        row["sequence"] = number
        previous = link(previous, [row[name] for name in COLUMNS[:11]], bytes(row["digest"]))
        await _insert_row(tx, row | {"hash": previous})
    await _set_head(tx, rows, previous)


async def lengthen(tx: Transaction, length: int) -> None:
    """Make the first document's journal so long, all hashes and its head as they must be."""
    rows = (await _journals(tx))[0]
    more = [dict(rows[-1]) for _ in range(length - len(rows))]
    await _write_anew(tx, [*rows, *more])


async def remove(tx: Transaction, sequence: int) -> None:
    """Take a row out of the first document's journal."""
    row = (await _journals(tx))[0][0]
    await _run(tx, f"delete from journal where {_AT} and sequence = $4", *_place(row)[:3], sequence)


async def _leave_out(tx: Transaction, random: Random) -> None:
    """A row is taken out, and all that follow are numbered and hashed anew."""
    rows = random.choice([one for one in await _journals(tx) if len(one) > 1])
    rows.remove(random.choice(rows))
    await _write_anew(tx, rows)


async def _cut_with_head(tx: Transaction, random: Random) -> None:
    rows = random.choice([one for one in await _journals(tx) if len(one) > 1])
    await _write_anew(tx, rows[: random.randrange(1, len(rows))])


async def _erase(tx: Transaction, random: Random) -> None:
    """A document is gone with its whole journal."""
    row = random.choice(await _journals(tx))[0]
    for table in ("journal", "document"):
        await _run(tx, f"delete from {table} where {_AT}", *_place(row)[:3])


async def _seal_value(tx: Transaction, random: Random) -> None:
    """A checkpoint's list names another number or hash, or leaves a document out."""
    row = random.choice(await _run(tx, "select * from sealed_head"))
    at = f"{_AT} and number = $4"
    key = (*(row[name] for name in KEY), row["number"])
    how = random.randrange(3)
    if how == 0:
        await _run(tx, f"delete from sealed_head where {at}", *key)
    elif how == 1:
        text = f"update sealed_head set sequence = $5 where {at}"
        await _run(tx, text, *key, row["sequence"] + 1)
    else:
        text = f"update sealed_head set hash = $5 where {at}"
        await _run(tx, text, *key, _other(bytes(row["hash"]), random))


async def _sealed_anew(tx: Transaction, random: Random) -> None:
    """Rows, heads and the checkpoints' lists are rewritten alike; digests and signatures stay."""
    await _rewrite(tx, random)
    await _copy_to_seals(tx)


async def _copy_to_seals(tx: Transaction) -> None:
    await _run(
        tx,
        "update sealed_head set hash = (select j.hash from journal j"
        " where j.author_entity = sealed_head.author_entity and j.type = sealed_head.type"
        " and j.object_id = sealed_head.object_id and j.sequence = sealed_head.sequence)",
    )


async def _signed_by_another(tx: Transaction, random: Random) -> None:
    """A checkpoint is signed anew, with a key that nobody trusts."""
    row = random.choice(await _run(tx, "select * from checkpoint"))
    signer = Signer(new_keys()[0])
    text = "update checkpoint set key_id = $2, signature = $3 where number = $1"
    key_id = random.choice((signer.key_id, row["key_id"]))
    await _run(tx, text, row["number"], key_id, signer.sign(bytes(row["digest"])))


async def _no_checkpoint(tx: Transaction, random: Random) -> None:
    """A checkpoint is taken out from under later ones."""
    await _run(tx, "delete from checkpoint where number = 1")


KINDS: dict[str, Callable[[Transaction, Random], Awaitable[None]]] = {
    "a value is changed": _change,
    "a row is removed": _remove,
    "a tail is cut": _cut,
    "two rows are swapped": _swap,
    "a row is doubled": _double,
    "a row is transplanted": _transplant,
    "a head is changed": _head,
    "rows and head are rewritten": _rewrite,
    "a row is left out, the rest rewritten": _leave_out,
    "a tail is cut, the head rewritten": _cut_with_head,
    "a document is erased": _erase,
    "a checkpoint's list is changed": _seal_value,
    "rows, head and list are rewritten": _sealed_anew,
    "a checkpoint is signed by another": _signed_by_another,
    "a checkpoint is taken out": _no_checkpoint,
}
