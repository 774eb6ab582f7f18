"""The money of the trade story: three payments, their confirmations, to the paisa.

The numbers are those of `tests/data/trade_story.json`, and a test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hundi.simulator.story import Body, message
from hundi.simulator.story_supplies import BANK_ACCOUNT, CREDIT_NOTE, INVOICES

INVOICE_1, INVOICE_2 = INVOICES[1].object_id, INVOICES[2].object_id
NUMBERS = {supply.object_id: supply.number for supply in INVOICES.values()}
TOTALS = {supply.object_id: supply.total for supply in INVOICES.values()}

OF_SUPPLIER: Body = BANK_ACCOUNT
OF_LENDER: Body = {
    "maskedAccountNumber": "XXXXXXXX0701",
    "ifsc": "FICT0000027",
    "beneficiaryName": "Fictional Factors Limited",
}


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of the story: one invoice, cash and one split."""

    object_id: str
    utr: str
    ts: str
    invoice: str
    due: str
    cash: str
    split: tuple[str, str, str]
    total: str
    account: Body
    before: str
    after: str


PAYMENTS = {
    1: Paid(
        object_id="PMTFBEAE7C18667B6987518F3AE61ED8B19",
        utr="FICTR52025121900000001",
        ts="2025-12-19T11:05:00+05:30",
        invoice=INVOICE_1,
        due="702848.00",
        cash="400000.00",
        split=("TDS", "242.00", "194Q"),
        total="400242.00",
        account=OF_SUPPLIER,
        before="ACCEPTED",
        after="PARTIALLY PAID",
    ),
    2: Paid(
        object_id="PMTACBBB742C7524CECDEC7557D60E4A19A",
        utr="FICTR52026010500000002",
        ts="2026-01-05T11:05:00+05:30",
        invoice=INVOICE_1,
        due="302606.00",
        cash="302606.00",
        split=("CREDIT NOTE", "14159.00", CREDIT_NOTE.number),
        total="316765.00",
        account=OF_SUPPLIER,
        before="PARTIALLY PAID",
        after="PAID",
    ),
    3: Paid(
        object_id="PMT9F9853B3F13444197BD1C8EEDB085B4C",
        utr="FICTR52026012300000003",
        ts="2026-01-23T11:05:00+05:30",
        invoice=INVOICE_2,
        due="737502.00",
        cash="736813.00",
        split=("TDS", "689.00", "194Q"),
        total="737502.00",
        account=OF_LENDER,
        before="ACCEPTED",
        after="PAID",
    ),
}


def payment(number: int, *, object_id: str | None = None) -> Body:
    """Body of `req-pay` for payment 1, 2 or 3 of the story."""
    told = PAYMENTS[number]
    name, value, reference = told.split
    amount = _amount(told.cash, value, told.total)
    share = {
        "objectId": told.invoice,
        "supplierInvoiceNumber": NUMBERS[told.invoice],
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "statusTransition": {"currentStatus": told.before, "newStatus": "PAYMENT INITIATED"},
        "invoiceAmount": {
            "dueAmount": Decimal(told.due),
            "totalAmount": Decimal(TOTALS[told.invoice]),
            "currency": "INR",
        },
        "invoicePaymentAmount": amount
        | {"splits": [{"name": name, "value": Decimal(value), "refNo": reference}]},
        "supplierBankAccountDetails": told.account,
    }
    return payment_of(
        [share],
        amount=amount,
        object_id=object_id or told.object_id,
        utr=told.utr,
        ts=told.ts,
    )


def payment_of(shares: Sequence[Body], *, amount: Body, object_id: str, utr: str, ts: str) -> Body:
    """Body of `req-pay` for any shares; the money moved outside the platform."""
    subject = {
        "objectId": object_id,
        "ts": ts,
        "type": "OFFPLATFORM",
        "mode": "ACCOUNT TRANSFER",
        "utr": utr,
        "currency": "INR",
        "paymentAmount": amount,
        "invoicesPayInfos": list(shares),
    }
    return message("payment", subject)


def payment_confirmation(
    number: int,
    *,
    response: str = "ACCEPT",
    after: str | None = None,
    object_id: str | None = None,
) -> Body:
    """Body of `req-pay-confirmation` for payment 1, 2 or 3: the money has come, the same day."""
    told = PAYMENTS[number]
    info = {
        "objectId": told.invoice,
        "supplierInvoiceNumber": NUMBERS[told.invoice],
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "statusTransition": {
            "currentStatus": "PAYMENT INITIATED",
            "newStatus": after or told.after,
        },
    }
    subject = {
        "objectId": object_id or told.object_id,
        "ts": told.ts.replace("T11:05", "T16:40"),
        "type": "OFFPLATFORM",
        "supplierResponse": response,
        "supplierRemarks": "Credit received" if response == "ACCEPT" else "No credit received",
        "invoiceInfos": [info],
    }
    return message("paymentConfirmation", subject)


def _amount(cash: str, adjustment: str, total: str) -> Body:
    return {
        "netPaidAmount": Decimal(cash),
        "netAdjustmentAmount": Decimal(adjustment),
        "totalAmount": Decimal(total),
        "currency": "INR",
    }
