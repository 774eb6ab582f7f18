"""The log of refusals: bounded, written a moment later, read by whose they are."""

import json
from pathlib import Path

import pytest

from hundi.exchange import tables
from hundi.exchange.refusals import KEPT, NEWEST, WAITING, RefusalLog, refusals
from hundi.exchange.standing import UNKNOWN
from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database, StoreError, Transaction
from hundi.store.migrate import upgrade
from hundi.store.sqlite import SqliteDatabase
from hundi.store.statement import insert
from tests.exchange.scene import Scene

PATH = "/api/v0/slip/req-send"
FAULT = UNKNOWN.at("slip.objectId", "You are party to no slip S1. Check the objectId.", tries=1)


def _add(log: RefusalLog, client_id: str = "buyer", path: str = PATH) -> None:
    log.add(client_id, path, status=404, faults=[FAULT], at=17)


async def _of(database: Database, client_id: str, **how: int) -> list[dict]:
    asked = {"before": NEWEST, "limit": WAITING * 2} | how
    rows = await database.read(lambda tx: refusals(tx, client_id, **asked))
    return [dict(row) for row in rows]


async def test_a_refusal_is_told_to_whose_it_was(stage: Scene) -> None:
    log = RefusalLog(stage.database)
    _add(log, "buyer")
    _add(log, "supplier", "/api/v0/slip/req-confirm")
    assert await _of(stage.database, "buyer") == []
    await log.flush()
    await log.flush()
    [row] = await _of(stage.database, "buyer")
    assert (row["path"], row["status"], row["at"]) == (PATH, 404, 17)
    assert json.loads(row["faults"]) == [FAULT.as_json()]
    assert [one["path"] for one in await _of(stage.database, "supplier")] == [
        "/api/v0/slip/req-confirm"
    ]


async def test_the_newest_come_first_in_pages(stage: Scene) -> None:
    log = RefusalLog(stage.database)
    for number in range(5):
        _add(log, path=f"/{number}")
    await log.flush()
    first = await _of(stage.database, "buyer", limit=2)
    rest = await _of(stage.database, "buyer", before=first[-1]["refusal_id"])
    assert [one["path"] for one in [*first, *rest]] == ["/4", "/3", "/2", "/1", "/0"]


async def test_memory_holds_a_bounded_number(stage: Scene) -> None:
    log = RefusalLog(stage.database)
    for number in range(WAITING + 3):
        _add(log, path=f"/{number}")
    await log.flush()
    kept = await _of(stage.database, "buyer")
    assert (len(kept), kept[-1]["path"]) == (WAITING, "/3")


async def test_the_table_keeps_the_newest(stage: Scene) -> None:
    older = insert(tables.refusal, ("client_id", "path", "status", "faults", "at"))
    rows = [("supplier", f"/{number}", 404, "[]", number) for number in range(KEPT + 5)]

    async def fill(tx: Transaction) -> None:
        await tx.bulk(older, rows)

    await stage.database.write(fill)
    log = RefusalLog(stage.database)
    _add(log)
    await log.flush()
    kept = await _of(stage.database, "supplier", limit=KEPT * 2)
    assert len(kept) == KEPT - 1
    assert kept[-1]["path"] == "/6"
    assert len(await _of(stage.database, "buyer")) == 1


async def test_what_a_caller_invents_can_be_stored(stage: Scene) -> None:
    log = RefusalLog(stage.database)
    _add(log, path="/\x00\ud800\n" + "x" * 1000)
    log.add("buyer", PATH, status=400, faults=[UNKNOWN.at("a\x00", "It holds \x00.")] * 100, at=18)
    await log.flush()
    second, first = await _of(stage.database, "buyer")
    assert first["path"].startswith("/\ufffd\ufffd\ufffdxxx")
    assert len(first["path"]) == 200
    assert len(json.loads(second["faults"])) == 20


async def test_nothing_is_forgotten_while_the_database_is_away(tmp_path: Path) -> None:
    path = tmp_path / "later" / "hundi.db"
    database = SqliteDatabase(path, wall_clock)
    log = RefusalLog(database)
    _add(log, path="/1")
    with pytest.raises(StoreError):
        await log.flush()
    _add(log, path="/2")
    upgrade(f"sqlite:///{path}")
    await log.flush()
    assert [one["path"] for one in await _of(database, "buyer")] == ["/2", "/1"]
    await database.close()
