"""Inner objects that documents share, exactly as the contract's schemas name and limit them."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.kernel.fields import (
    Amount,
    DateText,
    Emptiable,
    Group,
    Price,
    Quantity,
    Rate,
    ShortText,
    Strict,
    Text,
)
from hundi.kernel.members import (
    AdditionalInfo,
    B2BId,
    Device,
    Email,
    GeoCodeTag,
    ObjectVersion,
    Pincode,
)

__all__ = [
    "AdditionalDocument",
    "AdditionalInfo",
    "AdditionalInfos",
    "Address",
    "AddressDetail",
    "B2BId",
    "B2BIds",
    "BatchDetails",
    "BuyerDetails",
    "ContactNumber",
    "ContractReference",
    "Device",
    "DocumentNumber",
    "Email",
    "GeoCodeTag",
    "Gstin",
    "LineItem",
    "ObjectId",
    "ObjectVersion",
    "PaymentMilestone",
    "Pincode",
    "ShippingTerms",
    "StateCode",
    "SupplierDetails",
    "TypedAmount",
    "TypedRate",
]

DocumentNumber = Annotated[
    str, Meta(pattern=r'^[^\\"]{1,50}\Z', extra={"wanted": "1 to 50 characters, no \\ or quote"})
]
# The contract prints the lengths alone. HTTP clients take `.` and `..` out of a path, escaped or
# not, so that a document of such a name could never be read again. Control characters neither: JSON
# writes them otherwise than they are stored, and who may see a document is looked for in JSON.
ObjectId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^(?!\.{1,2}\Z)[^\x00-\x1f\x7f]*\Z",
        extra={
            "wanted": "an id without control characters, other than . and .., which no path of a URL can hold"
        },
    ),
]
Gstin = Annotated[
    str,
    Meta(
        pattern=r"^(URP|[0-9]{2}[0-9A-Z]{13})?\Z",
        extra={"wanted": "a GSTIN of 15 characters, URP, or nothing"},
    ),
]
StateCode = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{2}|[A-Z]{2})\Z",
        extra={"wanted": "a state code of two digits or two letters"},
    ),
]


class B2BIds(Strict, frozen=True, kw_only=True):
    """The two parties of a trade message."""

    never_empty: ClassVar[bool] = True
    buyerB2BId: B2BId
    supplierB2BId: B2BId


class Address(Emptiable, frozen=True, kw_only=True):
    """A place to write or deliver to in India; the pincode has six digits and no leading zero.

    `{}` stands for "not given"; otherwise street, city, state and pincode are needed.
    """

    required_unless_empty: ClassVar[tuple[str, ...]] = ("addressLine1", "city", "state", "pincode")
    type: (
        Literal["REGISTERED", "CORPORATE", "HEAD OFFICE", "BRANCH OFFICE", "RESIDENTIAL", "OTHER"]
        | UnsetType
    ) = UNSET
    addressLine1: ShortText | UnsetType = UNSET
    addressLine2: ShortText | UnsetType = UNSET
    city: ShortText | UnsetType = UNSET
    state: ShortText | UnsetType = UNSET
    country: ShortText | UnsetType = UNSET
    pincode: Pincode | UnsetType = UNSET


class ContactNumber(Group, frozen=True, kw_only=True):
    """A phone number of a party."""

    type: ShortText | UnsetType = UNSET
    countryCode: ShortText | UnsetType = UNSET
    phoneNumber: ShortText | UnsetType = UNSET


class SupplierDetails(Group, frozen=True, kw_only=True):
    """The selling party."""

    never_empty: ClassVar[bool] = True
    b2bId: B2BId
    legalName: ShortText
    gstin: Gstin | UnsetType = UNSET
    tradeName: ShortText | UnsetType = UNSET
    stateCode: StateCode | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    contactNumber: ContactNumber | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class BuyerDetails(Group, frozen=True, kw_only=True):
    """The buying party, with the place of supply."""

    never_empty: ClassVar[bool] = True
    b2bId: B2BId
    legalName: ShortText
    gstin: Gstin | UnsetType = UNSET
    tradeName: ShortText | UnsetType = UNSET
    stateCode: StateCode | UnsetType = UNSET
    placeOfSupply: ShortText | UnsetType = UNSET
    address: Address | UnsetType = UNSET
    contactNumber: ContactNumber | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class AddressDetail(Emptiable, frozen=True, kw_only=True):
    """An address and what it is for."""

    required_unless_empty: ClassVar[tuple[str, ...]] = ("addressType", "address")
    addressType: ShortText | UnsetType = UNSET
    address: Address | UnsetType = UNSET


class TypedAmount(Emptiable, frozen=True, kw_only=True):
    """A figure with a label: a tax, a discount, a charge."""

    required_unless_empty: ClassVar[tuple[str, ...]] = ("type", "value")
    type: ShortText | UnsetType = UNSET
    value: Amount | UnsetType = UNSET


class TypedRate(Emptiable, frozen=True, kw_only=True):
    """A percentage with a label."""

    required_unless_empty: ClassVar[tuple[str, ...]] = ("type", "value")
    type: ShortText | UnsetType = UNSET
    value: Rate | UnsetType = UNSET


class BatchDetails(Group, frozen=True, kw_only=True):
    """Where goods come from one production lot: its number, last day of use, end of guarantee."""

    batchNumber: ShortText | UnsetType = UNSET
    expiryDate: DateText | UnsetType = UNSET
    warrantyDate: DateText | UnsetType = UNSET


class LineItem(Group, frozen=True, kw_only=True):
    """One line of an order or invoice."""

    serialno: ShortText
    productDescription: Text
    quantity: Quantity
    unitPrice: Price
    totalItemValue: Amount
    isService: ShortText | UnsetType = UNSET
    hsnCode: (
        Annotated[
            str, Meta(pattern=r"^([0-9]{4,8})?\Z", extra={"wanted": "an HSN of 4 to 8 digits"})
        ]
        | UnsetType
    ) = UNSET
    barCode: ShortText | UnsetType = UNSET
    freeQuantity: Quantity | UnsetType = UNSET
    unit: ShortText | UnsetType = UNSET
    totalAmt: Amount | UnsetType = UNSET
    assessmentAmount: Amount | UnsetType = UNSET
    gstRate: Rate | UnsetType = UNSET
    orderLineReference: ShortText | UnsetType = UNSET
    originCountry: Annotated[str, Meta(min_length=2, max_length=2)] | UnsetType = UNSET
    productSerialNumber: ShortText | UnsetType = UNSET
    itemValueDetails: list[TypedAmount] | UnsetType = UNSET
    rates: list[TypedRate] | UnsetType = UNSET
    batchDetails: BatchDetails | UnsetType = UNSET
    attributeDetails: list[AdditionalInfo] | UnsetType = UNSET
    additionalInfos: list[AdditionalInfo] | UnsetType = UNSET


class ContractReference(Group, frozen=True, kw_only=True):
    """References to contracts, tenders and receipts."""

    receiptAdviceReference: ShortText | UnsetType = UNSET
    receiptAdviceDate: DateText | UnsetType = UNSET
    tenderOrLotReference: ShortText | UnsetType = UNSET
    contractReference: ShortText | UnsetType = UNSET
    externalReference: ShortText | UnsetType = UNSET
    projectReference: ShortText | UnsetType = UNSET


class AdditionalDocument(Group, frozen=True, kw_only=True):
    """A supporting document; `document` is its content in base64 and bounded by the body alone."""

    url: Text | UnsetType = UNSET
    document: str | UnsetType = UNSET
    information: Text | UnsetType = UNSET


class PaymentMilestone(Group, frozen=True, kw_only=True):
    """When the buyer plans to pay which share; shares that miss the total are warned about."""

    dueDate: DateText | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET


class ShippingTerms(Group, frozen=True, kw_only=True):
    """How goods travel: an Incoterm such as `DAP`, a means such as `ROAD`, the day they are due.

    The contract guesses these members, so none is required and none is judged.
    """

    shippingTerms: ShortText | UnsetType = UNSET
    shippingMethod: ShortText | UnsetType = UNSET
    deliveryDate: DateText | UnsetType = UNSET


AdditionalInfos = list[AdditionalInfo]
