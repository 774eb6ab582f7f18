"""Plain documents for tests of the books: untaxed, of one line, each under the id of its digit."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story_money, story_supplies
from tests.documents.payments import figures
from tests.documents.supplies import note_of, small
from tests.trade import bills

Body = dict[str, Any]
SEND, CONFIRM = "invoice/req-send-invoice", "invoice/req-confirm-invoice"
NOTE, NOTE_CONFIRM = "cd-note/req-send", "cd-note/req-confirm"
PAY, PAY_CONFIRM = "payment/req-pay", "payment/req-pay-confirmation"
CHANGE = "invoice/req-status-change-invoice"
DAY = "2025-12-01"
_AT = "T10:00:00+05:30"


def id_of(kind: str, digit: int) -> str:
    """The network id that a digit makes: `INV111...`."""
    return kind + str(digit) * 32


def invoice(digit: int, total: str, *, day: str = DAY) -> Body:
    """Invoice A1, A2, ... of a day, on no order."""
    body = small(taxable=total, value=total, rate="0")
    body["invoice"] |= {
        "objectId": id_of("INV", digit),
        "supplierInvoiceNumber": f"A{digit}",
        "invoiceReferenceDetails": {"invoiceDate": day},
        "ts": day + _AT,
    }
    return body


def answer(digit: int, response: str = "ACCEPT", target: str = "ACCEPTED") -> Body:
    """The buyer's answer to invoice A1, A2, ..."""
    body = bills.invoice_confirmation(response, target)
    names = {"objectId": id_of("INV", digit), "supplierInvoiceNumber": f"A{digit}"}
    body["invoiceConfirmation"] |= names
    return body


def cancelled(digit: int) -> Body:
    """The supplier cancels invoice A1, A2, ... before it is answered."""
    return _changed(digit, bills.invoice_status("CANCEL", "SENT TO BUYER", "CANCELLED"))


def closed(digit: int, source: str = "ACCEPTED") -> Body:
    """The supplier closes invoice A1, A2, ... and waives what is due."""
    return _changed(digit, bills.invoice_status("CLOSE", source, "CLOSED"))


def _changed(digit: int, body: Body) -> Body:
    names = {"objectId": id_of("INV", digit), "supplierInvoiceNumber": f"A{digit}"}
    body["invoiceStatus"] |= names
    return body


def note(digit: int, total: str, *on: int, kind: str = "CREDIT") -> Body:
    """Note C1, C2, ... on invoices A1, A2, ... as they are told."""
    named = [{"invoiceNumber": f"A{one}", "invoiceDate": DAY} for one in on]
    about = {"objectId": id_of("CDN", digit), "supplierCDNoteNumber": f"C{digit}"}
    body = note_of(
        small(taxable=total, value=total, rate="0"),
        precedingInvoiceDetails=named,
        noteType=kind,
        **about,
    )
    body["cdNote"] |= {"eInvoiceInfo": {}, "ts": "2026-01-02" + _AT}
    return body


def note_answer(digit: int, *, kind: str = "CREDIT") -> Body:
    """The buyer accepts note C1, C2, ..."""
    body = story_supplies.note_confirmation("ACCEPT", target="ACCEPTED", remarks="Checked")
    about = {"objectId": id_of("CDN", digit), "supplierCDNoteNumber": f"C{digit}"}
    body["cdNoteConfirmation"] |= about | {"noteType": kind}
    return body


def paid(digit: int, cash: str, *, total: str, status: str = "ACCEPTED") -> Body:
    """Payment 1, 2, ... of invoice A1, in money alone."""
    amount = figures(cash, "0.00", cash)
    share = {
        "objectId": id_of("INV", 1),
        "supplierInvoiceNumber": "A1",
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "statusTransition": {"currentStatus": status, "newStatus": "PAYMENT INITIATED"},
        "invoiceAmount": {
            "dueAmount": Decimal(total), "totalAmount": Decimal(total), "currency": "INR",
        },
        "invoicePaymentAmount": amount | {"splits": []},
    }  # fmt: skip
    return story_money.payment_of(
        [share], amount=amount, object_id=id_of("PMT", digit), utr=f"U{digit}",
        ts="2026-01-05" + _AT,
    )  # fmt: skip


def paid_answer(digit: int, response: str, after: str) -> Body:
    """The supplier's answer to payment 1, 2, ... of invoice A1."""
    body = story_money.payment_confirmation(1, response=response, object_id=id_of("PMT", digit))
    body["paymentConfirmation"]["invoiceInfos"] = [
        {
            "objectId": id_of("INV", 1),
            "supplierInvoiceNumber": "A1",
            "objectVersion": {"currentVersion": 1, "newVersion": 1},
            "statusTransition": {"currentStatus": "PAYMENT INITIATED", "newStatus": after},
        }
    ]
    return body
