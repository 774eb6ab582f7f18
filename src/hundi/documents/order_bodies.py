"""Bodies of the purchase order's four messages, as `contract/b2b-purchase-order.yaml` has them."""

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from hundi.documents.shapes import (
    AdditionalDocument,
    AdditionalInfo,
    AddressDetail,
    B2BIds,
    BuyerDetails,
    ContractReference,
    Device,
    DocumentNumber,
    LineItem,
    ObjectId,
    ObjectVersion,
    PaymentMilestone,
    ShippingTerms,
    SupplierDetails,
    TypedAmount,
)
from hundi.kernel.fields import Amount, DateText, Group, InstantText, ShortText, Strict, Text

Status = Literal[
    "CREATED",
    "SENT TO SUPPLIER",
    "UNDER REVIEW",
    "ACCEPTED",
    "REJECTED",
    "CANCELLED",
    "CLOSED",
]


class StatusTransition(Strict, frozen=True, kw_only=True):
    """What the sender believes, and what it wants."""

    never_empty: ClassVar[bool] = True
    currentStatus: Status
    newStatus: Status


class OrderValue(Group, frozen=True, kw_only=True):
    """`poValueDetails`: taxable sum, amount to pay, and figures such as IGST, DISCOUNT, ROUND_OFF.

    Whatever is given must agree with the lines; all of it may be left out.
    """

    assessmentValue: Amount | UnsetType = UNSET
    totalPOValue: Amount | UnsetType = UNSET
    valueInfos: list[TypedAmount] | UnsetType = UNSET


class Order(Group, frozen=True, kw_only=True):
    """The order itself; members that it does not declare are carried untouched."""

    objectId: ObjectId
    buyerPONumber: DocumentNumber
    ts: InstantText
    orderDate: DateText
    deliveryDate: DateText
    subject: Text
    objectVersion: ObjectVersion
    poStatusTransition: StatusTransition
    supplierDetails: SupplierDetails
    buyerDetails: BuyerDetails
    addressDetails: list[AddressDetail]
    itemLists: list[LineItem]
    poValueDetails: OrderValue
    poInfos: list[AdditionalInfo]
    contractReferenceDetails: list[ContractReference]
    additionalDocumentDetails: list[AdditionalDocument]
    paymentMilestones: list[PaymentMilestone]
    shippingTermsDetails: ShippingTerms


class Confirmation(Strict, frozen=True, kw_only=True):
    """The supplier's answer to an order."""

    objectId: ObjectId
    buyerPONumber: DocumentNumber
    supplierResponse: Literal["ACCEPT", "REJECT", "RETURN"]
    supplierRemarks: ShortText
    objectVersion: ObjectVersion
    poStatusTransition: StatusTransition


class StatusChange(Strict, frozen=True, kw_only=True):
    """The buyer's change of an order's state."""

    objectId: ObjectId
    buyerPONumber: DocumentNumber
    objectVersion: ObjectVersion
    buyerAction: Literal["CANCEL", "CLOSE"]
    buyerRemarks: ShortText
    poStatusTransition: StatusTransition


class OrderBody(Strict, frozen=True, kw_only=True):
    """Body of `req-send` and `req-edit`."""

    device: Device
    b2bIds: B2BIds
    purchaseOrder: Order
    additionalInfos: list[AdditionalInfo]


class ConfirmBody(Strict, frozen=True, kw_only=True):
    """`req-confirm`, sent by the supplier: he accepts, rejects or returns what he was sent."""

    device: Device
    b2bIds: B2BIds
    poConfirmation: Confirmation
    additionalInfos: list[AdditionalInfo]


class StatusChangeBody(Strict, frozen=True, kw_only=True):
    """`req-status-change`, sent by the buyer: the order is cancelled or closed, its text kept."""

    device: Device
    b2bIds: B2BIds
    poStatus: StatusChange
    additionalInfos: list[AdditionalInfo]
