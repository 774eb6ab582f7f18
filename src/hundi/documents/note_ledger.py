"""What a note books on the invoices that it corrects. Pure.

A credit note takes its share of each invoice's cap when it is sent, in the order in which it names
them, each up to its cap; what is left belongs to invoices that the network does not know. An
account of the invoice for each note keeps the share, so that the note's acceptance, when it counts,
finds the same sums. In the trade story

    sent        debit credited 1415900     credit note:CDN… 1415900
    accepted    debit notes 1415900        credit due 1415900

A debit note raises the due of the first invoice that it names and that can still be paid, when it is
accepted.

An invoice that has ended by then owes nothing and gets nothing: its share of a credit note goes to
the other invoices of the note, in their order, each up to its cap, and no debit note raises it.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import UnsetType

from hundi.documents import invoice_ledger
from hundi.documents.documents_meant import invoices_in_order
from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.note_bodies import ConfirmBody, Note, NoteBody
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.money import ZERO, Money

NAMED = "cdNote.precedingInvoiceDetails["
"""Where a note names an invoice."""
CREDIT = "CREDIT"


def total_of(note: Note) -> Money:
    """What the note is worth in all."""
    total = note.cdNoteValueDetails.totalCDNoteValue
    return ZERO if isinstance(total, UnsetType) else Money.of(total)


def invoices_named(context: RuleContext) -> list[DocumentView]:
    """The invoices that the message names and the network knows, in its order."""
    return [view for path, view in context.held.items() if path.startswith(NAMED)]


def asked_by(view: DocumentView) -> Money:
    """What an invoice asks for in all, accepted or not; by the books where its body was erased."""
    body = view.body
    if isinstance(body, InvoiceBody):
        return invoice_ledger.total_of(body.invoice)
    return Money(-view.balance(invoice_ledger.BILLED).net)


def cap_of(view: DocumentView) -> Money:
    """The most of further credit notes: invoice + debit notes - live credit notes.

    What has been paid does not matter, and there is no tolerance.
    """
    raised = -view.balance(invoice_ledger.DEBIT_NOTES).net
    noted = view.balance(invoice_ledger.CREDITED).taken
    return max(ZERO, asked_by(view) + Money(raised - noted))


def shares_of(total: Money, views: Iterable[DocumentView]) -> Iterator[tuple[DocumentView, Money]]:
    """A credit note shared out over its invoices in order, each up to its cap."""
    left = total
    for view in views:
        share = min(left, cap_of(view))
        left -= share
        yield view, share


def reserved_by(body: NoteBody, context: RuleContext) -> tuple[Posting, ...]:
    """From its ack on a credit note is live and takes its share of each invoice's cap."""
    note = body.cdNote
    if note.noteType != CREDIT:
        return ()
    account = invoice_ledger.note_account(note.objectId)
    return tuple(
        posting
        for view, share in shares_of(total_of(note), invoices_named(context))
        for posting in invoice_ledger.transfer(
            view.ref, debit=invoice_ledger.CREDITED, credit=account, amount=share.paise
        )
    )


def accepted_by(body: ConfirmBody, context: RuleContext) -> tuple[Posting, ...]:
    """The note counts, once: it lowers or raises what is due."""
    stored = context.document.body if context.document is not None else None
    if body.cdNoteConfirmation.buyerResponse != "ACCEPT" or not isinstance(stored, NoteBody):
        return ()
    note = stored.cdNote
    views = invoices_in_order(note.precedingInvoiceDetails, tuple(context.held.values()))
    if note.noteType == CREDIT:
        return tuple(_given_back(views, note.objectId))
    return _raised(_payable(views), total_of(note).paise)


def _given_back(views: Sequence[DocumentView], note_id: str) -> Iterator[Posting]:
    """Each invoice's share, and what those that have ended leave to the others.

    What is taken over is booked as the note's share, too: later caps count it.
    """
    account, credited = invoice_ledger.note_account(note_id), invoice_ledger.CREDITED
    ended = [view for view in views if view.status in invoice_ledger.ENDED]
    left = Money(sum(invoice_ledger.share_of(view, note_id) for view in ended))
    for view, more in shares_of(left, _living(views)):
        yield from invoice_ledger.transfer(
            view.ref, debit=credited, credit=account, amount=more.paise
        )
        yield from _lowered(view, invoice_ledger.share_of(view, note_id) + more.paise)


def _living(views: Iterable[DocumentView]) -> Iterator[DocumentView]:
    """The invoices that somebody owes, or may owe."""
    return (view for view in views if view.status not in invoice_ledger.ENDED)


def _payable(views: Iterable[DocumentView]) -> DocumentView | None:
    """The first invoice that can still be paid; a closed one, on which all is waived, where none can."""
    living = list(_living(views))
    going = (view for view in living if view.status != invoice_ledger.CLOSED)
    return next(going, living[0] if living else None)


def _lowered(view: DocumentView, share: int) -> tuple[Posting, ...]:
    """A credit note's share lowers the due; it waits where the invoice is not accepted yet."""
    notes = invoice_ledger.NOTES
    if view.status not in invoice_ledger.BOOKED:
        return invoice_ledger.transfer(
            view.ref, debit=notes, credit=invoice_ledger.NOTES_AHEAD, amount=share
        )
    free = 0 if invoice_ledger.assigned(view) else view.balance(invoice_ledger.DUE).left
    return invoice_ledger.lowering(view.ref, source=notes, amount=share, free=free)


def _raised(view: DocumentView | None, total: int) -> tuple[Posting, ...]:
    if view is None:
        return ()
    accepted = view.status in invoice_ledger.BOOKED
    account = invoice_ledger.DUE if accepted else invoice_ledger.NOTES_AHEAD
    return invoice_ledger.transfer(
        view.ref, debit=account, credit=invoice_ledger.DEBIT_NOTES, amount=total
    )
