"""Reads of documents: who sees what from when on, and that what is shown is exact."""

from collections.abc import Sequence

import msgspec
import pytest
import sqlalchemy as sa

from hundi.exchange import queries, tables
from hundi.exchange.document_list import Filters
from hundi.exchange.history import history as history_of
from hundi.kernel.faults import RefusedError
from hundi.store.engine import Row, Transaction
from tests.exchange.scene import Scene
from tests.exchange.slips import BUYER, STRANGER, SUPPLIER, slip

EDIT = {"source": "SENT", "current": 1, "new": 2}
CONFIRM = {"source": "SENT", "target": "AGREED", "action": "ACCEPT"}
CANCEL = {"target": "CANCELLED", "action": "CANCEL"}
MEMBERS = {
    "type", "objectId", "author", "counterparty", "number", "status", "version", "agreedVersion",
    "nextVersion", "openExchange", "body", "versions", "warnings", "missed", "createdAt",
    "updatedAt", "refersTo", "referredBy", "accounts", "assignedTo", "moreVersions",
}  # fmt: skip


async def read(stage: Scene, client_id: str, object_id: str = "S1", **how: str) -> dict:
    """A document as it goes out: through JSON."""
    messages = stage.road.settler.messages
    found = await stage.database.read(
        lambda tx: queries.document(
            tx, client_id, messages, type_="slip", object_id=object_id, **how
        )
    )
    return msgspec.json.decode(msgspec.json.encode(found.shown))


async def listed(stage: Scene, client_id: str, **filters: str) -> list[dict]:
    found = await stage.database.read(
        lambda tx: queries.documents(tx, client_id, Filters(**filters), after="", limit=100)
    )
    return found["documents"]


async def history(
    stage: Scene, client_id: str, object_id: str = "S1", author: str = "", **how: object
) -> dict:
    return await stage.database.read(
        lambda tx: history_of(tx, client_id, named=("slip", object_id, author), **how)
    )


async def sees(stage: Scene, client_id: str) -> bool:
    """Whether S1 exists for a client; every read has to agree."""
    found = {bool(await listed(stage, client_id))}
    for one in (read, history):
        try:
            await one(stage, client_id)
        except RefusedError as refusal:
            found.add(refusal.faults[0].code != "DOC-UNKNOWN")
        else:
            found.add(True)
    assert len(found) == 1, "the list and the reads differ"
    return found.pop()


async def test_the_counterparty_sees_a_document_once_an_attempt_may_have_brought_it(
    stage: Scene,
) -> None:
    await stage.submit("req-send", slip())
    assert not await sees(stage, "supplier")
    leased = await stage.lease()
    assert await sees(stage, "supplier"), "the first byte may have gone out"
    await stage.finish(leased, reached=False)
    assert await sees(stage, "buyer")
    assert not await sees(stage, "stranger")


@pytest.mark.parametrize(("reached", "seen"), [(False, False), (True, True)])
async def test_a_failed_attempt_counts_if_it_reached(
    stage: Scene, reached: bool, seen: bool
) -> None:
    await stage.submit("req-send", slip())
    await stage.fail(reached=reached)
    assert await sees(stage, "supplier") is seen
    assert await sees(stage, "buyer")


async def test_who_declined_a_document_knows_it(stage: Scene) -> None:
    await stage.submit("req-send", slip())
    await stage.decline()
    assert await sees(stage, "supplier")
    assert (await read(stage, "supplier"))["status"] == "CREATED"


async def test_a_mailbox_holds_a_document_at_once(posted: Scene) -> None:
    await posted.submit("req-send", slip())
    assert await sees(posted, "supplier")
    assert not await sees(posted, "stranger")


async def test_a_withdrawal_that_did_not_travel_stays_with_the_author(stage: Scene) -> None:
    await stage.submit("req-send", slip())
    await stage.submit("req-change", slip(**CANCEL))
    assert (await read(stage, "buyer"))["status"] == "CANCELLED"
    assert not await sees(stage, "supplier")


async def test_a_document_tells_its_standing(stage: Scene) -> None:
    req_msg_id = await stage.sent(total=b"1.10")
    first = {"version": 1, "reqMsgId": req_msg_id, "status": "SETTLED"}
    shown = await read(stage, "supplier")
    assert shown.keys() == MEMBERS
    told = {name: shown[name] for name in MEMBERS - {"body", "createdAt", "updatedAt", "missed"}}
    assert told == {
        "type": "slip",
        "objectId": "S1",
        "author": BUYER,
        "counterparty": SUPPLIER,
        "number": "N-S1",
        "status": "SENT",
        "version": 1,
        "agreedVersion": None,
        "assignedTo": None,
        "nextVersion": 2,
        "openExchange": None,
        "versions": [first | {"at": shown["createdAt"], "current": True, "agreed": False}],
        "moreVersions": False,
        "warnings": [
            {"code": "TEST-ODD-TOTAL", "path": "slip.total", "detail": "The total is 1.10."}
        ],
        "refersTo": {"documents": [], "more": False},
        "referredBy": {"documents": [], "more": False},
        "accounts": {"accounts": [], "more": False},
    }
    assert shown["missed"] == {
        "reqMsgId": req_msg_id,
        "kind": "SETTLED",
        "at": shown["updatedAt"],
    }
    assert shown == await read(stage, "buyer")


@pytest.mark.parametrize("number", [b"12.300", b"123456789012345.67", b"1e3", b"0.10"])
async def test_a_body_is_shown_to_the_byte(stage: Scene, number: bytes) -> None:
    await stage.sent(total=number)
    messages = stage.road.settler.messages
    shown = await stage.database.read(
        lambda tx: queries.document(tx, "buyer", messages, type_="slip", object_id="S1")
    )
    assert b'"total":%b,' % number in msgspec.json.encode(shown.shown)


async def test_an_open_edit_is_a_version_that_is_not_current(stage: Scene) -> None:
    first = await stage.sent(total=b"1.00")
    second = await stage.submit("req-edit", slip(**EDIT, total=b"2.00"))
    shown = await read(stage, "buyer")
    assert (shown["version"], shown["body"]["total"]) == (1, 1)
    assert shown["openExchange"] == second
    assert [(v["reqMsgId"], v["status"], v["current"]) for v in shown["versions"]] == [
        (first, "SETTLED", True),
        (second, "OPEN", False),
    ]
    assert [v["reqMsgId"] for v in (await read(stage, "supplier"))["versions"]] == [first]
    await stage.deliver_all()
    shown = await read(stage, "supplier")
    assert (shown["version"], shown["body"]["total"]) == (2, 2)
    assert [v["current"] for v in shown["versions"]] == [False, True]


async def test_an_agreed_version_is_marked(stage: Scene) -> None:
    await stage.sent()
    await stage.submit("req-confirm", slip(**CONFIRM))
    await stage.deliver_all()
    shown = await read(stage, "buyer")
    assert (shown["status"], shown["agreedVersion"]) == ("AGREED", 1)
    assert [v["agreed"] for v in shown["versions"]] == [True]


async def test_an_unsent_repetition_shows_the_counterparty_nothing_new(stage: Scene) -> None:
    await stage.submit("req-send", slip(number="OLD", total=b"1.00"))
    await stage.decline()
    await stage.submit("req-send", slip(number="SECRET", total=b"2.00"))
    mine, theirs = await read(stage, "buyer"), await read(stage, "supplier")
    assert (mine["number"], mine["body"]["total"], len(mine["versions"])) == ("SECRET", 2, 2)
    assert (theirs["number"], theirs["body"]["total"], len(theirs["versions"])) == ("OLD", 1, 1)
    assert [one["number"] for one in await listed(stage, "supplier")] == ["OLD"]
    assert await listed(stage, "supplier", text="secret") == []
    assert len(await listed(stage, "buyer", text="secret")) == 1
    await stage.fail(reached=False)
    assert (await read(stage, "supplier"))["number"] == "OLD"
    await stage.database.write(lambda tx: tx.execute(sa.update(tables.delivery).values(due_at=0)))
    await stage.lease()
    assert (await read(stage, "supplier"))["number"] == "SECRET"


async def test_an_erased_body_is_null(stage: Scene) -> None:
    req_msg_id = await stage.sent()
    await stage.execute(sa.delete(tables.body).where(tables.body.c.body_id == req_msg_id))
    shown = await read(stage, "buyer")
    assert shown["body"] is None
    assert (await history(stage, "buyer"))["verified"]


class Weighing:
    """A transaction that weighs the bytes that it hands over."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.bytes = 0

    async def fetch(self, *asked: object) -> Sequence[Row]:
        rows = await self._tx.fetch(*asked)
        values = (row[name] for row in rows for name in row.keys())  # noqa: SIM118 (a row is no dict)
        self.bytes += sum(len(value) for value in values if isinstance(value, bytes))
        return rows

    async def select(self, query: sa.Select) -> Sequence[Row]:
        return await self._tx.select(query)

    async def bulk(self, *asked: object) -> Sequence[Row]:
        return await self._tx.bulk(*asked)


@pytest.mark.parametrize("client_id", ["buyer", "supplier"])
async def test_of_many_versions_only_the_one_that_is_shown_is_read(
    stage: Scene, client_id: str
) -> None:
    padding = b'"note":"' + b"x" * 50_000 + b'","number"'
    await stage.submit("req-send", slip().replace(b'"number"', padding))
    await stage.deliver_all()
    for version in range(1, 6):
        raw = slip(source="SENT", current=version, new=version + 1)
        await stage.submit("req-edit", raw.replace(b'"number"', padding))
        if version < 5:
            await stage.deliver_all()

    async def weighed(tx: Transaction) -> tuple[dict, int]:
        scales = Weighing(tx)
        how = {"type_": "slip", "object_id": "S1"}
        page = await queries.document(scales, client_id, stage.road.settler.messages, **how)
        return page.shown, scales.bytes

    shown, size = await stage.database.read(weighed)
    assert len(shown["versions"]) == (6 if client_id == "buyer" else 5)
    assert shown["version"] == 5
    assert 50_000 < size < 100_000


async def test_several_authors_of_one_id_are_told_apart(stage: Scene) -> None:
    await stage.sent()
    await stage.submit("req-send", slip(buyer=STRANGER, number="OTHER"), client_id="stranger")
    await stage.deliver_all()
    for ask in (read, history):
        with pytest.raises(RefusedError) as told:
            await ask(stage, "supplier")
        [fault] = told.value.faults
        assert fault.code == "DOC-AMBIGUOUS"
        assert fault.context["authors"] == [BUYER, STRANGER]
        assert (await ask(stage, "supplier", author=STRANGER))["author"] == STRANGER
    assert (await read(stage, "buyer"))["number"] == "N-S1"
    assert (await read(stage, "stranger"))["number"] == "OTHER"
    with pytest.raises(RefusedError):
        await read(stage, "buyer", author=STRANGER)


async def test_documents_are_narrowed(stage: Scene) -> None:
    await stage.sent("S1", number="ILT/0417")
    await stage.submit("req-send", slip("S2", number="ILT/0500"))
    await stage.submit("req-send", slip("S3", buyer=STRANGER), client_id="stranger")
    await stage.deliver_all()
    await stage.submit("req-confirm", slip("S1", number="ILT/0417", **CONFIRM))
    await stage.deliver_all()

    async def ids(**filters: str) -> set[str]:
        return {one["objectId"] for one in await listed(stage, "supplier", **filters)}

    assert await ids() == {"S1", "S2", "S3"}
    assert await ids(type="slip") == {"S1", "S2", "S3"}
    assert await ids(type="invoice") == set()
    assert await ids(status="AGREED") == {"S1"}
    assert await ids(author=STRANGER) == {"S3"}
    assert await ids(author=BUYER, counterparty=SUPPLIER) == {"S1", "S2"}
    assert await ids(counterparty=BUYER) == set()
    assert await ids(text="ilt/04") == {"S1"}
    assert await ids(text="s2") == {"S2"}
    assert await ids(text="%") == set()


async def test_pages_show_every_document_once_the_newest_first(stage: Scene) -> None:
    for number in range(7):
        await stage.submit("req-send", slip(f"S{number}"))
    seen: list[str] = []
    after = ""
    for _ in range(4):
        page = await stage.database.read(
            lambda tx, after=after: queries.documents(tx, "buyer", Filters(), after=after, limit=2)
        )
        seen += [one["objectId"] for one in page["documents"]]
        after = page["cursor"] or ""
    assert after == ""
    assert seen == [f"S{number}" for number in reversed(range(7))]


async def test_a_history_verifies_and_a_changed_row_shows(stage: Scene) -> None:
    req_msg_id = await stage.sent()
    shown = await history(stage, "buyer")
    assert (shown["verified"], shown["broken"]) == (True, None)
    assert [(e["sequence"], e["step"], e["reqMsgId"]) for e in shown["entries"]] == [
        (1, "ACCEPTED", req_msg_id),
        (2, "SETTLED", req_msg_id),
    ]
    assert shown["entries"][-1]["hash"] == shown["head"]["hash"]
    assert all(len(e[name]) == 64 for e in shown["entries"] for name in ("hash", "digest"))
    row = tables.journal.c
    await stage.execute(sa.update(tables.journal).values(status="AGREED").where(row.sequence == 1))
    shown = await history(stage, "buyer")
    assert (shown["verified"], shown["broken"]) == (False, "row 1 was changed")


async def edited(stage: Scene, times: int) -> None:
    """S1 is sent, and edited so many times; its author holds 2 + 2 x `times` rows of journal."""
    await stage.sent()
    for version in range(1, times + 1):
        await stage.submit("req-edit", slip(**EDIT | {"current": version, "new": version + 1}))
        await stage.deliver_all()


async def test_a_long_history_comes_in_pages_that_verify(stage: Scene) -> None:
    await edited(stage, 3)
    pages, after = [], ""
    while after is not None:
        pages.append(await history(stage, "buyer", after=after, limit=3))
        after = pages[-1]["cursor"]
    assert [[e["sequence"] for e in page["entries"]] for page in pages] == [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8],
    ]
    assert all(page["verified"] for page in pages)
    row = tables.journal.c
    await stage.execute(sa.update(tables.journal).values(status="AGREED").where(row.sequence == 5))
    again = [
        await history(stage, "buyer", after=after, limit=3)
        for after in ("", *(page["cursor"] for page in pages[:-1]))
    ]
    assert [page["broken"] for page in again] == [None, "row 5 was changed", None]
    await stage.execute(sa.delete(tables.journal).where(row.sequence == 3))
    cut = await history(stage, "buyer", after=pages[0]["cursor"], limit=3)
    assert cut["broken"] == "row 3 is missing"


async def test_a_cursor_of_another_documents_history_is_refused(stage: Scene) -> None:
    await stage.sent("S2")
    await stage.sent("S1")
    page = await history(stage, "buyer", "S2", limit=1)
    with pytest.raises(RefusedError, match="READ-CURSOR"):
        await history(stage, "buyer", "S1", after=page["cursor"])


async def test_the_newest_versions_are_told(stage: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_VERSIONS", 2)
    await edited(stage, 1)
    assert [one["version"] for one in (await read(stage, "supplier"))["versions"]] == [1, 2]
    await stage.submit("req-edit", slip(**EDIT | {"current": 2, "new": 3}))
    for client, versions, more in (("buyer", [2, 3], True), ("supplier", [1, 2], False)):
        shown = await read(stage, client)
        assert [one["version"] for one in shown["versions"]] == versions, "not those unseen"
        assert shown["moreVersions"] is more


async def test_a_cut_tail_shows(stage: Scene) -> None:
    await stage.sent()
    await stage.execute(sa.delete(tables.journal).where(tables.journal.c.sequence == 2))
    assert not (await history(stage, "supplier"))["verified"]


async def test_steps_that_never_reached_the_reader_are_withheld(stage: Scene) -> None:
    await stage.sent()
    await stage.submit("req-edit", slip(**EDIT))
    mine, theirs = await history(stage, "buyer"), await history(stage, "supplier")
    assert [e["withheld"] for e in mine["entries"]] == [False, False, False]
    assert [e["withheld"] for e in theirs["entries"]] == [False, False, True]
    assert theirs["entries"][2].keys() == {"sequence", "withheld", "hash"}
    assert theirs["entries"][2]["hash"] == mine["entries"][2]["hash"]
    assert theirs["verified"]
