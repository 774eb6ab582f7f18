"""What a note books on the invoices that it corrects. Pure.

A credit note takes its share of each invoice's cap when it is sent, in the order in which it names
them, each up to its cap; what is left belongs to invoices that the network does not know. An
account of the invoice for each note keeps the share, so that the note's acceptance, when it counts,
finds the same sums. In the trade story

    sent        debit credited 1415900     credit note:CDN… 1415900
    accepted    debit notes 1415900        credit due 1415900

A debit note raises the due of the first invoice that it names, when it is accepted.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from msgspec import UnsetType

from hundi.documents import invoice_ledger
from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.note_bodies import ConfirmBody, Note, NoteBody
from hundi.documents.numbering import issued_on
from hundi.documents.supply_shapes import PrecedingInvoice
from hundi.exchange.definition import DocumentView, Posting, RuleContext
from hundi.kernel.clock import financial_year
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
            view.ref, invoice_ledger.CREDITED, account, amount=share.paise
        )
    )


def accepted_by(body: ConfirmBody, context: RuleContext) -> tuple[Posting, ...]:
    """The note counts, once: it lowers or raises what is due."""
    stored = context.document.body if context.document is not None else None
    if body.cdNoteConfirmation.buyerResponse != "ACCEPT" or not isinstance(stored, NoteBody):
        return ()
    note, views = stored.cdNote, tuple(context.held.values())
    if note.noteType == CREDIT:
        return tuple(p for view in views for p in _lowered(view, note.objectId))
    return _raised(_first(note, views), total_of(note).paise)


def _lowered(view: DocumentView, note_id: str) -> tuple[Posting, ...]:
    """A credit note's share lowers the due; it waits where the invoice is not accepted yet."""
    share, notes = invoice_ledger.share_of(view, note_id), invoice_ledger.NOTES
    if view.status not in invoice_ledger.BOOKED:
        return invoice_ledger.transfer(view.ref, notes, invoice_ledger.NOTES_AHEAD, amount=share)
    free = 0 if invoice_ledger.assigned(view) else view.balance(invoice_ledger.DUE).left
    return invoice_ledger.lowering(view.ref, source=notes, amount=share, free=free)


def _raised(view: DocumentView | None, total: int) -> tuple[Posting, ...]:
    if view is None:
        return ()
    accepted = view.status in invoice_ledger.BOOKED
    account = invoice_ledger.DUE if accepted else invoice_ledger.NOTES_AHEAD
    return invoice_ledger.transfer(view.ref, account, invoice_ledger.DEBIT_NOTES, amount=total)


def _first(note: Note, views: tuple[DocumentView, ...]) -> DocumentView | None:
    """Of the invoices that the network knows, the one that the note names first."""
    ids = {view.object_id: view for view in views}
    numbers = {(view.number.casefold(), _year_of(view)): view for view in reversed(views)}
    for named in note.precedingInvoiceDetails:
        found = ids.get(named.otherReference) if isinstance(named.otherReference, str) else None
        if found is None and isinstance(named.invoiceNumber, str):
            number = named.invoiceNumber.casefold()
            found = numbers.get((number, _year_in(named))) or numbers.get((number, ""))
        if found is not None:
            return found
    return None


def _year_of(view: DocumentView) -> str:
    """The financial year of an invoice, a part of its name; "" where its body was erased."""
    if not isinstance(view.body, InvoiceBody):
        return ""
    invoice = view.body.invoice
    return financial_year(issued_on(invoice.invoiceReferenceDetails, invoice.ts))


def _year_in(named: PrecedingInvoice) -> str:
    day = named.invoiceDate
    return financial_year(date.fromisoformat(day)) if isinstance(day, str) else ""
