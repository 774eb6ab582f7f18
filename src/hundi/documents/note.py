"""The credit or debit note: what its three messages look like, how it lives, what it books.

Shapes and life cycle follow `contract/b2b-cdnote.yaml` (`x-lifecycle`), row by row. There is no
edit: a returned note is cancelled and another one is sent.
"""

import re
from collections.abc import Iterator
from functools import partial

from hundi.documents import note_ledger, note_rules, touched
from hundi.documents.invoice import INVOICE
from hundi.documents.invoice_bodies import INVOICE_ID
from hundi.documents.messages import (
    BUYER,
    SUPPLIER,
    between_traders,
    books_nothing,
    message,
    no_action,
    resolves_nothing,
)
from hundi.documents.note_bodies import (
    ConfirmBody,
    Note,
    NoteBody,
    StatusChangeBody,
)
from hundi.documents.numbering import CREDIT_NOTE, DEBIT_NOTE, issued_on, supplier_claim, years_of
from hundi.documents.numbering import INVOICE as INVOICE_KIND
from hundi.documents.supply_shapes import PrecedingInvoice
from hundi.documents.transitions import rows
from hundi.exchange.definition import Ack, DocumentType, Effect, MessageType, Touched, VersionRule

CREATED = "CREATED"
SENT = "SENT TO BUYER"
UNDER_REVIEW = "UNDER REVIEW"
ACCEPTED = "ACCEPTED"
REJECTED = "REJECTED"
CANCELLED = "CANCELLED"
CLOSED = "CLOSED"

_CONFIRM, _CHANGE = "req-confirm", "req-status-change"
_INVOICE_ID = re.compile(INVOICE_ID)

LIFE_CYCLE = (
    *rows("req-send", by=SUPPLIER, action=None, sources=[CREATED], target=SENT,
          version=VersionRule.FIRST),
    *rows(_CONFIRM, by=BUYER, action="ACCEPT", sources=[SENT], target=ACCEPTED,
          version=VersionRule.AGREE),
    *rows(_CONFIRM, by=BUYER, action="REJECT", sources=[SENT], target=REJECTED,
          version=VersionRule.KEEP),
    *rows(_CONFIRM, by=BUYER, action="RETURN", sources=[SENT], target=UNDER_REVIEW,
          version=VersionRule.KEEP),
    *rows(_CHANGE, by=SUPPLIER, action="CANCEL", sources=[SENT, UNDER_REVIEW, REJECTED],
          target=CANCELLED, version=VersionRule.KEEP),
    *rows(_CHANGE, by=SUPPLIER, action="CLOSE", sources=[ACCEPTED], target=CLOSED,
          version=VersionRule.KEEP),
    *rows(_CHANGE, by=SUPPLIER, action="CANCEL", sources=[CREATED], target=CANCELLED,
          version=VersionRule.KEEP, effect=Effect.FACT),
)  # fmt: skip

NOTE = DocumentType(
    name="cd-note",
    noun="note",
    author=SUPPLIER,
    initial=CREATED,
    released=frozenset({REJECTED, CANCELLED}),
    settled=frozenset({ACCEPTED}),
    withdrawal="CANCEL",
    shut_by=frozenset({"CANCEL", "CLOSE"}),
    guarded=frozenset(),
    derive=None,
    moves=LIFE_CYCLE,
    stake=None,
)


_touched = partial(
    touched.moved,
    type_=NOTE.name,
    transition="cdNoteStatusTransition",
    number="supplierCDNoteNumber",
)


def _note_touched(body: NoteBody) -> tuple[Touched, ...]:
    """The note with its number and IRN, and the invoices that it corrects."""
    note = body.cdNote
    day = issued_on(note.invoiceReferenceDetails, note.ts)
    kind = CREDIT_NOTE if note.noteType == note_ledger.CREDIT else DEBIT_NOTE
    claim = supplier_claim(
        note.supplierDetails, kind=kind, number=note.supplierCDNoteNumber, day=day
    )
    tag = touched.registered_as(note.eInvoiceInfo)
    return (_touched(note, "cdNote", claim=claim, tag=tag), *_invoices(note))


def _invoices(note: Note) -> Iterator[Touched]:
    """Each invoice that is named: by its id, or by its number, of the year that its date tells."""
    for place, invoice in enumerate(note.precedingInvoiceDetails):
        yield from touched.drawn_on(
            f"{note_ledger.NAMED}{place}]",
            type_=INVOICE.name,
            object_id=_id_of(invoice),
            number=invoice.invoiceNumber,
            claims=_claims_of(note, invoice),
        )


def _id_of(invoice: PrecedingInvoice) -> str:
    """The network id that `otherReference` may carry; any other reference is the parties' own."""
    other = invoice.otherReference
    return other if isinstance(other, str) and _INVOICE_ID.fullmatch(other) else ""


def _claims_of(note: Note, invoice: PrecedingInvoice) -> list[str]:
    number = invoice.invoiceNumber
    if not isinstance(number, str) or not number:
        return []
    own = issued_on(note.invoiceReferenceDetails, note.ts)
    days = years_of(invoice.invoiceDate, else_before=own)
    return [
        supplier_claim(note.supplierDetails, kind=INVOICE_KIND, number=number, day=day)
        for day in days
    ]


MESSAGES: tuple[MessageType, ...] = (
    message(
        between_traders(NOTE, "req-send", sender=SUPPLIER),
        body=NoteBody,
        subject="cdNote",
        # The outcome of a send also says where it came from.
        informs=("device", "b2bIds", "resp", "cdNote", "additionalInfos"),
        touches=_note_touched,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=note_rules.FIGURES,
        rules=note_rules.NEW,
        reads=True,
        amends=False,
        follows=(),
        postings=note_ledger.reserved_by,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(NOTE, _CONFIRM, sender=BUYER),
        body=ConfirmBody,
        subject="cdNoteConfirmation",
        informs=("b2bIds", "resp", "cdNoteConfirmation", "additionalInfos"),
        touches=lambda body: (_touched(body.cdNoteConfirmation, "cdNoteConfirmation", claim=None),),
        action=lambda body: body.cdNoteConfirmation.buyerResponse,
        ack=Ack.RECEIPT,
        body_rules=(),
        rules=note_rules.CONFIRMED,
        reads=True,
        amends=False,
        follows=(INVOICE.name,),
        postings=note_ledger.accepted_by,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(NOTE, _CHANGE, sender=SUPPLIER),
        body=StatusChangeBody,
        subject="cdNoteStatus",
        informs=("b2bIds", "resp", "cdNoteStatus", "additionalInfos"),
        touches=lambda body: (_touched(body.cdNoteStatus, "cdNoteStatus", claim=None),),
        action=lambda body: body.cdNoteStatus.supplierAction,
        ack=Ack.RECEIPT,
        body_rules=(),
        rules=note_rules.CHANGED,
        reads=True,
        amends=False,
        follows=(INVOICE.name,),
        postings=books_nothing,
        resolves=resolves_nothing,
        route=None,
    ),
)
