"""The trade rules of a credit or debit note: what is refused, what is warned about. Pure.

A note mends what an invoice got wrong, so the taxes of its lines are not asked about; the money it
gives back is exact. (design rules, "Notes")
"""

from collections.abc import Iterator

from msgspec import UnsetType

from hundi.documents import sums
from hundi.documents.documents_meant import invoices_meant
from hundi.documents.erased import accepted_unread, erased
from hundi.documents.invoice_ledger import BOOKED, CLOSED, ENDED
from hundi.documents.line_rules import each_line, milestones_make_the_total
from hundi.documents.note_bodies import (
    Confirmation,
    ConfirmBody,
    Note,
    NoteBody,
    StatusChange,
    StatusChangeBody,
)
from hundi.documents.note_ledger import (
    CREDIT,
    NAMED,
    asked_by,
    cap_of,
    invoices_named,
    shares_of,
    total_of,
)
from hundi.documents.numbering import issued_on
from hundi.documents.parties_named import number_is_its_own, parties_named
from hundi.documents.strictness import strictness_of_supplies
from hundi.documents.sums import line_of
from hundi.documents.supply_shapes import PrecedingInvoice
from hundi.documents.tax_kinds import Supply, tax_identity
from hundi.documents.totals import Totals, charged, totals_of, totals_told
from hundi.documents.under_way import changing_hands
from hundi.exchange.views import DocumentView, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.listing import listed
from hundi.kernel.money import ZERO

_ROOT = "cdNote"
STRICTNESS = strictness_of_supplies("NOTE", noun="note", root=_ROOT, strict=False)

AMOUNT = Code("NOTE-AMOUNT", Kind.RULE, "A note says what it is worth in all.")
FUTURE = Code("NOTE-FUTURE", Kind.RULE, "A note is not dated in the future.")
INVOICE_UNKNOWN = Code(
    "NOTE-INVOICE-UNKNOWN", Kind.WARNING, "The network knows no such invoice of this supplier."
)
INVOICE_STATUS = Code(
    "NOTE-INVOICE-STATUS", Kind.WARNING, "The invoice has ended; nothing is due on it."
)
OVER_CAP = Code(
    "NOTE-OVER-CAP", Kind.RULE, "Credit notes exceed their invoices and the debit notes on them."
)
TYPE_MISMATCH = Code("NOTE-TYPE-MISMATCH", Kind.RULE, "The note is of the other type.")
CODES = (
    *STRICTNESS.codes, AMOUNT, FUTURE, INVOICE_UNKNOWN, INVOICE_STATUS, OVER_CAP, TYPE_MISMATCH,
)  # fmt: skip

_TOTAL = f"{_ROOT}.cdNoteValueDetails.totalCDNoteValue"


def parties(body: NoteBody, context: RuleContext) -> Iterator[Fault]:
    """The note's parties are the message's; only the supplier issues notes."""
    note = body.cdNote
    yield from parties_named(
        body.b2bIds,
        supplier=note.supplierDetails,
        buyer=note.buyerDetails,
        context=context,
        codes=STRICTNESS,
    )


def not_in_the_future(body: NoteBody, context: RuleContext) -> Iterator[Fault]:
    """A note stands in the tax return of its day."""
    day = issued_on(body.cdNote.invoiceReferenceDetails, body.cdNote.ts)
    if day > context.today:
        detail = f"The note is of {day}, today is {context.today} in India. Send it on its day."
        facts = {"note": day.isoformat(), "today": context.today.isoformat()}
        yield FUTURE.at(f"{_ROOT}.invoiceReferenceDetails.invoiceDate", detail, **facts)


def figures(body: NoteBody) -> Iterator[Fault]:
    """Who may charge tax, lines, totals and amounts; every line is taken apart once."""
    note = body.cdNote
    lines = [line_of(i, f"{_ROOT}.itemLists[{n}]") for n, i in enumerate(note.itemLists)]
    stated = _stated(note)
    details = note.transactionDetails
    supply = Supply(
        supplier=note.supplierDetails,
        buyer=note.buyerDetails,
        charged=charged(lines, stated),
        supply_type=details.supplyType,
        reverse_charge=details.reverseChargeTax,
        igst=details.igstChargable,
    )
    yield from tax_identity(supply, STRICTNESS)
    untaxed = supply.may_leave_out_tax
    yield from each_line(note.itemLists, lines, STRICTNESS, untaxed=untaxed)
    yield from totals_of(lines, stated, untaxed=untaxed)
    total = sums.money(note.cdNoteValueDetails.totalCDNoteValue)
    if total is None:
        detail = "The note states no total. Say what it is worth, 0.00 where nothing."
        yield AMOUNT.at(_TOTAL, detail, least="0.00")
    yield from milestones_make_the_total(note.paymentMilestones, total, STRICTNESS)


def _stated(note: Note) -> Totals:
    """The totals that the note states."""
    value = note.cdNoteValueDetails
    return totals_told(
        taxable=sums.money(value.assessmentValue),
        total=sums.money(value.totalCDNoteValue),
        infos=value.valueInfos,
        root=f"{_ROOT}.cdNoteValueDetails",
        total_member="totalCDNoteValue",
    )


def name_of(reference: PrecedingInvoice) -> str | None:
    """What a note calls an invoice, None where it says nothing."""
    name = reference.invoiceNumber or reference.otherReference
    return None if isinstance(name, UnsetType) else name


def _strangers(note: Note, context: RuleContext) -> dict[str, str]:
    """Invoices that the network does not know, by the path that names them."""
    known = invoices_meant(invoices_named(context))
    unheld = (
        (f"{NAMED}{place}]", reference)
        for place, reference in enumerate(note.precedingInvoiceDetails)
        if f"{NAMED}{place}]" not in context.held
    )
    return {
        path: name
        for path, reference in unheld
        if (name := name_of(reference)) is not None and known.named(reference) is None
    }


def invoices(body: NoteBody, context: RuleContext) -> Iterator[Fault]:
    """The invoices that are named: known, and not ended. A closed one still gives back."""
    for path, name in _strangers(body.cdNote, context).items():
        detail = f"The network knows no invoice {name} of this supplier; it sets no cap."
        yield INVOICE_UNKNOWN.at(path, detail, invoice=name)
    ended = ENDED if body.cdNote.noteType == CREDIT else ENDED | {CLOSED}
    for view in invoices_named(context):
        if view.status in ended:
            detail = (
                f"Invoice {view.number} is {view.status}; nothing is to be paid on it any more."
                " What the buyer owes after that wants an invoice of its own."
            )
            yield INVOICE_STATUS.at(view.ref, detail, invoice=view.number, status=view.status)


def within_the_cap(body: NoteBody, context: RuleContext) -> Iterator[Fault]:
    """No more is given back than was asked; what invoices off the network bear is not known."""
    note, views = body.cdNote, invoices_named(context)
    if note.noteType != CREDIT or not views or _strangers(note, context):
        return
    gone = [view for view in views if view.body is None and view.status not in BOOKED]
    if gone:
        yield from (_erased(view) for view in gone)
        return
    total = total_of(note)
    left = total - sums.sum_of(share for _, share in shares_of(total, views))
    if left > ZERO:
        asked = sums.sum_of(asked_by(view) for view in views)
        most = sums.sum_of(cap_of(view) for view in views)
        noted = sums.sum_of(asked_by(view) - cap_of(view) for view in views)
        names = listed([view.number for view in views])
        detail = (
            f"Invoice {names} asks for {asked.text()}, its notes so far take {noted.text()} of it,"
            f" and this asks {total.text()}. Credit at most {most.text()}."
        )
        facts = {"invoice": asked.text(), "notes": noted.text(), "asked": total.text()}
        yield OVER_CAP.at(_TOTAL, detail, most=most.text(), **facts)


def _erased(view: DocumentView) -> Fault:
    """Before its acceptance only its own text says what an invoice asks for."""
    return erased(view.ref, what=f"Invoice {view.number}", advice="Leave it out.")


def what_is_accepted_is_known(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """A note counts at its acceptance, for what its stored text says."""
    response, path = body.cdNoteConfirmation.buyerResponse, "cdNoteConfirmation"
    return accepted_unread(response, context.document, path=path, noun="Note")


def its_invoices_stay_where_they_are(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """A note counts for whom the invoice is owed to: the supplier, or a lender."""
    if body.cdNoteConfirmation.buyerResponse == "ACCEPT":
        for view in context.held.values():
            yield from changing_hands(view, "cdNoteConfirmation.objectId")


def confirmation_names_the_note(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """The number and the type in the confirmation are the note's."""
    yield from _names(body.cdNoteConfirmation, "cdNoteConfirmation", context)


def status_change_names_the_note(body: StatusChangeBody, context: RuleContext) -> Iterator[Fault]:
    """The number and the type in the status change are the note's."""
    yield from _names(body.cdNoteStatus, "cdNoteStatus", context)


def _names(
    subject: Confirmation | StatusChange, root: str, context: RuleContext
) -> Iterator[Fault]:
    yield from number_is_its_own(
        subject.supplierCDNoteNumber,
        f"{root}.supplierCDNoteNumber",
        context=context,
        codes=STRICTNESS,
    )
    stored = context.document.body if context.document is not None else None
    if isinstance(stored, NoteBody) and stored.cdNote.noteType != subject.noteType:
        known, stated = stored.cdNote.noteType, subject.noteType
        detail = f"The note is a {known} note, not a {stated} note. Check which is meant."
        yield TYPE_MISMATCH.at(f"{root}.noteType", detail, type=known, stated=stated)


FIGURES = (figures,)
"""Rules that need nothing but the note."""
NEW = (parties, not_in_the_future, invoices, within_the_cap)
CONFIRMED = (
    confirmation_names_the_note,
    what_is_accepted_is_known,
    its_invoices_stay_where_they_are,
)
CHANGED = (status_change_names_the_note,)
