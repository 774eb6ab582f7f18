"""Payments of the story, its rows o to s, and what else buyers report."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story_money, story_supplies
from tests.documents.bodies import Body
from tests.documents.payment_cases import Case, in_share, of
from tests.documents.payments import (
    AFTER_NOTE,
    AFTER_PAYMENT_1,
    ASSIGNED,
    ONE,
    PAYING_1,
    SECOND,
    bend,
    books,
    held,
    pay,
    share,
    split,
)

TDS = split("TDS", "242.00", "194Q")
NOTE = split("CREDIT NOTE", "14159.00", story_supplies.CREDIT_NOTE.number)
_SHARE = "payment__invoicesPayInfos__0__"
_AMOUNT = f"{_SHARE}invoicePaymentAmount__"
BOOKS_1 = ("0: split:TDS > due 24200", "0: cash > due 40000000", "0: paying > payments 40024200")
BOOKS_2 = ("0: cash > due 30260600", "0: paying > payments 30260600")


def second(cash: str, *splits: Body, **more: Any) -> Body:
    """Payment 2 with other money."""
    return pay(share(2, cash=cash, splits=splits, **more), number=2)


_STORY = (
    Case(
        name="story-payment-1", why="A part of invoice 1, tax deducted.",
        body=story_money.payment(1), invoices=[AFTER_NOTE], books=BOOKS_1,
    ),
    Case(
        name="story-payment-2", why="The rest; the note is a pointer and settles nothing again.",
        body=story_money.payment(2), invoices=[AFTER_PAYMENT_1], books=BOOKS_2,
    ),
    Case(
        name="story-payment-3", why="Invoice 2, to the lender's account.",
        body=story_money.payment(3), invoices=[ASSIGNED],
        books=("0: split:TDS > due 68900", "0: cash > due 73681300",
               "0: paying > payments 73750200"),
    ),
    Case(
        name="payment-2-without-the-pointer", why="The same end: due 0.00.",
        body=second("302606.00"), invoices=[AFTER_PAYMENT_1],
        books=("0: cash > due 30260600", "0: paying > payments 30260600"),
    ),
    Case(
        name="payment-2-due-before-the-note", why="316765.00 is the due before the note.",
        body=second("302606.00", NOTE, due="316765.00"), invoices=[AFTER_PAYMENT_1], books=BOOKS_2,
    ),
    Case(
        name="payment-2-due-before-the-note-not-pointed-to", invoices=[AFTER_PAYMENT_1],
        why="The buyer's books have not booked the note yet.",
        body=second("302606.00", due="316765.00"),
        books=("0: cash > due 30260600", "0: paying > payments 30260600"),
    ),
    Case(
        name="row-o-split-off", why="Row o: the split of 242.00 is 241.60: exact rule.",
        body=bend(story_money.payment(1), **{f"{_AMOUNT}splits__0__value": Decimal("241.60")}),
        invoices=[AFTER_NOTE], findings=in_share("invoicePaymentAmount.splits", "PAY-SUM-SPLITS"),
    ),
    Case(
        name="row-p-one-rupee-over", why="Row p: 1.00 over what is due goes to rounding.",
        body=second("302607.00", NOTE), invoices=[AFTER_PAYMENT_1],
        books=("0: cash > due 30260600", "0: cash > rounding 100",
               "0: paying > payments 30260700"),
    ),
    Case(
        name="row-q-more-than-one-rupee-over", why="Row q: 1.01 over what is due.",
        body=second("302607.01", NOTE), invoices=[AFTER_PAYMENT_1],
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-OVER-DUE"),
    ),
    Case(
        name="row-r-round-off", why="Row r: 0.60 is left unpaid and said to be rounding.",
        body=second("302605.40", NOTE, split("ROUND OFF", "0.60")), invoices=[AFTER_PAYMENT_1],
        books=("0: split:ROUND OFF > due 60", "0: cash > due 30260540",
               "0: paying > payments 30260600"),
    ),
    Case(
        name="row-s-to-the-supplier", why="Row s: money went past the lender; it is not un-sent.",
        body=bend(story_money.payment(3),
                  **{f"{_SHARE}supplierBankAccountDetails": story_money.OF_SUPPLIER}),
        invoices=[ASSIGNED], findings=in_share("supplierBankAccountDetails", "PAY-PAYEE"),
        books=("0: split:TDS > due 68900", "0: cash > due 73681300",
               "0: paying > payments 73750200"),
    ),
    Case(
        name="row-s-by-the-account-number", why="The account is the invoice's, under another name.",
        body=bend(story_money.payment(3),
                  **{f"{_SHARE}supplierBankAccountDetails":
                     story_money.OF_SUPPLIER | {"beneficiaryName": "M U Yarn"}}),
        invoices=[ASSIGNED], findings=in_share("supplierBankAccountDetails", "PAY-PAYEE"),
        books=("0: split:TDS > due 68900", "0: cash > due 73681300",
               "0: paying > payments 73750200"),
    ),
    Case(
        name="assigned-and-no-account-told", why="Nothing is known of where the money went.",
        body=bend(story_money.payment(3), **{f"{_SHARE}supplierBankAccountDetails": None}),
        invoices=[ASSIGNED],
        books=("0: split:TDS > due 68900", "0: cash > due 73681300",
               "0: paying > payments 73750200"),
    ),
)  # fmt: skip


def _off(place: str, figure: str, value: str) -> Body:
    return bend(story_money.payment(1), **{f"{place}{figure}": Decimal(value)})


_P = "payment__paymentAmount__"
_SUMS = (
    Case(
        name="payment-total-off-by-a-paisa", why="No tolerance.", invoices=[AFTER_NOTE],
        body=_off(_P, "totalAmount", "400242.01"),
        findings=of("paymentAmount.totalAmount", "PAY-SUM-TOTAL", "PAY-SUM-SHARES"),
    ),
    Case(
        name="payment-cash-off-by-a-paisa", why="No tolerance.", invoices=[AFTER_NOTE],
        body=_off(_P, "netPaidAmount", "399999.99"),
        findings=of("paymentAmount.totalAmount", "PAY-SUM-TOTAL")
        + of("paymentAmount.netPaidAmount", "PAY-SUM-SHARES"),
    ),
    Case(
        name="share-total-off-by-a-paisa", why="No tolerance.", invoices=[AFTER_NOTE],
        body=_off(_AMOUNT, "totalAmount", "400241.99"),
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-SUM-TOTAL")
        + of("paymentAmount.totalAmount", "PAY-SUM-SHARES"),
    ),
    Case(
        name="adjustment-without-splits", why="Nobody could book it.", invoices=[AFTER_NOTE],
        body=bend(story_money.payment(1), **{f"{_AMOUNT}splits": None}),
        findings=in_share("invoicePaymentAmount.splits", "PAY-SUM-SPLITS"),
    ),
    Case(
        name="splits-without-adjustment", why="The splits are the adjustment.",
        body=bend(pay(share(1, cash="400000.00")), **{f"{_AMOUNT}splits": [TDS]}),
        invoices=[AFTER_NOTE], findings=in_share("invoicePaymentAmount.splits", "PAY-SUM-SPLITS"),
    ),
    Case(
        name="share-of-nothing", why="A share settles something.", invoices=[AFTER_NOTE, SECOND],
        body=pay(share(1, cash="400000.00"), share(3, cash="0.00")),
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-NOTHING-PAID", place=1),
    ),
    Case(
        name="invoice-twice", why="One share for each invoice.", invoices=[AFTER_NOTE, AFTER_NOTE],
        body=pay(share(1, cash="100.00"), share(1, cash="200.00")),
        findings=in_share("objectId", "PAY-INVOICE-TWICE")
        + in_share("objectId", "PAY-INVOICE-TWICE", place=1),
    ),
    Case(
        name="two-invoices", why="One transfer, two invoices.", invoices=[AFTER_NOTE, SECOND],
        body=pay(share(1, cash="702606.00", splits=[TDS]), share(3, cash="300000.00")),
        books=("0: split:TDS > due 24200", "0: cash > due 70260600",
               "0: paying > payments 70284800", "1: cash > due 30000000",
               "1: paying > payments 30000000"),
    ),
    Case(
        name="two-invoices-one-over", why="All or none.", invoices=[AFTER_NOTE, SECOND],
        body=pay(share(1, cash="702848.00"), share(3, cash="737503.01")),
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-OVER-DUE", place=1),
    ),
)  # fmt: skip

_SPLITS = (
    Case(
        name="every-kind-of-split", why="Each kind has an account of its own; same names together.",
        body=pay(share(1, cash="690000.00", splits=[
            split("TDS", "242.00", "194Q"), split("gst-tds", "1348.00", "51"),
            split("DISCOUNT", "1000.00"), split("Retention", "10000.00"),
            split("DEBIT NOTE", "158.00", "DN-7"), split("discount", "100.00"),
        ])),
        invoices=[AFTER_NOTE],
        books=("0: split:TDS > due 24200", "0: split:GST-TDS > due 134800",
               "0: split:DISCOUNT > due 110000", "0: split:RETENTION > due 1000000",
               "0: split:DEBIT NOTE > due 15800", "0: cash > due 69000000",
               "0: paying > payments 70284800"),
    ),
    Case(
        name="credit-note-without-number", why="A note counts at its acceptance, never here.",
        body=second("302606.00", split("CREDIT NOTE", "14159.00")), invoices=[AFTER_PAYMENT_1],
        findings=in_share("invoicePaymentAmount.splits[0].refNo", "PAY-NOTE-WITHOUT-NUMBER"),
        books=BOOKS_2,
    ),
    Case(
        name="credit-note-in-other-letters", why="Systems write the name in many ways.",
        body=second("302606.00", split("Credit_Note", "14159.00", story_supplies.CREDIT_NOTE.number)),
        invoices=[AFTER_PAYMENT_1], books=BOOKS_2,
    ),
    Case(
        name="pointer-alone", why="No money: only why less is owed. The note has done its work.",
        body=second("0.00", NOTE), invoices=[AFTER_PAYMENT_1],
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-NOTHING-PAID"), books=(),
    ),
    Case(
        name="deduction-over-what-is-due", why="The rounding is of the deduction.",
        body=second("0.00", split("DISCOUNT", "302606.40")), invoices=[AFTER_PAYMENT_1],
        books=("0: split:DISCOUNT > due 30260600", "0: split:DISCOUNT > rounding 40",
               "0: paying > payments 30260640"),
    ),
)  # fmt: skip

_INVOICES = (
    Case(
        name="parallel-part", why="Another part while payment 1 waits; what is left is told.",
        body=second("302606.00", due="302606.00"), invoices=[PAYING_1],
        books=("0: cash > due 30260600", "0: paying > payments 30260600"),
    ),
    Case(
        name="parallel-part-due-before-the-first", why="The buyer's due waits for confirmations.",
        body=second("100.00", due="702848.00"), invoices=[PAYING_1],
        books=("0: cash > due 10000", "0: paying > payments 10000"),
    ),
    Case(
        name="parallel-part-too-large", why="Reserved is not free.", invoices=[PAYING_1],
        body=second("302607.01", due="702848.00"),
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-OVER-DUE"),
    ),
    Case(
        name="a-rupee-on-nothing", why="Rounding belongs to a due: all of it is reserved already.",
        body=second("1.00", due="0.00"),
        invoices=[held(ONE, "PAYMENT INITIATED", books(71700700, reserved=71700700))],
        findings=in_share("invoicePaymentAmount.totalAmount", "PAY-OVER-DUE"),
    ),
    Case(
        name="stated-due-of-another-day", why="Told with both numbers, and taken.",
        body=second("100.00", due="302600.00"), invoices=[AFTER_PAYMENT_1],
        findings=in_share("invoiceAmount.dueAmount", "PAY-STATED-DUE"),
        books=("0: cash > due 10000", "0: paying > payments 10000"),
    ),
    Case(
        name="invoice-of-another-branch", why="The invoice is the mill's; money has moved.",
        body=story_money.payment(1),
        invoices=[AFTER_NOTE | {"supplierB2BId": "MILL.ZZZFM3301Q@BCB"}], books=BOOKS_1,
        findings=in_share("objectId", "PAY-OTHER-IDS"),
    ),
    Case(
        name="stated-total-of-another-invoice", why="Told with both numbers, and taken.",
        body=bend(story_money.payment(1),
                  **{f"{_SHARE}invoiceAmount__totalAmount": Decimal("737502.00")}),
        invoices=[AFTER_NOTE], books=BOOKS_1,
        findings=in_share("invoiceAmount.totalAmount", "PAY-STATED-TOTAL"),
    ),
    *(
        Case(
            name=f"invoice-{status.lower().replace(' ', '-')}", body=story_money.payment(1),
            why="Nothing is owed on it.", invoices=[held(ONE, status, books(due))],
            findings=in_share("statusTransition.currentStatus", "PAY-NOT-PAYABLE") + more,
        )
        for status, due, more in (
            ("SENT TO BUYER", 0, in_share("invoiceAmount.dueAmount", "PAY-STATED-DUE")),
            ("PAID", 0, in_share("invoiceAmount.dueAmount", "PAY-STATED-DUE")),
            ("CLOSED", 71700700, in_share("invoiceAmount.dueAmount", "PAY-STATED-DUE")),
        )
    ),
    Case(
        name="invoice-number-of-another", why="Two invoices were mixed up.",
        body=bend(story_money.payment(1),
                  **{f"{_SHARE}supplierInvoiceNumber": "MYM/25-26/01274"}),
        invoices=[AFTER_NOTE], findings=in_share("supplierInvoiceNumber", "PAY-NUMBER-MISMATCH"),
    ),
    Case(
        name="invoice-number-in-other-letters", why="Numbers are one whatever their case.",
        body=bend(story_money.payment(1),
                  **{f"{_SHARE}supplierInvoiceNumber": "mym/25-26/01183"}),
        invoices=[AFTER_NOTE], books=BOOKS_1,
    ),
)  # fmt: skip


def _again(**changes: object) -> Body:
    body = bend(
        story_money.payment(1), **{f"{_SHARE}statusTransition__currentStatus": "PAYMENT INITIATED"}
    )
    return bend(body, **changes)


_FAILED = ("FAILED", story_money.payment(1))
_AGAIN = (
    Case(
        name="sent-again", why="The supplier's system had said no; the money has moved.",
        body=_again(), invoices=[PAYING_1], stored=_FAILED,
    ),
    Case(
        name="sent-again-with-another-utr", why="The first UTR was a typing error.",
        body=_again(payment__utr="FICTR52025121900000007"), invoices=[PAYING_1], stored=_FAILED,
    ),
    Case(
        name="sent-again-with-more-money", why="What is reserved stays.", stored=_FAILED,
        body=pay(share(1, cash="400001.00", splits=[TDS])), invoices=[PAYING_1],
        findings=of("", "PAY-CHANGED"),
    ),
    Case(
        name="sent-again-with-another-invoice", why="What is reserved stays.", stored=_FAILED,
        body=pay(share(1, cash="400000.00", splits=[TDS]), share(3, cash="1.00")),
        invoices=[PAYING_1, SECOND], findings=of("", "PAY-CHANGED"),
    ),
    Case(
        name="sent-again-with-another-split", why="Each split has its account.", stored=_FAILED,
        body=_again(**{f"{_AMOUNT}splits": [split("DISCOUNT", "242.00")]}),
        invoices=[PAYING_1], findings=of("", "PAY-CHANGED"),
    ),
    Case(
        name="sent-again-as-onplatform", why="The supplier could not reject it any more.",
        body=_again(payment__type="ONPLATFORM"), invoices=[PAYING_1], stored=_FAILED,
        findings=of("", "PAY-CHANGED"),
    ),
    Case(
        name="sent-again-while-it-waits", why="Nothing has failed.", body=_again(),
        invoices=[PAYING_1], stored=("INITIATED", story_money.payment(1)), target=None,
    ),
)  # fmt: skip

_IDS = story_money.payment(1)["b2bIds"]
_BUYER, _SUPPLIER = _IDS["buyerB2BId"], _IDS["supplierB2BId"]
_LEVELS = (
    Case(
        name="buyer-of-level-1", why="Registered, but without a category.", invoices=[AFTER_NOTE],
        body=story_money.payment(1), levels={_BUYER: 1},
        findings=[("PAY-PAYER-LEVEL", "b2bIds.buyerB2BId")],
    ),
    Case(
        name="buyer-of-level-2", why="Level 2 pays.", invoices=[AFTER_NOTE],
        body=story_money.payment(1), levels={_BUYER: 2}, books=BOOKS_1,
    ),
    Case(
        name="supplier-of-level-2", why="Nobody has seen his account.", invoices=[AFTER_NOTE],
        body=story_money.payment(1), levels={_SUPPLIER: 2},
        findings=[("PAY-PAYEE-LEVEL", "b2bIds.supplierB2BId")],
    ),
    Case(
        name="both-of-level-1", why="Both are told.", invoices=[AFTER_NOTE],
        body=story_money.payment(1), levels={_BUYER: 1, _SUPPLIER: 1},
        findings=[("PAY-PAYER-LEVEL", "b2bIds.buyerB2BId"),
                  ("PAY-PAYEE-LEVEL", "b2bIds.supplierB2BId")],
    ),
    Case(
        name="confirmed-by-a-supplier-of-level-1", why="What was taken in is confirmed.",
        message="req-pay-confirmation", body=story_money.payment_confirmation(1),
        invoices=[PAYING_1], stored=("INITIATED", story_money.payment(1)), target="CONFIRMED",
        levels={_BUYER: 1, _SUPPLIER: 1},
    ),
)  # fmt: skip

_OTHER, _UTR = "PMT" + "9" * 32, story_money.PAYMENTS[1].utr
_UTRS = (
    Case(
        name="utr-of-another-payment", why="One transfer told twice, perhaps, in other letters.",
        body=story_money.payment(1), invoices=[AFTER_NOTE], books=BOOKS_1,
        sharing=[(_OTHER, _UTR.lower())], findings=of("utr", "PAY-UTR-USED"),
    ),
    Case(
        name="utr-of-a-payment-to-somebody-else", why="It is told without a name.",
        body=story_money.payment(1), invoices=[AFTER_NOTE], books=BOOKS_1,
        sharing=[("", _UTR)], findings=of("utr", "PAY-UTR-USED"),
    ),
    Case(
        name="utr-that-another-payment-has-had", why="That one was sent again with the right one.",
        body=story_money.payment(1), invoices=[AFTER_NOTE], books=BOOKS_1,
        sharing=[(_OTHER, "FICTR52025121900000009")],
    ),
)  # fmt: skip

CASES = (*_STORY, *_SUMS, *_SPLITS, *_INVOICES, *_AGAIN, *_UTRS, *_LEVELS)
