"""Bodies of the four onboarding calls, and the life of an entity until it may trade.

Bodies are those of `contract/b2b-onboarding.yaml`, the life cycle is its `x-lifecycle`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from hundi.kernel.fields import Group, ShortText, Strict
from hundi.kernel.members import (
    IFSC,
    VPA,
    AdditionalInfo,
    B2BId,
    Device,
    Email,
    ObjectVersion,
    Pan,
    Pincode,
)

AREA = "business-onboarding"

LegalForm = Literal[
    "SOLE PROP",
    "BOI",
    "AOP",
    "HUF",
    "COMPANY",
    "LLP",
    "PARTNERSHIP FIRM",
    "TRUST",
    "GOVERNEMNT AGENCY",
    "GOVERNMENT AGENCY",
    "LOCAL AUTHORITY",
    "AJP",
]
OrgObjectId = Annotated[
    str, Meta(pattern=r"^ORG[A-Za-z0-9]{32}\Z", extra={"wanted": "ORG and 32 letters or digits"})
]
Name = Annotated[
    str,
    Meta(
        pattern=r'^[^\\"]*\Z',
        min_length=1,
        max_length=256,
        extra={"wanted": "1 to 256 characters, no \\ or quote"},
    ),
]
Label = Annotated[str, Meta(min_length=1, max_length=256)]
Value = Annotated[str, Meta(min_length=1, max_length=100)]
Initiator = Annotated[str, Meta(min_length=1)]
Identified = Literal["GSTIN", "UDYAM", "SHOP ESTABLISHMENT NUMBER", "TAN", "FSSAI"]


class OnboardingB2BIds(Strict, frozen=True, kw_only=True):
    """Who asks: a B2B ID that the caller serves."""

    never_empty: ClassVar[bool] = True
    requestorB2BId: B2BId


class CheckInstitute(Group, frozen=True, kw_only=True):
    """The business that is looked up by its PAN."""

    docName: Literal["PAN"]
    type: LegalForm
    value: Pan
    registeredName: Name


class Lei(Group, frozen=True, kw_only=True):
    """What identifies the legal entity: its PAN, legal form and the name on the card."""

    documentName: Literal["PAN"]
    type: LegalForm
    value: Pan
    registeredName: Label


class BusinessIdentifier(Group, frozen=True, kw_only=True):
    """A registration of the business or of one branch: GSTIN, Udyam number and so on."""

    documentName: Identified
    value: Value
    registeredName: Label

    @property
    def key(self) -> tuple[str, str]:
        """What is unique on the network; case does not count."""
        return self.documentName, self.value.upper()


class InstituteAddress(Group, frozen=True, kw_only=True):
    """A place of the business; the state is written out in capitals."""

    type: Literal["REGISTERED", "CORPORATE", "HEAD OFFICE", "BRANCH OFFICE", "RESIDENTIAL", "OTHER"]
    addressLine1: Label
    addressLine2: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    city: Label
    state: ShortText
    country: ShortText
    pincode: Pincode


class BankAccount(Group, frozen=True, kw_only=True):
    """Where the business wants to be paid."""

    businessVPA: (
        Annotated[str, Meta(pattern=VPA, extra={"wanted": "a UPI address such as name@bank"})]
        | UnsetType
    ) = UNSET
    type: Literal["SAVINGS", "CURRENT", "DEFAULT", "CREDIT"] | UnsetType = UNSET
    accountNum: Annotated[
        str,
        Meta(pattern=r"^[0-9A-Za-z]{6,34}\Z", extra={"wanted": "6 to 34 letters or digits"}),
    ]
    ifsc: Annotated[str, Meta(pattern=IFSC, extra={"wanted": "an IFSC of 11 characters"})]
    beneficiaryName: Annotated[str, Meta(min_length=1, max_length=50)]


class InstituteContactNumber(Group, frozen=True, kw_only=True):
    """A telephone number in India or elsewhere: ten digits behind the country's prefix."""

    type: ShortText
    countryCode: Annotated[
        str, Meta(pattern=r"^\+[0-9]{1,4}\Z", extra={"wanted": "a prefix such as +91"})
    ]
    phoneNumber: Annotated[str, Meta(pattern=r"^[0-9]{10}\Z", extra={"wanted": "ten digits"})]


class Institute(Group, frozen=True, kw_only=True):
    """A business as it registers."""

    objectId: OrgObjectId
    objectVersion: ObjectVersion
    name: Name
    alias: ShortText | UnsetType = UNSET
    defaultB2BId: B2BId
    mccCode: Annotated[str, Meta(pattern=r"^[0-9]{4}\Z", extra={"wanted": "four digits"})]
    lei: Lei
    primaryBusinessIdentifier: BusinessIdentifier
    otherBusinessIdentifiers: list[BusinessIdentifier] | UnsetType = UNSET
    addresses: Annotated[list[InstituteAddress], Meta(min_length=1)]
    bankAccounts: Annotated[list[BankAccount], Meta(min_length=1)]
    contactNumbers: Annotated[list[InstituteContactNumber], Meta(min_length=1)]
    emails: list[Email] | UnsetType = UNSET
    cin: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Z][0-9]{5}[A-Z]{2}[0-9]{4}[A-Z]{3}[0-9]{6}\Z",
                extra={"wanted": "a CIN of 21 characters"},
            ),
        ]
        | UnsetType
    ) = UNSET
    dins: (
        list[Annotated[str, Meta(pattern=r"^[0-9]{8}\Z", extra={"wanted": "eight digits"})]]
        | UnsetType
    ) = UNSET
    primaryContactNumber: InstituteContactNumber
    primaryEmail: Email | UnsetType = UNSET

    @property
    def identifiers(self) -> tuple[tuple[str, BusinessIdentifier], ...]:
        """(path below `institute`, identifier), the primary one first."""
        others = self.otherBusinessIdentifiers or []
        numbered = ((f"otherBusinessIdentifiers[{n}]", one) for n, one in enumerate(others))
        return (("primaryBusinessIdentifier", self.primaryBusinessIdentifier), *numbered)

    @property
    def registered_address(self) -> InstituteAddress:
        """The one of type REGISTERED, else the first: its state and pincode are public."""
        found = (one for one in self.addresses if one.type == "REGISTERED")
        return next(found, self.addresses[0])


class B2BIdRegistration(Group, frozen=True, kw_only=True):
    """One further B2B ID that is wanted."""

    value: Value
    privacyType: Literal["PUBLIC", "PRIVATE"]
    reason: Literal["BRANCH", "OTHER"] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    businessIdentifier: BusinessIdentifier


class RegB2BIds(Group, frozen=True, kw_only=True):
    """The B2B IDs that one call wants: all of them, or none."""

    ids: Annotated[list[B2BIdRegistration], Meta(min_length=1)]


class SearchCriterion(Group, frozen=True, kw_only=True):
    """One condition; those of a search are joined by "or"."""

    searchParameter: ShortText
    operator: Literal["EXACT"]
    value: Value


class Search(Group, frozen=True, kw_only=True):
    """What to look for: at least one condition."""

    criteria: Annotated[list[SearchCriterion], Meta(min_length=1)]


class CheckEntityBody(Strict, frozen=True, kw_only=True):
    """`reg-check-entity`: is the business known?"""

    initiatorEntity: Initiator
    objectId: OrgObjectId
    device: Device
    checkInstitute: CheckInstitute


class RegisterEntityBody(Strict, frozen=True, kw_only=True):
    """`reg-entity`: the whole business with its default B2B ID."""

    initiatorEntity: Initiator
    device: Device
    institute: Institute
    additionalInfos: list[AdditionalInfo] | UnsetType = UNSET


class RegisterIdBody(Strict, frozen=True, kw_only=True):
    """`reg-id`: more B2B IDs for a business that is registered."""

    initiatorEntity: Initiator
    objectId: OrgObjectId
    device: Device
    onboardingB2BIds: OnboardingB2BIds
    regB2BIds: RegB2BIds


class SearchEntityBody(Strict, frozen=True, kw_only=True):
    """`search-entity`: who is behind a PAN, a GSTIN, a B2B ID and so on."""

    initiatorEntity: Initiator
    objectId: OrgObjectId
    device: Device
    onboardingB2BIds: OnboardingB2BIds
    search: Search


class Status(Enum):
    """The states of an entity that this network brings about."""

    NEW = "NEW"
    CHECKED = "CHECKED"
    PENDING = "REGISTRATION PENDING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A row of the entity's life. `on` is None where the portal has no call: ours are used."""

    source: Status
    target: Status
    by: str
    on: str | None


LIFE = (
    Step(source=Status.NEW, target=Status.CHECKED, by="client", on="reg-check-entity"),
    Step(source=Status.CHECKED, target=Status.PENDING, by="client", on="reg-entity"),
    Step(source=Status.PENDING, target=Status.ACTIVE, by="platform", on="respRegEntity"),
    Step(source=Status.PENDING, target=Status.CHECKED, by="platform", on="respRegEntity"),
    Step(source=Status.ACTIVE, target=Status.INACTIVE, by="client", on=None),
    Step(source=Status.INACTIVE, target=Status.ACTIVE, by="client", on=None),
)
"""ACTIVE and INACTIVE are states of each B2B ID of an entity, the others of its registration."""


def leads(source: Status, on: str) -> Status | None:
    """Where a client's call takes an entity; None where its life does not allow the call now."""
    found = (s.target for s in LIFE if (s.source, s.by, s.on) == (source, "client", on))
    return next(found, None)


class Contact(Struct, frozen=True, kw_only=True):
    """Whom a one-time code goes to: the number as dialled, and the address where one was given.

    The business named them itself. `document` and `identifier` are its primary registration (GSTIN
    and its number): by them a gateway finds out whom the registry knows, and sends to nobody else.
    `pan` is what it claims to be: the registry must know the registration as that PAN's.
    """

    phone: str
    email: str
    document: str
    identifier: str
    pan: str


class Found(Struct, frozen=True, kw_only=True):
    """An entity as others may see it: never its contacts, never a private or inactive B2B ID."""

    entity_id: str
    object_id: str | None
    name: str
    alias: str
    state: str
    pincode: str
    ids: tuple[tuple[str, str], ...]


class Register(Struct, frozen=True, kw_only=True):
    """What is taken on the network of what a call names.

    `identifiers` maps (document, value) to the owning entity; `b2b_ids` are those of the wanted
    that exist; `pan_taken` says whether an entity has the PAN, `object_taken` the objectId.
    """

    identifiers: Mapping[tuple[str, str], str]
    b2b_ids: frozenset[str]
    pan_taken: bool = False
    object_taken: bool = False
