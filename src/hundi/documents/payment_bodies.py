"""Bodies of the payment's two messages, as `contract/b2b-payment.yaml` has them."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.shapes import (
    AdditionalInfo,
    B2BIds,
    Device,
    DocumentNumber,
    ObjectVersion,
)
from hundi.kernel.fields import Amount, Group, InstantText, ShortText, Strict

InvoiceStatus = Literal[
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
InvoiceId = Annotated[
    str,
    Meta(pattern=r"^INV[A-Za-z0-9]{32}\Z", extra={"wanted": "INV and 32 letters or digits"}),
]
PaymentId = Annotated[
    str,
    Meta(pattern=r"^PMT[A-Za-z0-9]{32}\Z", extra={"wanted": "PMT and 32 letters or digits"}),
]
PaymentType = Literal["ONPLATFORM", "OFFPLATFORM"]
PaymentMode = Literal[
    "INTERNET BANKING",
    "DEBIT CARD",
    "CREDIT CARD",
    "IMPS",
    "CASH",
    "UPI",
    "WALLET",
    "NEFT",
    "PREPAID CARD",
    "ACCOUNT TRANSFER",
    "CHEQUE",
]
Remarks = Annotated[
    str, Meta(pattern=r'^[^\\"]{1,100}\Z', extra={"wanted": "1 to 100 characters, no \\ or quote"})
]


class PaidAmount(Amount):
    """Rupees and paise that were paid, adjusted or are due: 0 to 10^15, 2 decimals."""

    __slots__ = ()
    least: ClassVar[Decimal] = Decimal(0)


class InvoiceTransition(Strict, frozen=True, kw_only=True):
    """An invoice's state as the sender believes it, and what the message makes of it."""

    never_empty: ClassVar[bool] = True
    currentStatus: InvoiceStatus
    newStatus: InvoiceStatus


class PaymentAmount(Group, frozen=True, kw_only=True):
    """Money paid, money adjusted, and their sum."""

    netPaidAmount: PaidAmount
    netAdjustmentAmount: PaidAmount
    totalAmount: PaidAmount
    currency: Literal["INR"]


class AmountSplit(Group, frozen=True, kw_only=True):
    """A named part of the adjustment: a tax deducted, a discount, a note that was counted before."""

    name: ShortText
    value: PaidAmount
    refNo: ShortText | UnsetType = UNSET


class InvoicePaymentAmount(Group, frozen=True, kw_only=True):
    """The share of the payment that settles one invoice."""

    netPaidAmount: PaidAmount
    netAdjustmentAmount: PaidAmount
    totalAmount: PaidAmount
    currency: Literal["INR"]
    splits: list[AmountSplit] | UnsetType = UNSET


class InvoiceAmount(Group, frozen=True, kw_only=True):
    """What the buyer's books say of the invoice: its total, and what is due before the payment."""

    dueAmount: PaidAmount
    totalAmount: PaidAmount
    currency: Literal["INR"]


class PayeeAccount(Group, frozen=True, kw_only=True):
    """`supplierBankAccountDetails`: where the money went, the account number masked."""

    maskedAccountNumber: Annotated[str, Meta(max_length=34)] | UnsetType = UNSET
    ifsc: (
        Annotated[str, Meta(pattern=r"^[A-Z]{4}0[A-Z0-9]{6}\Z", extra={"wanted": "an IFSC"})]
        | UnsetType
    ) = UNSET
    beneficiaryName: ShortText | UnsetType = UNSET
    businessVPA: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}\Z",
                extra={"wanted": "a UPI address such as acme@upi"},
            ),
        ]
        | UnsetType
    ) = UNSET


class Share(Group, frozen=True, kw_only=True):
    """One of `invoicesPayInfos`: an invoice and what of the payment settles it."""

    objectId: InvoiceId
    supplierInvoiceNumber: DocumentNumber
    objectVersion: ObjectVersion
    statusTransition: InvoiceTransition
    invoiceAmount: InvoiceAmount
    invoicePaymentAmount: InvoicePaymentAmount
    supplierBankAccountDetails: PayeeAccount | UnsetType = UNSET


class Payment(Group, frozen=True, kw_only=True):
    """Money that has moved for one or more invoices of one supplier."""

    objectId: PaymentId
    ts: InstantText
    type: PaymentType
    mode: PaymentMode
    utr: DocumentNumber
    currency: Literal["INR"]
    paymentAmount: PaymentAmount
    invoicesPayInfos: Annotated[list[Share], Meta(min_length=1)]


class ConfirmedInvoice(Strict, frozen=True, kw_only=True):
    """One of `invoiceInfos`: an invoice whose payment is confirmed or refused."""

    objectId: InvoiceId
    supplierInvoiceNumber: ShortText
    objectVersion: ObjectVersion
    statusTransition: InvoiceTransition


class PaymentConfirmation(Strict, frozen=True, kw_only=True):
    """The supplier's word on a payment that the buyer has told of."""

    objectId: PaymentId
    ts: InstantText
    type: PaymentType
    supplierResponse: Literal["ACCEPT", "REJECT"]
    supplierRemarks: Remarks
    invoiceInfos: Annotated[list[ConfirmedInvoice], Meta(min_length=1)]


class PayBody(Strict, frozen=True, kw_only=True):
    """Body of `req-pay`, sent by the buyer."""

    device: Device
    b2bIds: B2BIds
    payment: Payment
    additionalInfos: list[AdditionalInfo] | UnsetType = UNSET


class PayConfirmationBody(Strict, frozen=True, kw_only=True):
    """`req-pay-confirmation`, sent by the supplier: the money has come, or it has not."""

    device: Device
    b2bIds: B2BIds
    paymentConfirmation: PaymentConfirmation
    additionalInfos: list[AdditionalInfo] | UnsetType = UNSET
