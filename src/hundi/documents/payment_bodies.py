"""Bodies of the payment's two messages, as `contract/b2b-payment.yaml` has them."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.invoice_bodies import InvoiceId, InvoiceVersion, StatusTransition
from hundi.documents.shapes import AdditionalInfo, B2BIds, Device, DocumentNumber
from hundi.documents.supply_shapes import Ifsc, Remarks
from hundi.kernel.fields import Amount, Group, InstantText, ShortText, Strict
from hundi.kernel.members import VPA

MOST_INVOICES = 1000
"""Invoices that one payment may be for: all of them are locked, and booked on, at once."""
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


class PaidAmount(Amount):
    """Rupees and paise that were paid, adjusted or are due: 0 to 10^15, 2 decimals."""

    __slots__ = ()
    least: ClassVar[Decimal] = Decimal(0)


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
    ifsc: Ifsc | UnsetType = UNSET
    beneficiaryName: ShortText | UnsetType = UNSET
    businessVPA: (
        Annotated[str, Meta(pattern=VPA, extra={"wanted": "a UPI address such as acme@upi"})]
        | UnsetType
    ) = UNSET


class Share(Group, frozen=True, kw_only=True):
    """One of `invoicesPayInfos`: an invoice and what of the payment settles it."""

    objectId: InvoiceId
    supplierInvoiceNumber: DocumentNumber
    objectVersion: InvoiceVersion
    statusTransition: StatusTransition
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
    invoicesPayInfos: Annotated[list[Share], Meta(min_length=1, max_length=MOST_INVOICES)]


class ConfirmedInvoice(Strict, frozen=True, kw_only=True):
    """One of `invoiceInfos`: an invoice whose payment is confirmed or refused."""

    objectId: InvoiceId
    supplierInvoiceNumber: ShortText
    objectVersion: InvoiceVersion
    statusTransition: StatusTransition


class PaymentConfirmation(Strict, frozen=True, kw_only=True):
    """The supplier's word on a payment that the buyer has told of."""

    objectId: PaymentId
    ts: InstantText
    type: PaymentType
    supplierResponse: Literal["ACCEPT", "REJECT"]
    supplierRemarks: Remarks
    invoiceInfos: Annotated[list[ConfirmedInvoice], Meta(min_length=1, max_length=MOST_INVOICES)]


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
