"""Payments to bend, and the invoices that they pay as the network has them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hundi.documents.supply_shapes import SupplierBankAccount
from hundi.exchange.views import DocumentView, Party
from hundi.ledger.model import Balance
from hundi.simulator import story, story_money
from tests.documents.bodies import Body

Books = dict[str, list[int]]
"""Accounts of an invoice: debit, credit, debit reserved, credit reserved, in paise."""

TODAY = date(2026, 1, 31)
PARTIES = {
    one.b2b_id: Party(one.b2b_id, one.b2b_id, one.name, one.pan, (one.gstin,))
    for one in (story.BUYER, story.SUPPLIER)
}


def bend(body: Body, **changes: object) -> Body:
    """A copy with members changed: `payment__utr="U1"`; None removes."""
    copy = deepcopy(body)
    for path, value in changes.items():
        *way, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        place: Any = copy
        for step in way:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return copy


def figures(cash: str, adjustment: str, total: str) -> Body:
    """Money, adjustment and their sum, as a payment and its shares state them."""
    return {
        "netPaidAmount": Decimal(cash),
        "netAdjustmentAmount": Decimal(adjustment),
        "totalAmount": Decimal(total),
        "currency": "INR",
    }


def split(name: str, value: str, reference: str = "") -> Body:
    """One split; without a reference it has none, as accounting packages send it."""
    return {"name": name, "value": Decimal(value), "refNo": reference}


def share(number: int, *, cash: str, splits: Sequence[Body] = (), due: str | None = None) -> Body:
    """The share of a story's payment, with other money; its sums are right."""
    [told] = story_money.payment(number)["payment"]["invoicesPayInfos"]
    adjusted = sum((one["value"] for one in splits), Decimal("0.00"))
    amount = figures(cash, str(adjusted), str(Decimal(cash) + adjusted))
    stated = told["invoiceAmount"] | ({} if due is None else {"dueAmount": Decimal(due)})
    return told | {
        "invoicePaymentAmount": amount | {"splits": list(splits)},
        "invoiceAmount": stated,
    }


def pay(*shares: Body, number: int = 1) -> Body:
    """A payment of some shares with the story's other members; its sums are right."""
    amounts = [one["invoicePaymentAmount"] for one in shares]
    made = {
        name: sum((one[name] for one in amounts), Decimal("0.00"))
        for name in ("netPaidAmount", "netAdjustmentAmount", "totalAmount")
    }
    told = story_money.PAYMENTS[number]
    return story_money.payment_of(
        shares,
        amount=made | {"currency": "INR"},
        object_id=told.object_id,
        utr=told.utr,
        ts=told.ts,
    )


def books(
    total: int, *, notes: int = 0, paid: int = 0, reserved: int = 0, financed: int = 0
) -> Books:
    """What the ledger holds of an accepted invoice."""
    found = {
        "due": [total, notes + paid, 0, reserved],
        "billed": [0, total, 0, 0],
        "notes": [notes, 0, 0, 0],
        "cash": [paid, 0, reserved, 0],
        "paying": [paid, 0, reserved, 0],
        "payments": [0, paid, 0, reserved],
        "financed": [financed, 0, 0, 0],
        "financings": [0, financed, 0, 0],
    }
    return {name: figures for name, figures in found.items() if any(figures)}


def view_of(told: Mapping[str, Any], ref: str) -> DocumentView:
    """An invoice that a message holds, as rules see it."""
    account = told.get("suppliersAccount")
    details = None if account is None else SupplierBankAccount(**account)
    body = SimpleNamespace(
        invoice=SimpleNamespace(supplierBankAccountDetails=details),
        b2bIds=SimpleNamespace(
            buyerB2BId=story.BUYER.b2b_id,
            supplierB2BId=told.get("supplierB2BId", story.SUPPLIER.b2b_id),
        ),
    )
    return DocumentView(
        ref=ref,
        object_id=told["objectId"],
        status=told["status"],
        version=1,
        agreed_version=1,
        number=told["number"],
        balances={
            name: Balance(debit=d, credit=c, debit_pending=dp, credit_pending=cp)
            for name, (d, c, dp, cp) in told["balances"].items()
        },
        body=None if account is None and "supplierB2BId" not in told else body,
    )


def held(invoice: str, status: str, balances: Books, **more: object) -> dict[str, Any]:
    """An invoice of the story as an example tells it."""
    return {
        "objectId": invoice,
        "status": status,
        "number": story_money.NUMBERS[invoice],
        "balances": balances,
        **more,
    }


ONE, TWO = story_money.INVOICE_1, story_money.INVOICE_2
AFTER_NOTE = held(ONE, "ACCEPTED", books(71700700, notes=1415900))
"""Invoice 1 before payment 1."""
AFTER_PAYMENT_1 = held(ONE, "PARTIALLY PAID", books(71700700, notes=1415900, paid=40024200))
PAYING_1 = held(ONE, "PAYMENT INITIATED", books(71700700, notes=1415900, reserved=40024200))
"""Invoice 1 while payment 1 waits for its confirmation."""
SECOND = held(TWO, "ACCEPTED", books(73750200))
ASSIGNED = held(
    TWO,
    "ACCEPTED",
    books(73750200, financed=1),
    suppliersAccount={"maskedAccountNumber": "XXXXXXXX3301", "ifsc": "FICT0000033"},
)
"""Invoice 2 after its assignment to lender A."""
