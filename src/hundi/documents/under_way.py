"""What is being decided about an accepted invoice, and has to be waited for. Pure.

Whether a note counts, and whether a lender takes the invoice over, changes who owes what to whom.
The two are never decided at the same time, and neither is while money is booked or the invoice ends.
"""

from collections.abc import Iterator

from hundi.documents.invoice_ledger import ASSIGNING, DEBIT_NOTES, DUE, NOTES
from hundi.exchange.views import DocumentView
from hundi.kernel.faults import Code, Fault, Kind

CHANGING_HANDS = Code(
    "INV-CHANGING-HANDS",
    Kind.BUSY,
    "A lender's bid on the invoice is being accepted. Wait until he has agreed, or has not.",
)
NOTE_UNDER_WAY = Code(
    "INV-NOTE-UNDER-WAY",
    Kind.BUSY,
    "A note on the invoice is being accepted. Wait until that exchange has ended.",
)
CODES = (CHANGING_HANDS, NOTE_UNDER_WAY)


def changing_hands(view: DocumentView, path: str) -> Iterator[Fault]:
    """The acceptance of a bid is open: what is booked now might be the lender's or might not."""
    if view.balance(ASSIGNING).debit_pending:
        detail = (
            f"A bid on invoice {view.number} is being accepted, and the lender has not answered yet."
            " Send this again once that exchange has ended."
        )
        yield CHANGING_HANDS.at(path, detail, number=view.number)


def note_under_way(view: DocumentView, path: str) -> Iterator[Fault]:
    """The acceptance of a note is open: what is due will be another sum, or will not.

    Asked of invoices on which no payment is under way: those reserve the due, too. Of an invoice
    that is not accepted yet a note reserves what it will have been.
    """
    due, ahead = view.balance(DUE), (view.balance(NOTES), view.balance(DEBIT_NOTES))
    if any(one.credit_pending or one.debit_pending for one in (due, *ahead)):
        detail = (
            f"A note on invoice {view.number} is being accepted, and the supplier has not answered"
            " yet. Send this again once that exchange has ended."
        )
        yield NOTE_UNDER_WAY.at(path, detail, number=view.number)
