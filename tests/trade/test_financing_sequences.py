"""Random askers, bidders and systems that fail: an invoice is financed once, and every book balances."""

import os
import shutil
from collections import Counter
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.verdict import Decision
from hundi.simulator.story import Body
from tests.trade import loans
from tests.trade.invariants import wrong_in
from tests.trade.lending import LENDER_CLIENTS, Lending, accepted_invoice, lending_desk
from tests.trade.test_financing import ANSWER, ASK, SHARE
from tests.trade.test_story import INVOICE_2

LIVE = ("REQUESTED", "BIDDING")
STEPS = 25
ANSWERS = (*[Decision.SETTLED] * 4, Decision.DECLINED, Decision.FAILED)


class Chance:
    """One seed's traders. They mostly do what they may; the rest is refused."""

    def __init__(self, lending: Lending, invoice: Body, seed: int) -> None:
        self.lending, self.invoice, self.random = lending, invoice, Random(seed)
        self.bids: dict[str, tuple[str, str]] = {}
        self.seen: Counter[str] = Counter()

    async def step(self) -> None:
        """Somebody does something, or time passes."""
        deeds = (self.ask, self.share, self.answer, self.work, self.wait)
        [deed] = self.random.choices(deeds, (2, 4, 4, 6, 1))
        await deed()

    async def ask(self) -> None:
        lenders = self.random.sample(tuple(loans.LENDERS), self.random.choice((1, 2, 2)))
        body = loans.financing([self.invoice], lenders=lenders, request_id=self._request())
        await self._send(ASK, body, by="supplier")

    async def share(self) -> None:
        requests = await self.lending.statuses("financing-request")
        live = [key for key, status in requests.items() if status in LIVE]
        wild = f"{self._request()}/{self.random.choice(tuple(loans.LENDERS))}"
        request, _, lender = self.random.choice([*live, *live, wild]).partition("/")
        bid_id = f"BID-{len(self.bids)}"
        body = loans.bid(f"BID-{lender[-1]}1", request_id=request)
        body["bid"]["bidDetails"][0]["bidId"] = bid_id
        self.bids[bid_id] = (lender, request)
        await self._send(SHARE, body, by=LENDER_CLIENTS[lender])

    async def answer(self) -> None:
        statuses = await self.lending.statuses("bid")
        offered = [bid_id for bid_id, status in statuses.items() if status == "OFFERED"]
        known = offered if self.random.random() < 0.8 else list(self.bids)
        if not known:
            return
        chosen = self.random.sample(known, min(len(known), self.random.choice((1, 1, 2))))
        body = loans.bid_answer({"BID-A1": "ACCEPT"}, request_id=self.bids[chosen[0]][1])
        words = self.random.choice(
            (("ACCEPT", "REJECT"), ("ACCEPT", "REJECT"), ("REJECT", "REJECT"))
        )
        body["bidResponse"]["responses"] = [
            {"bidId": bid_id, "financierId": self.bids[bid_id][0], "response": word}
            for bid_id, word in zip(chosen, words, strict=False)
        ]
        await self._send(ANSWER, body, by="supplier")

    async def work(self) -> None:
        self.lending.answers = {
            client_id: self.random.choice(ANSWERS) for client_id in LENDER_CLIENTS.values()
        } | {"supplier": self.random.choice(ANSWERS)}
        await self.lending.time_passes(tables.delivery.c.due_at)
        await self.lending.deliver()

    async def wait(self) -> None:
        if self.random.random() < 0.5:
            await self.lending.time_passes(tables.deadline.c.due_at)
        else:
            await self.lending.time_passes(tables.exchange.c.expires_at)
        await self.lending.expire()
        await self.lending.lapse()

    async def settle_down(self) -> None:
        """Everybody answers, until no exchange is open."""
        self.lending.answers = {}
        for _ in range(3):
            await self.lending.time_passes(tables.delivery.c.due_at)
            await self.lending.deliver()

    def _request(self) -> str:
        return self.random.choice(("FIN-1", "FIN-1", "FIN-1", "FIN-2"))

    async def _send(self, path: str, body: Body, *, by: str) -> None:
        outcome = await self.lending.submit(path, body, by=by)
        self.seen[f"{path} {type(outcome).__name__}"] += 1


async def check(lending: Lending, *, at_rest: bool) -> None:
    """What holds at any time, and what holds where nothing is under way."""
    requests = await lending.statuses("financing-request")
    bids = await lending.statuses("bid")
    accepted = [key for key, status in requests.items() if status == "ACCEPTED"]
    assert len(accepted) <= 1
    assert list(bids.values()).count("ACCEPTED") == len(accepted)
    assert (await lending.books(INVOICE_2)).get("financed", 0) == len(accepted)
    if at_rest:
        live = [key for key, status in requests.items() if status in LIVE]
        assert (await lending.reserved(INVOICE_2)).get("financed", 0) == len(live)
        await receipts_are_answered(lending)
        assert await lending.database.read(wrong_in) == []


async def receipts_are_answered(lending: Lending) -> None:
    """Each receipt has ended with its last exchange, and its sender was told once."""
    x, w = tables.exchange.c, tables.delivery.c
    for receipt in await lending.rows(sa.select(tables.receipt)):
        id_ = receipt["receipt_id"]
        states = [row["state"] for row in
                  await lending.rows(sa.select(x.state).where(x.receipt_id == id_))]  # fmt: skip
        assert "OPEN" not in states
        assert receipt["waiting"] == 0
        settled = states.count("SETTLED")
        wanted = {len(states): "SUCCESS", 0: "FAILURE"}.get(settled, "PARTIAL")
        assert receipt["result"] == wanted
        told = sa.select(w.state).where(w.webhook_id == "RSP" + id_[3:])
        assert [row["state"] for row in await lending.rows(told)] == ["DELIVERED"]


async def played(database_url: str, seed: int) -> Counter[str]:
    """One seed's sequence; its messages by path and by what the network said to them."""
    async with lending_desk(database_url) as lending:
        chance = Chance(lending, await accepted_invoice(lending), seed)
        for _ in range(STEPS):
            await chance.step()
            await check(lending, at_rest=False)
        await chance.settle_down()
        await check(lending, at_rest=True)
    return chance.seen


def _seeds() -> range:
    first, _, last = os.environ.get("HUNDI_SEEDS", "0-11").partition("-")
    return range(int(first), int(last or first) + 1)


@pytest.mark.parametrize("seed", _seeds())
async def test_an_invoice_is_financed_once_whatever_happens(database_url: str, seed: int) -> None:
    await played(database_url, seed)


async def test_every_message_is_accepted_now_and_then(sqlite_url: str, tmp_path: Path) -> None:
    """Sequences of refusals alone would finance nothing."""
    seen: Counter[str] = Counter()
    for seed in range(13, 17):
        fresh = tmp_path / f"{seed}.db"
        shutil.copy(sqlite_url.removeprefix("sqlite:///"), fresh)
        seen += await played(f"sqlite:///{fresh}", seed)
    for path in (ASK, SHARE, ANSWER):
        assert seen[f"{path} Accepted"] > 0, seen
