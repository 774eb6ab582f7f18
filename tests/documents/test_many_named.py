"""What a message names by the thousand is looked up once each, not each against each."""

from time import process_time

from hundi.documents import order_billing
from hundi.documents.documents_meant import invoices_in_order
from hundi.exchange.views import DocumentView
from hundi.simulator import story_supplies
from tests.documents.test_honest_invoices import NOTE_SEND, SEND, context, typed

MANY = 5_000
SECONDS = 2
"""Of the processor. Looking at each for each is 25 million looks: four seconds and more."""


def views(path: str) -> dict[str, DocumentView]:
    """Documents that a message names, all rejected: their texts are not looked at."""
    return {
        f"{path}{n}]": DocumentView(
            ref=f"{path}{n}]", object_id=f"ID{n}", status="REJECTED", version=1,
            agreed_version=None, number=f"NO{n}",
        )
        for n in range(MANY)
    }  # fmt: skip


def test_orders_that_nobody_knows_beside_orders_that_are_known() -> None:
    body = story_supplies.invoice()
    known = [{"objectId": f"ID{n}"} for n in range(MANY)]
    body["invoice"]["poDetails"] = known + [{"objectId": f"XX{n}"} for n in range(MANY)]
    message, told = typed(SEND, body), context(views("invoice.poDetails["))
    started = process_time()
    found = list(order_billing.it_fits_its_orders(message, told))
    assert process_time() - started < SECONDS
    assert [one.code for one in found].count("INV-ORDER-UNKNOWN") == MANY


def test_an_order_that_is_named_again_is_the_one_that_was_named_first() -> None:
    body = story_supplies.invoice()
    body["invoice"]["poDetails"] = [{"objectId": "ID0"}, {"objectId": "XX", "buyerPONumber": "NO0"}]
    held = {"invoice.poDetails[0]": views("invoice.poDetails[")["invoice.poDetails[0]"]}
    found = list(order_billing.it_fits_its_orders(typed(SEND, body), context(held)))
    assert [one.code for one in found] == ["INV-ORDER-ENDED", "INV-ORDER-ENDED"]


def test_the_invoice_that_a_debit_note_names_first() -> None:
    body = story_supplies.credit_note()
    names = [f"XX{n}" for n in range(MANY)] + [f"no{MANY - 1}", "NO0"]
    body["cdNote"]["precedingInvoiceDetails"] = [{"invoiceNumber": name} for name in names]
    note, known = typed(NOTE_SEND, body).cdNote, tuple(views("invoice/").values())
    started = process_time()
    meant = invoices_in_order(note.precedingInvoiceDetails, known)
    assert process_time() - started < SECONDS
    assert meant == [known[-1], known[0], *known[1:-1]]
