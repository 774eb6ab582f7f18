"""Bodies of the three financing messages, as `contract/b2b-financing.yaml` has them.

The contract marks every member of `bid` optional and prints many as plain text; what the network
goes by (ids, lenders) has a length here.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from hundi.documents.invoice_bodies import Invoice, InvoiceId
from hundi.documents.payment_bodies import PaidAmount
from hundi.documents.shapes import B2BId, B2BIds, Device, ObjectId
from hundi.kernel.fields import Figure, Group, ShortText, Strict
from hundi.kernel.members import Pan

MOST = 100
"""Invoices, bids or answers that one message may bring: each is a document under a lock."""
LenderId = Annotated[str, Meta(min_length=1, max_length=100)]
EntityRole = Annotated[str, Meta(min_length=1, max_length=100)]
"""`initiatorEntity`: BUYER, SUPPLIER or FINANCIER; the page prints no list of words."""


class BidValue(Figure):
    """A lender's price. Nobody says whether it is a rate or an amount: carried, never computed."""

    __slots__ = ()
    least: ClassVar[Decimal] = Decimal(0)


class FinanceProvider(Group, frozen=True, kw_only=True):
    """A financing platform, and the lenders that are asked on it (`financierId`, a list)."""

    faId: LenderId
    financierId: list[LenderId] | UnsetType = UNSET


class PartyPans(Group, frozen=True, kw_only=True):
    """`b2bPAN`: by their PANs lenders know buyer and supplier."""

    buyerPAN: Pan
    supplierPAN: Pan


class FinanceRequest(Group, frozen=True, kw_only=True):
    """A call for bids; the invoices travel whole, for lenders have never seen them."""

    initiatorB2BId: B2BId
    financingRequestId: ObjectId
    financeId: Annotated[list[FinanceProvider], Meta(min_length=1)]
    b2bPAN: PartyPans
    costOfFundBearer: ShortText
    financingRequestAmount: PaidAmount
    financingType: ShortText
    invoices: Annotated[list[Invoice], Meta(min_length=1, max_length=MOST)]


class FinancingBody(Strict, frozen=True, kw_only=True):
    """Body of `req-financing`, sent by the buyer or the supplier."""

    initiatorEntity: EntityRole
    b2bIds: B2BIds
    device: Device
    financeRequest: FinanceRequest


class InvoiceFinDetail(Group, frozen=True, kw_only=True):
    """What a lender approves on one invoice."""

    objectId: InvoiceId
    approvedAmount: PaidAmount
    financingRequestAmount: PaidAmount | UnsetType = UNSET


class BidDetail(Group, frozen=True, kw_only=True):
    """One bid; `financeTermDoc` is a link or base64 and bounded by the body alone."""

    bidId: ObjectId
    financierId: LenderId
    approvedAmount: PaidAmount
    bidValue: BidValue
    invoiceFinDetails: Annotated[list[InvoiceFinDetail], Meta(max_length=MOST)] | UnsetType = UNSET
    financeTermDoc: str | UnsetType = UNSET


class Bid(Group, frozen=True, kw_only=True):
    """A lender's bids on one financing request."""

    faId: LenderId | UnsetType = UNSET
    financingRequestId: ObjectId | UnsetType = UNSET
    financingRequestAmount: PaidAmount | UnsetType = UNSET
    bidDetails: Annotated[list[BidDetail], Meta(max_length=MOST)] | UnsetType = UNSET


class ShareBidBody(Strict, frozen=True, kw_only=True):
    """Body of `share-bid`, sent by a lender; it names no B2B IDs."""

    initiatorEntity: EntityRole | UnsetType = UNSET
    device: Device
    bid: Bid


class BidDecision(Strict, frozen=True, kw_only=True):
    """The initiator's answer to one bid."""

    bidId: ObjectId
    financierId: LenderId
    response: Literal["ACCEPT", "REJECT"]
    acceptedAmount: PaidAmount | UnsetType = UNSET
    remarks: Annotated[str, Meta(max_length=100)] | UnsetType = UNSET


class BidResponse(Strict, frozen=True, kw_only=True):
    """Answers to bids of one request."""

    faId: LenderId | UnsetType = UNSET
    financingRequestId: ObjectId
    responses: Annotated[list[BidDecision], Meta(min_length=1, max_length=MOST)]


class RespondBidBody(Strict, frozen=True, kw_only=True):
    """`respond-bid`, sent by who asked: one bid is taken, or none."""

    initiatorEntity: EntityRole | UnsetType = UNSET
    b2bIds: B2BIds | UnsetType = UNSET
    device: Device
    bidResponse: BidResponse


def shared_path(place: int) -> str:
    """The JSON path of a bid that a lender shares."""
    return f"bid.bidDetails[{place}]"


def answer_path(place: int) -> str:
    """The JSON path of the answer to a bid."""
    return f"bidResponse.responses[{place}]"


def shared(body: ShareBidBody) -> Sequence[BidDetail]:
    """The bids of the message, none where it has none."""
    return body.bid.bidDetails or ()
