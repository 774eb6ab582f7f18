"""The six messages of a whole trade, as bytes of whole HTTP requests.

The goods and figures are the trade story's: an order of three lines as it was accepted at last, its
first invoice, and one payment of all that is due, part of it as tax deducted at source. Each trade
has a number; ids, order, invoice and transfer numbers are made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.orders import Request, request
from hundi.simulator import story, story_money, story_supplies

Body = dict[str, Any]

_DIGITS = 9
_MARK = "#" * _DIGITS
_ZEROS = "0" * (32 - _DIGITS)
ORDER, INVOICE, PAYMENT = (f"{kind}{_ZEROS}{_MARK}" for kind in ("PUR", "INV", "PMT"))
ORDER_NUMBER, INVOICE_NUMBER = f"ILT/PO/{_MARK}", f"MYM/{_MARK}"
ORDER_DATE = "2025-11-03"
TOTAL = "717007.00"
_CASH, _DEDUCTED = "716765.00", "242.00"
_FIRST = {"currentVersion": 1, "newVersion": 1}
_INVOICE_NAMES = {"objectId": INVOICE, "supplierInvoiceNumber": INVOICE_NUMBER}
_OBJECT = b'"objectId":"'


def invoice_id(number: int) -> str:
    """The objectId of a trade's invoice."""
    return INVOICE.replace(_MARK, f"{number:0{_DIGITS}d}")


def number_in(body: bytes) -> int:
    """The trade that a webhook is about: the end of the first objectId in its body."""
    at = body.index(_OBJECT) + len(_OBJECT) + 35
    return int(body[at - _DIGITS : at])


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a trade: who sends it, where, and its body with marks for the number."""

    sender: str
    path: str
    body: Body

    @property
    def inform(self) -> bytes:
        """The path under its sender's endpoint at which it is told how the exchange ended."""
        return f"/{self.sender}/{self.path.replace('/req-', '/resp-')}".encode()

    def request(self, tokens: Mapping[str, str]) -> Request:
        """The whole HTTP request, the number left out."""
        body = story.dumps(self.body)
        return request(f"/{self.path}", body, token=tokens[self.sender], mark=_MARK)


def agreed_order() -> Body:
    """`req-send` of an order."""
    body = story.order(2, object_id=ORDER, number=ORDER_NUMBER)
    body["purchaseOrder"]["objectVersion"] = _FIRST
    return body


def order_accepted() -> Body:
    """`req-confirm`: the supplier takes the order."""
    return story.confirmation(
        "ACCEPT",
        version=1,
        target="ACCEPTED",
        remarks="Agreed",
        object_id=ORDER,
        number=ORDER_NUMBER,
    )


def invoice_on_order() -> Body:
    """`req-send-invoice`: a part of the order is billed."""
    body = story_supplies.invoice(1, object_id=INVOICE, number=INVOICE_NUMBER)
    order = {"objectId": ORDER, "buyerPONumber": ORDER_NUMBER, "orderDate": ORDER_DATE}
    body["invoice"]["poDetails"] = [order]
    return body


def invoice_accepted() -> Body:
    """`req-confirm-invoice`: the buyer owes it from now on."""
    body = story_supplies.invoice_confirmation("ACCEPT", target="ACCEPTED", remarks="Checked")
    body["invoiceConfirmation"] |= _INVOICE_NAMES
    return body


def paid() -> Body:
    """`req-pay`: all that is due, in cash but for a deduction."""
    body = story_money.payment(1, object_id=PAYMENT)
    payment = body["payment"]
    [share] = payment["invoicesPayInfos"]
    splits = share["invoicePaymentAmount"]["splits"]
    amount = {
        "netPaidAmount": Decimal(_CASH),
        "netAdjustmentAmount": Decimal(_DEDUCTED),
        "totalAmount": Decimal(TOTAL),
        "currency": "INR",
    }
    due = {"dueAmount": Decimal(TOTAL), "totalAmount": Decimal(TOTAL), "currency": "INR"}
    share |= _INVOICE_NAMES | {"invoiceAmount": due}
    share["invoicePaymentAmount"] = amount | {"splits": splits}
    payment |= {"utr": f"FICTR5{_MARK}", "paymentAmount": amount}
    return body


def payment_accepted() -> Body:
    """`req-pay-confirmation`: the money has come, and the invoice is PAID."""
    body = story_money.payment_confirmation(1, after="PAID", object_id=PAYMENT)
    [info] = body["paymentConfirmation"]["invoiceInfos"]
    info |= _INVOICE_NAMES
    return body


STEPS = (
    Step("buyer", "api/v0/purchase-order/req-send", agreed_order()),
    Step("supplier", "api/v0/purchase-order/req-confirm", order_accepted()),
    Step("supplier", "api/v0/invoice/req-send-invoice", invoice_on_order()),
    Step("buyer", "api/v0/invoice/req-confirm-invoice", invoice_accepted()),
    Step("buyer", "api/v0/payment/req-pay", paid()),
    Step("supplier", "api/v0/payment/req-pay-confirmation", payment_accepted()),
)
"""A whole trade, in order."""
