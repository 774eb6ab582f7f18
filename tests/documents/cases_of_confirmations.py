"""Confirmations of the story's payments, and what suppliers get wrong about them."""

from typing import Any

from hundi.simulator import story_money
from tests.documents.bodies import Body
from tests.documents.payment_cases import Case, confirming
from tests.documents.payments import (
    ONE,
    PAYING_1,
    SECOND,
    TWO,
    bend,
    books,
    held,
    pay,
    share,
)

_C = "paymentConfirmation__"
PAYING_2 = held(
    ONE, "PAYMENT INITIATED", books(71700700, notes=1415900, paid=40024200, reserved=30260600)
)
PAYING_3 = held(TWO, "PAYMENT INITIATED", books(73750200, reserved=73750200))
OF_TWO = pay(share(1, cash="100.00"), share(3, cash="200.00"))


def onplatform(body: Body) -> Body:
    """The same message of money that the platform moved."""
    [subject] = [name for name in body if name.startswith("payment")]
    return bend(body, **{f"{subject}__type": "ONPLATFORM"})


def _case(**members: Any) -> Case:
    return Case(**{"message": "req-pay-confirmation", "invoices": [PAYING_1]} | members)


def _stored(number: int = 1, status: str = "DELIVERED") -> tuple[str, Body]:
    return status, story_money.payment(number)


def _info(number: int) -> Body:
    [info] = story_money.payment_confirmation(number)["paymentConfirmation"]["invoiceInfos"]
    return dict(info)


CASES = (
    *(
        _case(
            name=f"story-confirmation-{number}", why="The credit is in the bank.",
            body=story_money.payment_confirmation(number), stored=_stored(number),
            invoices=[invoice], target="CONFIRMED",
        )
        for number, invoice in ((1, PAYING_1), (2, PAYING_2), (3, PAYING_3))
    ),
    _case(
        name="confirmed-before-its-delivery", why="The bank was faster than the message.",
        body=story_money.payment_confirmation(1), stored=_stored(status="INITIATED"),
        target="CONFIRMED",
    ),
    _case(
        name="confirmed-after-a-dispute", why="His system refused the message, the money came.",
        body=story_money.payment_confirmation(1), stored=_stored(status="FAILED"),
        target="CONFIRMED",
    ),
    _case(
        name="rejected", why="Nothing has come.", stored=_stored(), target="REFUSED",
        body=story_money.payment_confirmation(1, response="REJECT", after="ACCEPTED"),
    ),
    _case(
        name="confirmed-twice", why="A payment is confirmed once.", target=None,
        body=story_money.payment_confirmation(1), stored=_stored(status="CONFIRMED"),
    ),
    _case(
        name="onplatform-confirmed", why="The platform moved the money.", target="CONFIRMED",
        body=onplatform(story_money.payment_confirmation(1)),
        stored=("DELIVERED", onplatform(story_money.payment(1))),
    ),
    _case(
        name="onplatform-rejected", why="What the platform has moved has moved.", target="REFUSED",
        body=onplatform(story_money.payment_confirmation(1, response="REJECT", after="ACCEPTED")),
        stored=("DELIVERED", onplatform(story_money.payment(1))),
        findings=confirming("supplierResponse", "PAY-REJECT-ONPLATFORM"),
    ),
    _case(
        name="rejected-as-of-another-type", why="Or anybody could reject by a false word.",
        body=story_money.payment_confirmation(1, response="REJECT", after="ACCEPTED"),
        stored=("DELIVERED", onplatform(story_money.payment(1))), target="REFUSED",
        findings=confirming("type", "PAY-OTHER-TYPE"),
    ),
    _case(
        name="confirmed-in-part", why="A payment is confirmed whole.", stored=("DELIVERED", OF_TWO),
        body=story_money.payment_confirmation(1), target="CONFIRMED",
        findings=confirming("invoiceInfos", "PAY-OTHER-INVOICES"),
    ),
    _case(
        name="two-invoices-confirmed", why="The order of the invoices does not matter.",
        body=bend(story_money.payment_confirmation(1), **{f"{_C}invoiceInfos": [_info(3), _info(1)]}),
        stored=("DELIVERED", OF_TWO), invoices=[PAYING_3, PAYING_1], target="CONFIRMED",
    ),
    _case(
        name="confirmed-with-one-more", why="The payment is not for invoice 2.", stored=_stored(),
        body=bend(story_money.payment_confirmation(1), **{f"{_C}invoiceInfos": [_info(1), _info(3)]}),
        invoices=[PAYING_1, SECOND], target="CONFIRMED",
        findings=confirming("invoiceInfos[1].objectId", "PAY-OTHER-INVOICES"),
    ),
    _case(
        name="confirmed-with-one-twice", why="An invoice has one share.", stored=_stored(),
        body=bend(story_money.payment_confirmation(1), **{f"{_C}invoiceInfos": [_info(1), _info(1)]}),
        invoices=[PAYING_1, PAYING_1], target="CONFIRMED",
        findings=confirming("invoiceInfos[0].objectId", "PAY-INVOICE-TWICE")
        + confirming("invoiceInfos[1].objectId", "PAY-INVOICE-TWICE"),
    ),
    _case(
        name="confirmed-with-another-number", why="Two invoices were mixed up.", stored=_stored(),
        body=bend(story_money.payment_confirmation(1),
                  **{f"{_C}invoiceInfos__0__supplierInvoiceNumber": "MYM/25-26/01274"}),
        target="CONFIRMED",
        findings=confirming("invoiceInfos[0].supplierInvoiceNumber", "PAY-NUMBER-MISMATCH"),
    ),
)  # fmt: skip
