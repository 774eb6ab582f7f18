"""The operating guide's statements that erase a document's content take all of it, and break nothing."""

import re

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.exchange.sealing.verify import Verifier, Wanted
from hundi.simulator import story, story_money
from hundi.store.engine import Transaction
from tests.house.sources import ROOT
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.invariants import broken
from tests.trade.reading import Reads
from tests.trade.test_story import INVOICE_1, ORDER, billed, ordered, paid

NOTE, PAYMENT = bills.note()["cdNote"]["objectId"], story_money.payment(1)["payment"]["objectId"]
DOCUMENTS = (
    ("purchase-order", ORDER, "buyer"),
    ("invoice", INVOICE_1, "supplier"),
    ("cd-note", NOTE, "supplier"),
    ("payment", PAYMENT, "buyer"),
)
Rows = list[dict[str, object]]


def statements(kind: str, object_id: str, author: str) -> list[str]:
    """The guide's block, for another document; without the transaction, which is the test's."""
    page = (ROOT / "docs/guide/operating.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```sql\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    named = {"author_b2b": author, "type": kind, "object_id": object_id}
    for column, value in named.items():
        block, times = re.subn(rf"(d\.{column} = )'[^']*'", rf"\1'{value}'", block)
        assert times == 1, column
    lines = "\n".join(line for line in block.splitlines() if not line.startswith("--"))
    begin, *found, commit = [one.strip() for one in lines.split(";") if one.strip()]
    assert (begin, commit) == ("begin", "commit")
    return found


async def erase(trade: Desk, kind: str, object_id: str, author: str) -> Rows:
    """Erase one document as the guide says; what the two questions before it have found."""

    async def work(tx: Transaction) -> Rows:
        found: Rows = []
        for statement in statements(kind, object_id, author):
            if statement.startswith("select"):
                columns = [sa.column(name) for name in re.findall(r"^select (\w+)", statement)]
                asked = sa.text(statement).columns(*columns)
                found += await tx.select(asked)  # type: ignore[arg-type, misc]
            else:
                await tx.execute(sa.text(statement))
        return found

    return await trade.database.write(work)


CLOSED = story.status_change(
    "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
)


async def close(trade: Desk) -> Accepted | Refused:
    """Have the order closed, under a key."""
    message = trade.road.messages["purchase-order/req-status-change"]
    raw = story.dumps(CLOSED)
    return await trade.road.submit(
        read_request(message, raw, client_id="buyer", idempotency_key="K")
    )


async def traded(trade: Desk) -> None:
    """An order, an invoice, a note and the payments, until the order is closed and the invoice paid."""
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    await billed(trade, 2)
    assert isinstance(await close(trade), Accepted)
    await trade.deliver()
    await paid(trade, 1)
    await paid(trade, 2)


async def wrong_in_journals(trade: Desk) -> list[str]:
    found: list[str] = []

    async def work(tx: Transaction) -> None:
        await Verifier(tx, lambda one: found.append(str(one))).journals(Wanted())

    await trade.database.read(work)
    return found


async def left(trade: Desk) -> dict[str, set[str]]:
    """Whose bodies, keys and answers are still there."""
    b, i, a, w = tables.body.c, tables.idempotency.c, tables.attempt.c, tables.delivery.c
    answered = sa.select(a.webhook_id).where(sa.func.length(a.answer) > 0)
    return {
        "body": {row["body_id"] for row in await trade.rows(sa.select(b.body_id))},
        "key": {row["key"] for row in await trade.rows(sa.select(i.key))},
        "answer": {row["webhook_id"] for row in await trade.rows(answered)},
        "webhook": {row["webhook_id"] for row in await trade.rows(sa.select(w.webhook_id))},
    }


@pytest.mark.parametrize(("kind", "object_id", "author"), DOCUMENTS, ids=lambda one: one)
async def test_its_content_goes_and_all_else_stays(
    trade: Desk, reads: Reads, kind: str, object_id: str, author: str
) -> None:
    await traded(trade)
    given = sa.update(tables.attempt).values(answer=b'{"payload": "an echo of it"}')
    await trade.database.write(lambda tx: tx.execute(given))
    before = await reads.page(kind, object_id, author)
    statement, all_of_it = await reads.statement("buyer"), await left(trade)
    x = tables.exchange.c
    query = sa.select(x.req_msg_id).where(x.message.like(f"{kind}/%"), x.moves.contains(object_id))
    own = {str(row["req_msg_id"]) for row in await trade.rows(query)}
    outcomes = {f"RSP{one[3:]}" for one in own}

    assert await erase(trade, kind, object_id, before["author"]) == []

    after, remains = await reads.page(kind, object_id, author), await left(trade)
    assert own
    assert remains["body"] == all_of_it["body"] - own - outcomes
    assert remains["answer"] == all_of_it["answer"] - own - outcomes
    assert remains["key"] == (set() if kind == "purchase-order" else {"K"})
    assert after["body"] is None
    same = ("status", "version", "versions", "accounts", "referredBy")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert await reads.statement("buyer") == statement
    assert await broken(trade) == []
    assert await wrong_in_journals(trade) == []


async def test_a_repeat_is_not_answered_any_more(trade: Desk) -> None:
    await traded(trade)
    assert isinstance(await close(trade), Accepted)
    await erase(trade, "purchase-order", ORDER, story.BUYER.b2b_id)
    assert isinstance(await close(trade), Refused)


async def test_what_is_not_over_is_told_first(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit("invoice/req-send-invoice", bills.invoice(1))
    [exchange, webhook] = await erase(trade, "invoice", INVOICE_1, story.SUPPLIER.b2b_id)
    assert exchange["req_msg_id"] == webhook["webhook_id"]
