"""The id that a call to several lenders is answered with: read, given up, and its webhooks found by it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.leases import Leased, lease
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import HOUR
from hundi.kernel.identity import response_id
from hundi.parties.credentials import token_hash
from hundi.parties.tables import access_token
from hundi.simulator.story_supplies import BANK_ACCOUNT
from hundi.store.engine import Transaction
from hundi.web.context import Context
from hundi.web.network import rest
from tests.trade import loans
from tests.trade.lending import CLIENTS, Lending, accepted_invoice, lending_desk
from tests.trade.test_financing import ANSWER, ASK, AT_A, AT_B, both_bid
from tests.trade.test_story import INVOICE_2
from tests.web.conftest import bearer, context_of
from tests.web.test_network import V1, checked, problem

ELSEWHERE = BANK_ACCOUNT | {"ifsc": "FICT0000034"}
SYSTEMS = ("supplier", "lender-a", "lender-b")


@dataclass
class Face:
    """The lenders' desk with an HTTP face."""

    desk: Lending
    context: Context
    calls: httpx.AsyncClient
    woken: list[None] = field(default_factory=list)

    async def read(self, path: str, by: str = "supplier", **query: object) -> httpx.Response:
        return await self.calls.get(V1 + path, params=query, headers=bearer(by))

    async def give_up(self, receipt: str, by: str = "supplier", key: str = "") -> httpx.Response:
        named = {"idempotency-key": key} if key else {}
        path = f"{V1}/exchanges/{receipt}/abandon"
        return await self.calls.post(path, headers=bearer(by) | named)

    async def ask(self, **members: object) -> str:
        """Both lenders are asked, and nothing has left; the receipt."""
        invoice = await accepted_invoice(self.desk) | members
        return await self.take(ASK, loans.financing([invoice]))

    async def choose(self) -> str:
        """Both lenders have bid; one bid is accepted and the other waits for that; the receipt."""
        await self.ask()
        await self.desk.deliver()
        await both_bid(self.desk)
        return await self.take(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT", "BID-B1": "REJECT"}))

    async def take(self, path: str, body: dict[str, object]) -> str:
        outcome = await self.desk.submit(path, body)
        assert isinstance(outcome, Accepted), outcome
        return outcome.req_msg_id

    async def leased(self) -> list[Leased]:
        """What is due now is under way."""
        room = dict.fromkeys(CLIENTS, 10)
        return await self.desk.database.write(lambda tx: lease(tx, room=room, total=30))

    async def answered(self, leased: list[Leased], decision: Decision) -> None:
        results = [self.desk._result(one, decision) for one in leased]
        await self.desk.database.write(lambda tx: self.desk.outbox.finish(tx, results))

    async def ends(self, receipt: str) -> tuple[str, str, list[tuple[str, str | None]]]:
        """State and result of a receipt; state of its exchanges, and how they are to end."""
        told = checked(await self.read(f"/exchanges/{receipt}"), "NetworkReceipt")
        return (
            told["state"],
            told["result"],
            [(x["state"], x["closing"]) for x in told["exchanges"]],
        )


async def _tokens(tx: Transaction) -> None:
    for name in SYSTEMS:
        token = {
            "token_hash": token_hash(f"{name}-token"), "client_id": name, "kind": "ACCESS",
            "expires_at": tx.now + HOUR, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(sa.insert(access_token).values(**token))


@pytest.fixture
async def face(database_url: str) -> AsyncIterator[Face]:
    """Buyer, supplier and two lenders; all but the buyer have tokens."""
    async with lending_desk(database_url) as desk:
        await desk.database.write(_tokens)
        woken: list[None] = []
        context = context_of(desk, woken)
        transport = httpx.ASGITransport(rest(context))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
            yield Face(desk, context, calls, woken)


async def abandoned(face: Face) -> int:
    """How many abandoned exchanges are counted."""
    lines = (await face.context.metrics.exposition()).decode().splitlines()
    name = 'hundi_exchanges_total{state="ABANDONED"} '
    return next((int(float(one.removeprefix(name))) for one in lines if one.startswith(name)), 0)


async def test_a_call_is_given_up_by_its_receipt(face: Face) -> None:
    receipt = await face.ask()
    assert await face.ends(receipt) == ("OPEN", "PENDING", [("OPEN", None)] * 2)
    first = await face.give_up(receipt, key="k")
    told = checked(first, "NetworkReceipt")
    assert (told["state"], told["result"]) == ("ENDED", "FAILURE")
    assert [x["state"] for x in told["exchanges"]] == ["ABANDONED"] * 2
    assert (len(face.woken), await abandoned(face)) == (1, 2)
    assert "financed" not in await face.desk.reserved(INVOICE_2)
    again = await face.give_up(receipt, key="k")
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert (len(face.woken), await abandoned(face)) == (1, 2)
    refused = problem(await face.give_up(receipt), 409, "EXCHANGE-ENDED")
    assert refused["faults"][0]["context"] == {"state": "ENDED"}
    await face.desk.deliver()
    [outcome] = face.desk.told("supplier", "respRequestFinancing")
    resp = json.loads(outcome)["resp"]
    assert (resp["reqMsgId"], resp["errorCd"]) == (receipt, "EXCHANGE-ABANDONED")
    assert face.desk.told("lender-a", "requestFinancing") == []


async def test_only_the_client_that_called_gives_a_call_up(face: Face) -> None:
    receipt = await face.ask()
    for name in ("lender-a", "lender-b"):
        problem(await face.give_up(receipt, name), 404, "EXCHANGE-UNKNOWN")
    problem(await face.give_up("MSG0"), 404, "EXCHANGE-UNKNOWN")
    assert await face.ends(receipt) == ("OPEN", "PENDING", [("OPEN", None)] * 2)


async def test_what_has_ended_of_a_call_stays(face: Face) -> None:
    receipt = await face.ask()
    face.desk.answers["lender-b"] = Decision.ASK_AGAIN
    await face.desk.deliver()
    told = checked(await face.give_up(receipt), "NetworkReceipt")
    assert (told["state"], told["result"]) == ("ENDED", "PARTIAL")
    assert sorted(x["state"] for x in told["exchanges"]) == ["ABANDONED", "SETTLED"]
    assert await face.desk.statuses("financing-request") == {AT_A: "REQUESTED", AT_B: ""}
    assert (await face.desk.reserved(INVOICE_2))["financed"] == 1


async def test_an_answer_under_way_wins_over_giving_a_call_up(face: Face) -> None:
    receipt = await face.ask()
    face.desk.answers["lender-b"] = Decision.FAILED
    leased = await face.leased()
    told = checked(await face.give_up(receipt), "NetworkReceipt", 202)
    assert [(x["state"], x["closing"]) for x in told["exchanges"]] == [("OPEN", "ABANDONED")] * 2
    assert (len(face.woken), await abandoned(face)) == (0, 0)
    await face.answered(leased, Decision.SETTLED)
    state, result, ends = await face.ends(receipt)
    assert (state, result) == ("ENDED", "PARTIAL")
    assert sorted(one for one, _ in ends) == ["ABANDONED", "SETTLED"]


async def test_those_that_wait_for_the_winner_are_given_up_with_him(face: Face) -> None:
    receipt = await face.choose()
    told = checked(await face.give_up(receipt), "NetworkReceipt")
    assert (told["state"], told["result"]) == ("ENDED", "FAILURE")
    assert await abandoned(face) == 2
    await face.desk.deliver()
    assert len(face.desk.told("supplier", "respRespondBid")) == 1
    assert set((await face.desk.statuses("bid")).values()) == {"OFFERED"}
    assert [face.desk.told(name, "/respondBid") for name in SYSTEMS[1:]] == [[], []]


async def test_the_others_are_given_up_though_the_winner_may_still_agree(face: Face) -> None:
    receipt = await face.choose()
    leased = await face.leased()
    checked(await face.give_up(receipt), "NetworkReceipt", 202)
    ends = [("OPEN", "ABANDONED"), ("ABANDONED", None)]
    assert await face.ends(receipt) == ("OPEN", "PENDING", ends)
    assert (len(face.woken), await abandoned(face)) == (1, 1)
    await face.answered(leased, Decision.SETTLED)
    await face.desk.deliver()
    ends = [("SETTLED", "ABANDONED"), ("ABANDONED", None)]
    assert await face.ends(receipt) == ("ENDED", "PARTIAL", ends)
    assert face.desk.told("lender-b", "/respondBid") == []
    assert await face.desk.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-B1": "OFFERED"}


async def test_a_receipt_shows_the_warnings_of_its_exchanges_once(face: Face) -> None:
    receipt = await face.ask(supplierBankAccountDetails=ELSEWHERE)
    told = checked(await face.read(f"/exchanges/{receipt}"), "NetworkReceipt")
    singles = [(await face.read(f"/exchanges/{x['reqMsgId']}")).json() for x in told["exchanges"]]
    assert [len(one["warnings"]) for one in singles] == [1, 1]
    assert [one["code"] for one in told["warnings"]] == ["FIN-COPY"]
    assert told["warnings"] == singles[0]["warnings"]


async def test_the_webhooks_of_a_call_are_found_by_its_receipt(face: Face) -> None:
    receipt = await face.ask()
    await face.desk.deliver()
    found: list[str] = []
    after = ""
    while after is not None:
        page = await face.read("/deliveries", reqMsgId=receipt, limit=1, cursor=after)
        told = checked(page, "NetworkDeliveryPage")
        found += [one["webhookId"] for one in told["deliveries"]]
        after = told["cursor"]
    w, x = tables.delivery.c, tables.exchange.c
    mine = sa.select(w.webhook_id).join(tables.exchange, x.req_msg_id == w.req_msg_id)
    query = mine.where(x.receipt_id == receipt).order_by(w.req_msg_id.desc(), w.webhook_id.desc())
    assert found == [row["webhook_id"] for row in await face.desk.rows(query)]
    assert len(found) == 3
    assert response_id(receipt) in found
    told = (await face.read("/deliveries", reqMsgId=receipt, side="inbound")).json()
    assert [one["webhookId"] for one in told["deliveries"]] == [response_id(receipt)]
    theirs = await face.read("/deliveries", "lender-a", reqMsgId=receipt)
    assert theirs.json() == {"deliveries": [], "cursor": None}


async def test_what_follows_an_exchange_that_is_given_up_is_counted_with_it(face: Face) -> None:
    receipt = await face.choose()
    told = checked(await face.read(f"/exchanges/{receipt}"), "NetworkReceipt")
    leader = told["exchanges"][0]["reqMsgId"]
    assert (await face.give_up(leader, key="k")).status_code == 200
    assert await face.ends(receipt) == ("ENDED", "FAILURE", [("ABANDONED", None)] * 2)
    assert await abandoned(face) == 2
