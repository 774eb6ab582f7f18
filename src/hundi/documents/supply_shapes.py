"""Inner objects that an invoice and the notes about it share, as the contract's schemas have them.

What they share with orders stands in `shapes`.
"""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.shapes import (
    AdditionalDocument,
    Address,
    BuyerDetails,
    ContractReference,
    Gstin,
    LineItem,
    PaymentMilestone,
    ShippingTerms,
    SupplierDetails,
)
from hundi.kernel.fields import Amount, DateText, Figure, Group, ShortText, Text
from hundi.kernel.members import IFSC

Remarks = Annotated[
    str, Meta(pattern=r'^[^\\"]{1,100}\Z', extra={"wanted": "1 to 100 characters, no \\ or quote"})
]
Hsn = Annotated[str, Meta(pattern=r"^[0-9]{4,8}\Z", extra={"wanted": "an HSN of 4 to 8 digits"})]
Irn = Annotated[
    str,
    Meta(pattern=r"^([0-9a-fA-F]{64})?\Z", extra={"wanted": "an IRN of 64 hex digits, or nothing"}),
]
Ifsc = Annotated[str, Meta(pattern=IFSC, extra={"wanted": "an IFSC such as FICT0000033"})]
# Not `VPA`: the contract's own form for invoices and notes lets a handle start with a digit.
Vpa = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._-]{2,256}@[A-Za-z0-9]{2,64}\Z",
        extra={"wanted": "a UPI address such as mill@upi"},
    ),
]
Days = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class BilledLine(LineItem, frozen=True, kw_only=True, gc=False):
    """One line of an invoice or note: as an order's, but its HSN is told."""

    hsnCode: Hsn


class DispatchDetails(Group, frozen=True, kw_only=True):
    """Where goods start, if not at the supplier's address."""

    name: ShortText | UnsetType = UNSET
    address: Address | UnsetType = UNSET


class ShippingDetails(Group, frozen=True, kw_only=True):
    """Who receives the goods, if not the buyer at his address."""

    gstin: Gstin | UnsetType = UNSET
    legalName: ShortText | UnsetType = UNSET
    tradeName: ShortText | UnsetType = UNSET
    stateCode: ShortText | UnsetType = UNSET
    address: Address | UnsetType = UNSET


class SupplierBankAccount(Group, frozen=True, kw_only=True):
    """Where the supplier wants to be paid."""

    maskedAccountNumber: ShortText | UnsetType = UNSET
    ifsc: Ifsc | UnsetType = UNSET
    beneficiaryName: ShortText | UnsetType = UNSET
    businessVPA: Vpa | UnsetType = UNSET
    accountNumber: ShortText | UnsetType = UNSET
    accountType: ShortText | UnsetType = UNSET
    bankName: ShortText | UnsetType = UNSET


class AdvancePayment(Group, frozen=True, kw_only=True):
    """What was paid before the invoice, and the terms of the rest: `creditDays` from acceptance."""

    paidAmount: Amount | UnsetType = UNSET
    dueAmount: Amount | UnsetType = UNSET
    paymentTerms: ShortText | UnsetType = UNSET
    creditDays: Days | UnsetType = UNSET


class InvoiceReference(Group, frozen=True, kw_only=True):
    """The document's own date, the day it asks to be paid on, and its period."""

    invoiceRemarks: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    invoicePeriodStartDate: DateText | UnsetType = UNSET
    invoicePeriodEndDate: DateText | UnsetType = UNSET
    invoiceDate: DateText | UnsetType = UNSET
    dueDate: DateText | UnsetType = UNSET


class PrecedingInvoice(Group, frozen=True, kw_only=True):
    """An earlier invoice: by number and date, or by its network id in `otherReference`."""

    invoiceNumber: ShortText | UnsetType = UNSET
    invoiceDate: DateText | UnsetType = UNSET
    otherReference: ShortText | UnsetType = UNSET


class OrderReference(Group, frozen=True, kw_only=True):
    """An order that is billed: by its network id, or by the buyer's number and its date."""

    objectId: ShortText | UnsetType = UNSET
    buyerPONumber: ShortText | UnsetType = UNSET
    orderDate: DateText | UnsetType = UNSET


class ExportDetails(Group, frozen=True, kw_only=True):
    """Shipping bill, port and foreign currency; amounts everywhere else are in rupees."""

    shippingBillNumber: ShortText | UnsetType = UNSET
    shippingBillDate: DateText | UnsetType = UNSET
    portCode: ShortText | UnsetType = UNSET
    refundClaim: ShortText | UnsetType = UNSET
    foreignCurrency: ShortText | UnsetType = UNSET
    countryCode: ShortText | UnsetType = UNSET
    exportDuty: Figure | UnsetType = UNSET


class EwayBill(Group, frozen=True, kw_only=True):
    """Who carries the goods, and on what; carried and not judged."""

    transporterId: ShortText | UnsetType = UNSET
    transporterName: ShortText | UnsetType = UNSET
    transportMode: ShortText | UnsetType = UNSET
    distance: Figure | UnsetType = UNSET
    transportDocumentNumber: ShortText | UnsetType = UNSET
    transportDocumentDate: DateText | UnsetType = UNSET
    vehicleNumber: ShortText | UnsetType = UNSET
    vehicleType: ShortText | UnsetType = UNSET


class RecurringPayments(Group, frozen=True, kw_only=True):
    """A standing plan of payments; carried and not judged."""

    frequency: ShortText | UnsetType = UNSET
    startDate: DateText | UnsetType = UNSET
    endDate: DateText | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET


class EInvoiceInfo(Group, frozen=True, kw_only=True):
    """Registration with the tax authority: an IRN makes the document unchangeable."""

    schemaVersion: Text | UnsetType = UNSET
    irnNumber: Irn | UnsetType = UNSET
    irnTs: ShortText | UnsetType = UNSET


class BilledSupply(Group, frozen=True, kw_only=True):
    """What an invoice and a note share: who supplies what to whom, and what it refers to."""

    supplierDetails: SupplierDetails
    buyerDetails: BuyerDetails
    dispatchDetails: DispatchDetails
    shippingDetails: ShippingDetails
    itemLists: list[BilledLine]
    supplierBankAccountDetails: SupplierBankAccount
    advancePaymentDetails: AdvancePayment
    invoiceReferenceDetails: InvoiceReference
    precedingInvoiceDetails: list[PrecedingInvoice]
    poDetails: list[OrderReference]
    contractReferenceDetails: list[ContractReference]
    additionalDocumentDetails: list[AdditionalDocument]
    exportDetails: ExportDetails
    ewayBillDetail: EwayBill
    recurringPayments: RecurringPayments
    paymentMilestones: list[PaymentMilestone]
    shippingTermsDetails: ShippingTerms
