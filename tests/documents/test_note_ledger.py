"""Which invoice a debit note is booked on, where several answer to the name that it gives."""

from decimal import Decimal

import pytest

from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.note_bodies import ConfirmBody, NoteBody
from hundi.documents.note_ledger import accepted_by
from hundi.exchange.views import DocumentView, RuleContext
from hundi.simulator import story_supplies
from tests.documents.bodies import Body
from tests.documents.cases_of_notes import NOTE
from tests.documents.golden_frame import typed
from tests.documents.payments import PARTIES, TODAY
from tests.trade import bills

NUMBER = story_supplies.INVOICES[1].number
LAST, THIS = "INV" + "1" * 32, "INV" + "2" * 32
OF_LAST, OF_THIS = "2025-03-31", "2025-04-01"


def invoice(object_id: str, day: str, *, erased: bool = False) -> DocumentView:
    """An accepted invoice of a day; both days of the tests have one of the same number."""
    body = story_supplies.invoice(1)
    body["invoice"]["invoiceReferenceDetails"] = {"invoiceDate": day}
    return DocumentView(
        ref=f"invoice/{object_id}",
        object_id=object_id,
        status="ACCEPTED",
        version=1,
        agreed_version=1,
        number=NUMBER,
        body=None if erased else typed(body, InvoiceBody),
    )


def booked_on(*named: Body, erased: bool = False) -> str:
    """The invoice whose due a debit note on these raises."""
    note = NOTE | {
        "cdNote": NOTE["cdNote"] | {"noteType": "DEBIT", "precedingInvoiceDetails": named}
    }
    views = [invoice(LAST, OF_LAST, erased=erased), invoice(THIS, OF_THIS)]
    document = DocumentView(
        status="SENT TO BUYER", version=1, agreed_version=None, number="D",
        body=typed(note, NoteBody),
    )  # fmt: skip
    confirmation = typed(bills.note_confirmation(), ConfirmBody)
    context = RuleContext(
        today=TODAY, parties=PARTIES, document=document, held={view.ref: view for view in views}
    )
    [posting] = accepted_by(confirmation, context)
    assert (posting.debit, posting.amount) == ("due", int(Decimal("14159.00") * 100))
    return posting.ref.removeprefix("invoice/")


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ([{"invoiceNumber": NUMBER, "invoiceDate": OF_LAST}], LAST),
        ([{"invoiceNumber": NUMBER, "invoiceDate": OF_THIS}, {"otherReference": LAST}], THIS),
        ([{"otherReference": LAST}, {"invoiceNumber": NUMBER, "invoiceDate": OF_THIS}], LAST),
        ([{"invoiceNumber": NUMBER.lower(), "invoiceDate": "2026-03-31"}], THIS),
    ],
)
def test_a_number_is_one_in_its_financial_year(named: list[Body], wanted: str) -> None:
    assert booked_on(*named) == wanted


def test_the_number_of_an_erased_invoice_has_to_do() -> None:
    assert booked_on({"invoiceNumber": NUMBER, "invoiceDate": OF_LAST}, erased=True) == LAST
