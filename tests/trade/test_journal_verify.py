"""Whatever somebody rewrites in the journals is found: by the chain, or by a signed checkpoint."""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from hundi.exchange import duties, journal_pages
from hundi.exchange.duties import perform
from hundi.exchange.sealing import store
from hundi.exchange.sealing.checkpoint import BadKeyError, Signer, Trusted, new_keys
from hundi.exchange.sealing.file import NoCheckpointsError, write_checkpoints
from hundi.exchange.sealing.store import sealing
from hundi.exchange.sealing.verify import Verifier, Wanted
from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database, Transaction, Work
from hundi.store.opening import open_database
from tests.clocks import Clock, opened
from tests.exchange.breaking import change
from tests.exchange.tampering import KINDS, found_after, lengthen, remove, tamper
from tests.trade.filled import trade_on

PRIVATE, PUBLIC = new_keys()
SIGNER, TRUSTED = Signer(PRIVATE), Trusted.of(PUBLIC, "")
TIMES = 20
EXPIRE = "update duty set lease_until = 1 where lease_until is not null"
ALL_OF_IT = ("sealed_head", "checkpoint")
T = TypeVar("T")


@pytest.fixture
async def sealed(filled_url: str) -> AsyncIterator[Database]:
    """A filled store with two checkpoints, the second one of what has moved since the first."""
    database = await open_database(filled_url, wall_clock)
    await seal(database)
    await trade_on(filled_url)
    await seal(database)
    yield database
    await database.close()


async def seal(database: Database, signer: Signer = SIGNER) -> bool:
    """Make a checkpoint as a process does; whether one was made."""
    return await perform(database, sealing(signer), early=True) is not None


class Interrupted:
    """A database that has something else happen after one of its transactions that write."""

    def __init__(
        self, database: Database, meanwhile: Callable[[], Awaitable[object]], *, after: int
    ) -> None:
        self.dialect, self.read, self.close = database.dialect, database.read, database.close
        self._database, self._meanwhile, self._left = database, meanwhile, after

    async def write(self, work: Work[T]) -> T:
        done = await self._database.write(work)
        self._left -= 1
        if self._left == 0:
            await self._meanwhile()
        return done


async def verified(database: Database, *, file: bytes | None = None) -> list[str]:
    found: list[str] = []

    async def work(tx: Transaction) -> None:
        verifier = Verifier(tx, lambda one: found.append(str(one)))
        await verifier.journals(Wanted())
        await verifier.stored(TRUSTED)
        if file is not None:
            await verifier.file(io.BytesIO(file), TRUSTED)

    await database.read(work)
    return found


async def exported(database: Database) -> bytes:
    out = io.BytesIO()
    await database.read(lambda tx: write_checkpoints(tx, out))
    return out.getvalue()


async def test_all_is_well(sealed: Database) -> None:
    file = await exported(sealed)
    assert await verified(sealed, file=file) == []
    rows = await sealed.read(store.last_checkpoint)
    assert rows is not None
    assert rows.number == 2
    assert 0 < rows.heads < file.count(b"\n") - 2, "the second holds only what has moved"


@pytest.mark.parametrize("kind", KINDS)
async def test_tampering_is_found(sealed: Database, kind: str) -> None:
    for seed in range(TIMES):
        found = await found_after(sealed, kind, Random(f"{kind} {seed}"), TRUSTED)
        assert found, f"{kind}, seed {seed}: not found"
    assert await verified(sealed) == [], "every change was taken back"


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_checkpoints_are_made_and_read_in_pages(
    sealed: Database, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(store, "PAGE", page)
    await seal(sealed)
    assert await verified(sealed, file=await exported(sealed)) == []


@pytest.mark.parametrize(
    ("gone", "says"), [(0, ""), (65, "row 65 is missing"), (300, "ends at row 299")]
)
async def test_long_journals_are_read_in_parts(
    sealed: Database, monkeypatch: pytest.MonkeyPatch, gone: int, says: str
) -> None:
    monkeypatch.setattr(journal_pages, "FURTHER_ROWS", 50)
    assert journal_pages.FIRST_ROWS == 64
    await sealed.write(lambda tx: lengthen(tx, 300))
    if gone:
        await sealed.write(lambda tx: remove(tx, gone))
    found = await verified(sealed)
    assert [says in line for line in found] == ([True] if gone else [])


async def test_a_file_tells_what_the_database_has_forgotten(
    sealed: Database, filled_url: str
) -> None:
    """Rows, heads, and every checkpoint of them: all are gone, and the file knows them."""
    file = await exported(sealed)
    await sealed.write(lambda tx: tamper(tx, "a document is erased", Random(1)))
    await change(filled_url, "delete from checkpoint", "delete from sealed_head")
    assert await verified(sealed) == [], "nothing is left in the database that could tell"
    found = await verified(sealed, file=file)
    assert any("is gone; it was there at checkpoint" in line for line in found)
    assert any("the database has another one under its number, or none" in line for line in found)


async def test_a_file_that_was_changed_is_none(sealed: Database) -> None:
    file = await exported(sealed)
    lines = file.splitlines(keepends=True)
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    assert any("digest" in line for line in await verified(sealed, file=b"".join(swapped)))
    with pytest.raises(NoCheckpointsError, match="line 3"):
        await verified(sealed, file=b"".join([*lines[:2], b"[]\n", *lines[3:]]))
    with pytest.raises(NoCheckpointsError, match="line"):
        await verified(sealed, file=b"".join(lines[:-1]))


async def _dies() -> None:
    raise ConnectionAbortedError


@pytest.mark.parametrize("after", [2, 3, 5], ids=["begun", "a page", "several pages"])
async def test_a_crash_leaves_nothing_in_the_way(
    sealed: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(store, "PAGE", 2)
    with pytest.raises(ConnectionAbortedError):
        await seal(Interrupted(sealed, _dies, after=after))
    await change(filled_url, EXPIRE)
    assert await seal(sealed)
    assert await verified(sealed) == []


@pytest.mark.parametrize("dies", [False, True], ids=["ended", "begun"])
@pytest.mark.parametrize("after", [1, 3, 4])
async def test_who_has_lost_the_turn_stops_without_signing(
    sealed: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch, after: int, *, dies: bool
) -> None:
    """It stood still for longer than its lease; another process has begun or ended one since."""
    monkeypatch.setattr(store, "PAGE", 8)
    await change(filled_url, *(f"delete from {t} where number = 2" for t in ALL_OF_IT))

    async def another() -> None:
        await change(filled_url, EXPIRE)
        with suppress(ConnectionAbortedError):
            await seal(Interrupted(sealed, _dies, after=3) if dies else sealed)

    assert not await seal(Interrupted(sealed, another, after=after))
    assert (await _last(sealed)).number == (1 if dies else 2)
    assert await verified(sealed) == []


async def test_each_page_renews_the_lease(
    sealed: Database, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE", 2)
    standing: list[bool] = []
    clock = Clock()
    timed = await opened(filled_url, clock)

    async def later() -> None:
        clock.now += duties.LEASE * 6 // 10
        standing.append(await seal(timed))

    slow = Interrupted(timed, later, after=3)
    slow = Interrupted(slow, later, after=5)
    assert await seal(slow)
    assert standing == [False, False], "who came later has waited"
    await timed.close()


async def test_an_old_key_counts_while_it_is_named(sealed: Database) -> None:
    private, public = new_keys()
    await seal(sealed, Signer(private))
    found = await verified(sealed)
    assert len(found) == 1
    assert "whose public key is not in the settings" in found[0]
    both = Trusted.of(PUBLIC, private)
    assert Trusted.of(f"{PUBLIC}, {public}", "").trouble(await _last(sealed)) is None
    assert both.trouble(await _last(sealed)) is None


async def _last(database: Database) -> store.Checkpoint:
    last = await database.read(store.last_checkpoint)
    assert last is not None
    return last


@pytest.mark.parametrize("text", ["x", "AAAA", PRIVATE[:-4]], ids=["short", "four", "cut"])
def test_a_key_that_is_none_says_how_to_make_one(text: str) -> None:
    with pytest.raises(BadKeyError, match="hundi journal key"):
        Signer(text)


async def test_some_documents_alone(sealed: Database, tmp_path: Path) -> None:
    async def count(wanted: Wanted) -> int:
        async def work(tx: Transaction) -> int:
            verifier = Verifier(tx, lambda _: None)
            await verifier.journals(wanted)
            return verifier.result.documents

        return await sealed.read(work)

    whole = await count(Wanted())
    one = Wanted(type="purchase-order", object_id="PO" + "9" * 33)
    assert (await count(one), await count(Wanted(since=wall_clock()))) == (1, 0)
    assert await count(Wanted(since=1)) == whole
