"""Bodies of the three messages about a credit or debit note, as `contract/b2b-cdnote.yaml` has them."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.shapes import (
    AdditionalInfo,
    B2BIds,
    Device,
    ObjectVersion,
    TypedAmount,
)
from hundi.documents.supply_shapes import (
    BilledSupply,
    EInvoiceInfo,
)
from hundi.kernel.fields import Amount, Group, InstantText, ShortText, Strict

NoteId = Annotated[
    str,
    Meta(pattern=r"^CDN[A-Za-z0-9]{32}\Z", extra={"wanted": "CDN and 32 letters or digits"}),
]
NoteNumber = Annotated[str, Meta(min_length=1, max_length=50)]
NoteType = Literal["CREDIT", "DEBIT"]

Status = Literal[
    "CREATED",
    "SENT TO BUYER",
    "UNDER REVIEW",
    "ACCEPTED",
    "REJECTED",
    "CANCELLED",
    "CLOSED",
]


class Worth(Amount):
    """What a note is worth: rupees and paise, not below zero; its type says which way it goes."""

    __slots__ = ()
    least: ClassVar[Decimal] = Decimal(0)


class StatusTransition(Strict, frozen=True, kw_only=True):
    """What the sender believes, and what it wants."""

    never_empty: ClassVar[bool] = True
    currentStatus: Status
    newStatus: Status


class TransactionDetails(Group, frozen=True, kw_only=True):
    """The tax nature of the supply; one member is spelt unlike the invoice's, as printed."""

    taxScheme: ShortText | UnsetType = UNSET
    supplyType: ShortText | UnsetType = UNSET
    reverseChargeTax: ShortText | UnsetType = UNSET
    igstChargable: ShortText | UnsetType = UNSET
    eCommerceGstin: ShortText | UnsetType = UNSET


class NoteValue(Group, frozen=True, kw_only=True):
    """`cdNoteValueDetails`: taxable sum, the note's amount, and figures such as IGST, ROUND_OFF."""

    assessmentValue: Worth | UnsetType = UNSET
    totalCDNoteValue: Worth | UnsetType = UNSET
    valueInfos: list[TypedAmount] | UnsetType = UNSET


class Note(BilledSupply, frozen=True, kw_only=True):
    """The note itself; members that it does not declare are carried untouched."""

    objectId: NoteId
    noteType: NoteType
    supplierCDNoteNumber: NoteNumber
    objectVersion: ObjectVersion
    ts: InstantText
    cdNoteStatusTransition: StatusTransition
    eInvoiceInfo: EInvoiceInfo
    transactionDetails: TransactionDetails
    cdNoteValueDetails: NoteValue


class Confirmation(Strict, frozen=True, kw_only=True):
    """The buyer's answer to a note."""

    objectId: NoteId
    noteType: NoteType
    supplierCDNoteNumber: NoteNumber
    objectVersion: ObjectVersion
    buyerResponse: Literal["ACCEPT", "REJECT", "RETURN"]
    buyerRemarks: ShortText
    cdNoteStatusTransition: StatusTransition


class StatusChange(Strict, frozen=True, kw_only=True):
    """The supplier's change of a note's state."""

    objectId: NoteId
    noteType: NoteType
    supplierCDNoteNumber: NoteNumber
    objectVersion: ObjectVersion
    supplierAction: Literal["CANCEL", "CLOSE"]
    supplierRemarks: ShortText
    cdNoteStatusTransition: StatusTransition


class NoteBody(Strict, frozen=True, kw_only=True):
    """Body of `req-send`: there is no edit, a returned note is cancelled and another one is sent."""

    device: Device
    b2bIds: B2BIds
    cdNote: Note
    additionalInfos: list[AdditionalInfo]


class ConfirmBody(Strict, frozen=True, kw_only=True):
    """`req-confirm`, sent by the buyer: he accepts, rejects or returns what he was sent."""

    device: Device
    b2bIds: B2BIds
    cdNoteConfirmation: Confirmation
    additionalInfos: list[AdditionalInfo]


class StatusChangeBody(Strict, frozen=True, kw_only=True):
    """`req-status-change`, sent by the supplier: cancelled, or filed away; its text is kept."""

    device: Device
    b2bIds: B2BIds
    cdNoteStatus: StatusChange
    additionalInfos: list[AdditionalInfo]
