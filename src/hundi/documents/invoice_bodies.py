"""Bodies of the invoice's four messages, as `contract/b2b-invoice.yaml` has them."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.shapes import (
    B2BIds,
    Device,
    DocumentNumber,
    TypedAmount,
)
from hundi.documents.supply_shapes import (
    BilledSupply,
    EInvoiceInfo,
    Remarks,
)
from hundi.kernel.fields import Amount, Group, InstantText, ShortText, Strict, Text

INVOICE_ID = r"^INV[A-Za-z0-9]{32}\Z"
InvoiceId = Annotated[
    str, Meta(pattern=INVOICE_ID, extra={"wanted": "INV and 32 letters or digits"})
]
ContentVersion = Annotated[int, Meta(ge=1, le=2_147_483_647)]
"""A version of an invoice: the contract counts them from 1."""

Status = Literal[
    "CREATED",
    "SENT TO BUYER",
    "UNDER REVIEW",
    "ACCEPTED",
    "REJECTED",
    "CANCELLED",
    "PAYMENT INITIATED",
    "PARTIALLY PAID",
    "PAID",
    "CLOSED",
]


class InvoiceVersion(Strict, frozen=True, kw_only=True):
    """The content version that the sender acts on, and the one after the act."""

    never_empty: ClassVar[bool] = True
    currentVersion: ContentVersion
    newVersion: ContentVersion


class StatusTransition(Strict, frozen=True, kw_only=True):
    """What the sender believes, and what it wants."""

    never_empty: ClassVar[bool] = True
    currentStatus: Status
    newStatus: Status


class TransactionDetails(Group, frozen=True, kw_only=True):
    """The tax nature of the supply; what is not told is not judged."""

    taxScheme: ShortText | UnsetType = UNSET
    supplyType: ShortText | UnsetType = UNSET
    reverseChargeTax: ShortText | UnsetType = UNSET
    igstChargable: ShortText | UnsetType = UNSET
    ecommerceGstin: ShortText | UnsetType = UNSET


class InvoiceValue(Group, frozen=True, kw_only=True):
    """`valueDetails`: taxable sum, amount to pay, and figures such as IGST, DISCOUNT, ROUND_OFF."""

    assessmentValue: Amount | UnsetType = UNSET
    totalInvoiceValue: Amount | UnsetType = UNSET
    valueInfos: list[TypedAmount] | UnsetType = UNSET


class InvoiceFinancing(Group, frozen=True, kw_only=True):
    """What the supplier says about financing; the network goes by its own books."""

    financingRequestId: ShortText | UnsetType = UNSET
    faId: ShortText | UnsetType = UNSET
    financierId: ShortText | UnsetType = UNSET
    approvedAmount: Amount | UnsetType = UNSET


class Invoice(BilledSupply, frozen=True, kw_only=True):
    """The invoice itself; members that it does not declare are carried untouched."""

    objectId: InvoiceId
    supplierInvoiceNumber: DocumentNumber
    objectVersion: InvoiceVersion
    ts: InstantText
    statusTransition: StatusTransition
    transactionDetails: TransactionDetails
    valueDetails: InvoiceValue
    invoiceFinancingDetails: InvoiceFinancing
    einvoiceResponse: Text
    eInvoiceInfo: EInvoiceInfo


class Confirmation(Strict, frozen=True, kw_only=True):
    """The buyer's answer to an invoice."""

    objectId: InvoiceId
    supplierInvoiceNumber: DocumentNumber
    objectVersion: InvoiceVersion
    buyerResponse: Literal["ACCEPT", "REJECT", "RETURN"]
    buyerRemarks: Remarks
    statusTransition: StatusTransition


class StatusChange(Strict, frozen=True, kw_only=True):
    """The supplier's change of an invoice's state."""

    objectId: InvoiceId
    supplierInvoiceNumber: DocumentNumber
    objectVersion: InvoiceVersion
    supplierAction: Literal["CANCEL", "CLOSE"]
    supplierRemarks: Remarks
    statusTransition: StatusTransition


class InvoiceBody(Strict, frozen=True, kw_only=True):
    """Body of `req-send-invoice` and `req-edit-invoice`."""

    device: Device
    b2bIds: B2BIds
    invoice: Invoice


class ConfirmBody(Strict, frozen=True, kw_only=True):
    """`req-confirm-invoice`, sent by the buyer: he accepts, rejects or returns what he was sent."""

    device: Device
    b2bIds: B2BIds
    invoiceConfirmation: Confirmation


class StatusChangeBody(Strict, frozen=True, kw_only=True):
    """`req-status-change-invoice`, sent by the supplier: cancelled or closed, its text kept."""

    device: Device
    b2bIds: B2BIds
    invoiceStatus: StatusChange
