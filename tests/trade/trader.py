"""Random traders: legal moves mostly, illegal ones often enough, on one order and what hangs on it."""

from collections import Counter
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.record import State
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Decision
from hundi.ledger import tables as ledger
from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

Body = dict[str, Any]
INVOICES = [f"INV{n:032d}" for n in range(1, 4)]
NOTES = [f"CDN{n:032d}" for n in range(1, 4)]
PAYMENTS = [f"PMT{n:032d}" for n in range(1, 5)]
STATUSES = ("ACCEPTED", "REJECTED", "CANCELLED", "CLOSED", "UNDER REVIEW", "SENT TO BUYER")
DUE_AFTER = ("ACCEPTED", "PAYMENT INITIATED", "PARTIALLY PAID", "PAID")


def money(paise: int) -> Decimal:
    """Paise as a decimal of rupees."""
    return Decimal(paise).scaleb(-2)


def sums(quantity: int, *, scale: int = 100) -> tuple[list[Body], Body]:
    """A line of so many pieces at 100.00 with 5 % tax, and the document's values."""
    taxable, tax = Decimal(quantity * scale), Decimal(quantity * scale) * 5 / 100
    line = {
        "serialno": "1", "productDescription": "Yarn", "hsnCode": "52052410",
        "quantity": Decimal(quantity), "unit": "KGS", "unitPrice": Decimal(scale),
        "totalAmt": taxable, "assessmentAmount": taxable, "gstRate": Decimal(5),
        "totalItemValue": taxable + tax, "orderLineReference": "1",
        "itemValueDetails": [{"type": "IGST", "value": tax}],
    }  # fmt: skip
    values = {"assessmentValue": taxable, "valueInfos": [{"type": "IGST", "value": tax}]}
    return [line], values | {"total": taxable + tax}


class Trader:
    """Plays one random sequence. What it did is in `told`, for whoever must understand a failure.

    `accepted` counts the messages that were, by path, and knows those of which none was.
    """

    def __init__(self, trade: Desk, seed: int) -> None:
        self.trade = trade
        self.random, self.naming = Random(seed), Random(seed)
        self.told: list[str] = []
        self.accepted: Counter[str] = Counter()

    async def play(self, steps: int) -> None:
        """So many random deeds, then everything is delivered."""
        deeds: list[tuple[Callable[[], Any], int]] = [
            (self._order, 4), (self._invoice, 8), (self._invoice_answer, 8), (self._note, 4),
            (self._note_answer, 5), (self._pay, 8), (self._confirm, 8), (self._change, 3),
            (self._deliver, 16), (self._give_up, 2),
        ]  # fmt: skip
        await self._accepted_order()
        for _ in range(steps):
            [deed] = self.random.choices([d for d, _ in deeds], [w for _, w in deeds])
            await deed()
            if self.random.random() < 0.4:
                await self.trade.deliver()
        await self.trade.deliver()

    async def _submit(self, path: str, body: Body) -> None:
        outcome = await self.trade.submit(path, self._bent(body))
        said = "accepted" if isinstance(outcome, Accepted) else outcome.faults[0].code
        self.accepted[path] += said == "accepted"
        self.told.append(f"{path} {said}")

    def _bent(self, body: Body) -> Body:
        """Now and then a body that is a little wrong."""
        if self.random.random() > 0.05:
            return body
        wrong = deepcopy(body)
        [subject] = [v for v in wrong.values() if isinstance(v, dict) and "objectId" in v]
        if self.random.random() < 0.5 and "objectVersion" in subject:
            subject["objectVersion"]["currentVersion"] = 7
        else:
            subject["objectId"] = subject["objectId"][:3] + "Z" * 32
        return wrong

    async def _row(self, object_id: str) -> dict[str, Any] | None:
        query = sa.select(tables.document).where(tables.document.c.object_id == object_id)
        rows = await self.trade.rows(query)
        return dict(rows[0]) if rows else None

    async def _accepted_order(self) -> None:
        body = story.order(1)
        lines, values = sums(1000)
        body["purchaseOrder"]["itemLists"] = lines
        body["purchaseOrder"]["poValueDetails"] = values | {"totalPOValue": values.pop("total")}
        agreed = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Yes")
        for path, sent in (
            ("purchase-order/req-send", body),
            ("purchase-order/req-confirm", agreed),
        ):
            outcome = await self.trade.submit(path, sent)
            assert isinstance(outcome, Accepted), f"nothing to trade about: {outcome}"
            await self.trade.deliver()

    async def _order(self) -> None:
        row = await self._row(story.OBJECT_ID)
        if row is None:
            return
        action = self.random.choice(["CLOSE", "CANCEL", "edit", "REJECT", "ACCEPT"])
        version, status = row["version"], row["status"]
        if action in {"CLOSE", "CANCEL"}:
            if self.random.random() < 0.8:
                return
            target = {"CLOSE": "CLOSED", "CANCEL": "CANCELLED"}[action]
            body = story.status_change(
                action, version=version, source=status, target=target, remarks="Enough"
            )
            await self._submit("purchase-order/req-status-change", body)
        elif action == "edit":
            lines, values = sums(self.random.choice([600, 1000, 1200]))
            body = story.order(1, current_status=status)
            order = body["purchaseOrder"]
            order["objectVersion"] = {
                "currentVersion": version, "newVersion": row["highest_version"] + 1,
            }  # fmt: skip
            order["itemLists"] = lines
            order["poValueDetails"] = values | {"totalPOValue": values.pop("total")}
            await self._submit("purchase-order/req-edit", body)
        else:
            target = "ACCEPTED"
            body = story.confirmation(action, version=version, target=target, remarks="So be it")
            await self._submit("purchase-order/req-confirm", body)

    async def _invoice(self) -> None:
        place = self.random.randrange(3)
        row = await self._row(INVOICES[place])
        lines, values = sums(self.random.choice([1, 50, 300, 500, 1051]))
        total = values.pop("total")
        body = bills.invoice(
            1,
            objectId=INVOICES[place],
            supplierInvoiceNumber=f"N-{place}",
            itemLists=lines,
            valueDetails=values | {"totalInvoiceValue": total},
        )
        subject = body["invoice"]
        named = self.random.random()
        if named < 0.4:
            subject["poDetails"] = [] if named < 0.2 else [{"buyerPONumber": story.NUMBER}]
        if self.random.random() < 0.2:
            subject["advancePaymentDetails"] = {"paidAmount": Decimal("500.00")}
        name = "req-send-invoice"
        if row is not None and row["status"] != "CREATED":
            name = "req-edit-invoice"
        if row is not None:
            new = row["highest_version"] + 1
            current = new if name == "req-send-invoice" else row["version"]
            subject["objectVersion"] = {"currentVersion": current, "newVersion": new}
            subject["statusTransition"]["currentStatus"] = row["status"]
        await self._submit(f"invoice/{name}", body)

    async def _invoice_answer(self) -> None:
        place = self.random.randrange(3)
        row = await self._row(INVOICES[place])
        if row is None:
            return
        response, target = self.random.choice(
            [("ACCEPT", "ACCEPTED")] * 8 + [("REJECT", "REJECTED"), ("RETURN", "UNDER REVIEW")]
        )
        body = bills.invoice_confirmation(response, target)
        subject = body["invoiceConfirmation"]
        self._about(subject, row, "supplierInvoiceNumber")
        subject["statusTransition"]["currentStatus"] = row["status"]
        await self._submit("invoice/req-confirm-invoice", body)

    def _about(self, subject: Body, row: dict[str, Any], number: str) -> None:
        subject["objectId"], subject[number] = row["object_id"], row["number"]
        subject["objectVersion"] = {"currentVersion": row["version"], "newVersion": row["version"]}

    async def _change(self) -> None:
        row = await self._row(self.random.choice(INVOICES))
        if row is None:
            return
        action, target = self.random.choice([("CANCEL", "CANCELLED"), ("CLOSE", "CLOSED")])
        body = bills.invoice_status(action, row["status"], target)
        self._about(body["invoiceStatus"], row, "supplierInvoiceNumber")
        await self._submit("invoice/req-status-change-invoice", body)

    async def _note(self) -> None:
        place = self.random.randrange(3)
        row = await self._row(NOTES[place])
        lines, values = sums(self.random.choice([1, 20, 300]))
        total = values.pop("total")
        about = self.random.randrange(3)
        body = bills.note(
            objectId=NOTES[place],
            noteType=self.random.choice(["CREDIT", "CREDIT", "DEBIT"]),
            supplierCDNoteNumber=f"CN-{place}",
            itemLists=lines,
            cdNoteValueDetails=values | {"totalCDNoteValue": total},
            poDetails=[],
            precedingInvoiceDetails=[{"invoiceNumber": f"N-{about}"}],
        )
        if self.naming.random() < 0.6:
            body["cdNote"]["precedingInvoiceDetails"][0]["invoiceDate"] = bills.INVOICES[1][2]
        if row is not None:
            new = row["highest_version"] + 1
            body["cdNote"]["objectVersion"] = {"currentVersion": new, "newVersion": new}
            body["cdNote"]["cdNoteStatusTransition"]["currentStatus"] = row["status"]
        await self._submit("cd-note/req-send", body)

    async def _note_answer(self) -> None:
        row = await self._row(self.random.choice(NOTES))
        if row is None:
            return
        response, target = self.random.choice(
            [("ACCEPT", "ACCEPTED")] * 3 + [("REJECT", "REJECTED"), ("RETURN", "UNDER REVIEW")]
        )
        body = bills.note_confirmation(response, target)
        subject = body["cdNoteConfirmation"]
        self._about(subject, row, "supplierCDNoteNumber")
        subject["noteType"] = self.random.choice(["CREDIT", "CREDIT", "DEBIT"])
        subject["cdNoteStatusTransition"]["currentStatus"] = row["status"]
        await self._submit("cd-note/req-confirm", body)

    async def _left(self, object_id: str) -> int:
        account = ledger.account.c
        query = sa.select(ledger.account).where(
            account.object_id == object_id, account.name == "due"
        )
        rows = await self.trade.rows(query)
        if not rows:
            return 0
        return int(rows[0]["debit"] - rows[0]["credit"] - rows[0]["credit_pending"])

    async def _pay(self) -> None:
        known = [row for name in INVOICES if (row := await self._row(name)) is not None]
        payable = [row for row in known if row["status"] in DUE_AFTER] or known
        chosen = payable if self.random.random() < 0.8 else known
        rows = self.random.sample(chosen, min(len(chosen), self.random.choice([1, 1, 2])))
        if not rows:
            return
        shares = [await self._share(row) for row in rows]
        cash = sum(s["invoicePaymentAmount"]["netPaidAmount"] for s in shares)
        off = sum(s["invoicePaymentAmount"]["netAdjustmentAmount"] for s in shares)
        place = self.random.randrange(len(PAYMENTS))
        body = story_money.payment_of(
            shares,
            amount=_amount(cash, off),
            object_id=PAYMENTS[place],
            utr=f"UTR{place}",
            ts="2026-01-05T11:05:00+05:30",
        )
        await self._submit("payment/req-pay", body)

    async def _share(self, row: dict[str, Any]) -> Body:
        left = await self._left(row["object_id"])
        paise = self.random.choice([left, left // 2, left + 100, left + 101, 100_00])
        off = self.random.choice([0, 0, min(paise, 50_00)])
        splits = [{"name": "TDS", "value": money(off), "refNo": "194Q"}] if off else []
        share = deepcopy(story_money.payment(1)["payment"]["invoicesPayInfos"][0])
        self._about(share, row, "supplierInvoiceNumber")
        share["statusTransition"]["currentStatus"] = row["status"]
        share["invoicePaymentAmount"] = _amount(money(paise - off), money(off)) | {"splits": splits}
        return share

    async def _confirm(self) -> None:
        sent = [n for n in range(len(PAYMENTS)) if await self._row(PAYMENTS[n]) is not None]
        if not sent:
            return
        place = self.random.choice(sent)
        relation = tables.relation
        query = sa.select(relation).where(relation.c.object_id == PAYMENTS[place])
        named = await self.trade.rows(query)
        response = self.random.choice(["ACCEPT", "ACCEPT", "REJECT"])
        body = story_money.payment_confirmation(1, response=response)
        told = body["paymentConfirmation"]
        told["objectId"] = PAYMENTS[place]
        [pattern] = told["invoiceInfos"]
        told["invoiceInfos"] = []
        for one in named:
            invoice = await self._row(one["target_id"])
            info = deepcopy(pattern)
            assert invoice is not None
            self._about(info, invoice, "supplierInvoiceNumber")
            info["statusTransition"]["currentStatus"] = invoice["status"]
            told["invoiceInfos"].append(info)
        await self._guess(body)

    async def _guess(self, body: Body) -> None:
        """The supplier tries statuses until the network says which one the ledger gives."""
        infos = body["paymentConfirmation"]["invoiceInfos"]
        for info in infos:
            info["statusTransition"]["newStatus"] = self.random.choice(DUE_AFTER)
        outcome = await self.trade.submit("payment/req-pay-confirmation", body)
        if not isinstance(outcome, Accepted):
            for fault in outcome.faults:
                if fault.code == "DOC-WRONG-TARGET":
                    place = int(fault.path.split("[")[1].split("]")[0])
                    right = fault.detail.removeprefix("This leads to ").split(", not")[0]
                    infos[place]["statusTransition"]["newStatus"] = right
            await self._submit("payment/req-pay-confirmation", body)

    async def _deliver(self) -> None:
        decision = self.random.choice([Decision.SETTLED] * 5 + [Decision.DECLINED])
        await self.trade.deliver(decision)
        self.told.append(f"delivered, {decision.value}")

    async def _give_up(self) -> None:
        query = sa.select(tables.exchange).where(tables.exchange.c.state == "OPEN")
        opened = [r for r in await self.trade.rows(query) if r["effect"] == "PROPOSAL"]
        if not opened:
            return
        state = self.random.choice([State.ABANDONED, State.EXPIRED])
        ending = unanswered(self.random.choice(opened)["req_msg_id"], state)
        await self.trade.database.write(lambda tx: self.trade.road.settler.end(tx, [ending]))
        self.told.append(state.value)


def _amount(cash: Any, off: Any) -> Body:
    return {
        "netPaidAmount": Decimal(cash),
        "netAdjustmentAmount": Decimal(off),
        "totalAmount": Decimal(cash) + Decimal(off),
        "currency": "INR",
    }
