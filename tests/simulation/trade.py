"""Bodies of what two careless traders send each other, as small as the contract allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from hundi.simulator import story, story_money, story_supplies

Body = dict[str, Any]
BUYER, SUPPLIER = story.BUYER.b2b_id, story.SUPPLIER.b2b_id
CONFIRM = {"ACCEPT": "ACCEPTED", "REJECT": "REJECTED", "RETURN": "UNDER REVIEW"}
CHANGE = {"CANCEL": "CANCELLED", "CLOSE": "CLOSED"}
PRICE = 100


@dataclass(frozen=True, slots=True)
class Belief:
    """What a trader believes of a document; `agreed` is the last accepted version, if any."""

    object_id: str
    version: int
    status: str
    agreed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A message that somebody is about to send.

    `about` are the documents that it names by the JSON path where it does: who is told that he has
    missed something there knows about which one.
    """

    side: str
    path: str
    body: Body
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The message as it goes on the wire."""
        return story.dumps(self.body)


def sums(quantity: int, total: str) -> tuple[list[Body], Body]:
    """One line of so many pieces at 100.00 with 5 % tax, and the document's values."""
    taxable = Decimal(quantity * PRICE)
    tax = taxable * 5 / 100
    line = {
        "serialno": "1", "productDescription": "Yarn", "hsnCode": "52052410",
        "quantity": Decimal(quantity), "unit": "KGS", "unitPrice": Decimal(PRICE),
        "totalAmt": taxable, "assessmentAmount": taxable, "gstRate": Decimal(5),
        "totalItemValue": taxable + tax, "orderLineReference": "1",
        "itemValueDetails": [{"type": "IGST", "value": tax}],
    }  # fmt: skip
    values = {"assessmentValue": taxable, "valueInfos": [{"type": "IGST", "value": tax}]}
    return [line], values | {total: taxable + tax}


def _versions(current: int, new: int) -> Body:
    return {"currentVersion": current, "newVersion": new}


def order(object_id: str, *, versions: tuple[int, int], status: str, quantity: int) -> Request:
    """`req-send` from CREATED, else `req-edit`."""
    body = story.order(1, object_id=object_id, number=f"PO-{object_id}", current_status=status)
    lines, values = sums(quantity, "totalPOValue")
    body["purchaseOrder"] |= {
        "objectVersion": _versions(*versions),
        "itemLists": lines,
        "poValueDetails": values,
    }
    name = "req-send" if status == "CREATED" else "req-edit"
    about = {"purchaseOrder": object_id}
    return Request(side="buyer", path=f"purchase-order/{name}", body=body, about=about)


def order_answer(held: Belief, action: str) -> Request:
    """`req-confirm` from what the supplier believes."""
    target = CONFIRM[action]
    if action == "REJECT" and held.agreed is not None:
        target = "ACCEPTED"
    body = story.confirmation(
        action, version=held.version, target=target, remarks="As you like it",
        object_id=held.object_id, number=f"PO-{held.object_id}",
    )  # fmt: skip
    body["poConfirmation"]["poStatusTransition"]["currentStatus"] = held.status
    about = {"poConfirmation": held.object_id}
    return Request(side="supplier", path="purchase-order/req-confirm", body=body, about=about)


def order_change(held: Belief, action: str) -> Request:
    """`req-status-change` from what the buyer believes."""
    body = story.status_change(
        action, version=held.version, source=held.status, target=CHANGE[action],
        remarks="So it goes", object_id=held.object_id, number=f"PO-{held.object_id}",
    )  # fmt: skip
    about = {"poStatus": held.object_id}
    return Request(side="buyer", path="purchase-order/req-status-change", body=body, about=about)


def invoice(
    held: Belief, number: str, *, new: int, orders: Sequence[str], quantity: int, paid: int
) -> Request:
    """`req-send-invoice` from CREATED, else `req-edit-invoice`; `paid` is an advance in rupees."""
    body = story_supplies.invoice(
        1, object_id=held.object_id, number=number, versions=(held.version, new),
        current_status=held.status, irn="",
    )  # fmt: skip
    lines, values = sums(quantity, "totalInvoiceValue")
    body["invoice"] |= {
        "itemLists": lines,
        "valueDetails": values,
        "poDetails": [{"objectId": one, "buyerPONumber": f"PO-{one}"} for one in orders],
        "advancePaymentDetails": {"paidAmount": Decimal(paid)} if paid else {},
    }
    name = "req-send-invoice" if held.status == "CREATED" else "req-edit-invoice"
    about = {"invoice": held.object_id}
    return Request(side="supplier", path=f"invoice/{name}", body=body, about=about)


def _named(subject: Body, held: Belief, *, number: str, name: str, transition: str) -> Body:
    subject |= {
        "objectId": held.object_id,
        number: name,
        "objectVersion": _versions(held.version, held.version),
    }
    subject[transition] = subject[transition] | {"currentStatus": held.status}
    return subject


def invoice_answer(held: Belief, number: str, action: str) -> Request:
    """`req-confirm-invoice` from what the buyer believes."""
    body = story_supplies.invoice_confirmation(action, target=CONFIRM[action], remarks="Seen")
    _named(body["invoiceConfirmation"], held, number="supplierInvoiceNumber", name=number,
           transition="statusTransition")  # fmt: skip
    about = {"invoiceConfirmation": held.object_id}
    return Request(side="buyer", path="invoice/req-confirm-invoice", body=body, about=about)


def invoice_change(held: Belief, number: str, action: str) -> Request:
    """`req-status-change-invoice` from what the supplier believes."""
    body = story_supplies.invoice_status_change(
        action, source=held.status, target=CHANGE[action], remarks="So it goes"
    )
    _named(body["invoiceStatus"], held, number="supplierInvoiceNumber", name=number,
           transition="statusTransition")  # fmt: skip
    about = {"invoiceStatus": held.object_id}
    return Request(
        side="supplier", path="invoice/req-status-change-invoice", body=body, about=about
    )


def note(held: Belief, number: str, *, kind: str, on: str, quantity: int) -> Request:
    """`cd-note/req-send` about an invoice that is named by its number."""
    body = story_supplies.credit_note(object_id=held.object_id, number=number)
    lines, values = sums(quantity, "totalCDNoteValue")
    preceding = {"invoiceNumber": on, "invoiceDate": story_supplies.INVOICES[1].day}
    body["cdNote"] |= {
        "noteType": kind,
        "objectVersion": _versions(held.version, held.version),
        "itemLists": lines,
        "cdNoteValueDetails": values,
        "precedingInvoiceDetails": [preceding],
        "eInvoiceInfo": {},
    }
    about = {"cdNote": held.object_id}
    return Request(side="supplier", path="cd-note/req-send", body=body, about=about)


def note_answer(held: Belief, number: str, *, kind: str, action: str) -> Request:
    """`cd-note/req-confirm` from what the buyer believes."""
    body = story_supplies.note_confirmation(action, target=CONFIRM[action], remarks="Seen")
    subject = _named(body["cdNoteConfirmation"], held, number="supplierCDNoteNumber", name=number,
                     transition="cdNoteStatusTransition")  # fmt: skip
    subject["noteType"] = kind
    about = {"cdNoteConfirmation": held.object_id}
    return Request(side="buyer", path="cd-note/req-confirm", body=body, about=about)


def note_change(held: Belief, number: str, *, kind: str, action: str) -> Request:
    """`cd-note/req-status-change` from what the supplier believes."""
    body = story_supplies.note_status_change(
        action, source=held.status, target=CHANGE[action], remarks="So it goes"
    )
    subject = _named(body["cdNoteStatus"], held, number="supplierCDNoteNumber", name=number,
                     transition="cdNoteStatusTransition")  # fmt: skip
    subject["noteType"] = kind
    about = {"cdNoteStatus": held.object_id}
    return Request(side="supplier", path="cd-note/req-status-change", body=body, about=about)


@dataclass(frozen=True, slots=True)
class Share:
    """What a payment brings one invoice, in paise; `off` is the part that is deducted."""

    held: Belief
    number: str
    paise: int
    off: int


def payment(object_id: str, shares: Sequence[Share]) -> Request:
    """`req-pay` from what the buyer believes of the invoices."""
    cash = sum(one.paise - one.off for one in shares)
    off = sum(one.off for one in shares)
    body = story_money.payment_of(
        [_share(one) for one in shares],
        amount=_amount(cash, off),
        object_id=object_id,
        utr=f"UTR{object_id}"[:22],
        ts="2026-01-05T11:05:00+05:30",
    )
    about = {
        f"payment.invoicesPayInfos[{n}]": one.held.object_id for n, one in enumerate(shares)
    } | {"payment": object_id}
    return Request(side="buyer", path="payment/req-pay", body=body, about=about)


def _share(share: Share) -> Body:
    splits = [{"name": "TDS", "value": _rupees(share.off), "refNo": "194Q"}] if share.off else []
    return _invoice_info(share.held, share.number, "PAYMENT INITIATED") | {
        "invoiceAmount": {
            "dueAmount": _rupees(share.paise), "totalAmount": _rupees(share.paise),
            "currency": "INR",
        },
        "invoicePaymentAmount": _amount(share.paise - share.off, share.off) | {"splits": splits},
        "supplierBankAccountDetails": story_money.OF_SUPPLIER,
    }  # fmt: skip


def _invoice_info(held: Belief, number: str, target: str) -> Body:
    return {
        "objectId": held.object_id,
        "supplierInvoiceNumber": number,
        "objectVersion": _versions(held.version, held.version),
        "statusTransition": {"currentStatus": held.status, "newStatus": target},
    }


def payment_answer(
    object_id: str, invoices: Sequence[tuple[Belief, str, str]], action: str
) -> Request:
    """`req-pay-confirmation`: of each invoice what is believed, its number, and what it becomes."""
    body = story_money.payment_confirmation(1, response=action, object_id=object_id)
    body["paymentConfirmation"]["invoiceInfos"] = [_invoice_info(*one) for one in invoices]
    about = {
        f"paymentConfirmation.invoiceInfos[{n}]": held.object_id
        for n, (held, _, _) in enumerate(invoices)
    } | {"paymentConfirmation": object_id}
    return Request(side="supplier", path="payment/req-pay-confirmation", body=body, about=about)


def _rupees(paise: int) -> Decimal:
    return Decimal(paise).scaleb(-2)


def _amount(cash: int, off: int) -> Body:
    return {
        "netPaidAmount": _rupees(cash),
        "netAdjustmentAmount": _rupees(off),
        "totalAmount": _rupees(cash + off),
        "currency": "INR",
    }


def muddled(held: Belief, random: Random) -> Belief:
    """What somebody believes who has mixed up his papers."""
    statuses = ("CREATED", "UNDER REVIEW", "ACCEPTED", "REJECTED", "CLOSED")
    return Belief(
        held.object_id,
        random.choice((1, 2, 3, held.version)),
        random.choice(statuses),
        held.agreed,
    )
