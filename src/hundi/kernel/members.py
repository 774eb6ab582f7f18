"""Small members that trade documents and onboarding calls spell alike."""

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from hundi.kernel.fields import Group, ShortText, Strict, Text, VersionNumber

B2BId = Annotated[
    str, Meta(pattern=r'^[^\\"]{1,100}\Z', extra={"wanted": "1 to 100 characters, no \\ or quote"})
]
# Written out: what `\s` stands for is another set here than in the patterns of a JSON Schema.
_NO_SPACE = r"[^@\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]"
Email = Annotated[
    str,
    Meta(
        pattern=rf"^{_NO_SPACE}{{1,64}}@{_NO_SPACE}{{1,255}}\Z",
        extra={"wanted": "an e-mail address"},
    ),
]
Pincode = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{5}\Z", extra={"wanted": "a pincode of six digits"})
]
Pan = Annotated[
    str, Meta(pattern=r"^[A-Z]{5}[0-9]{4}[A-Z]\Z", extra={"wanted": "a PAN of 10 characters"})
]
IFSC = r"^[A-Z]{4}0[A-Z0-9]{6}\Z"
"""The form of a bank branch's code. Each place says in its own words what it wants."""
VPA = r"^[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}\Z"
"""The form of a UPI address."""


class GeoCodeTag(Group, frozen=True, kw_only=True):
    """One device tag. The value is not judged: the page leaves it open."""

    never_empty: ClassVar[bool] = True
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(min_length=1, max_length=256)]


class Device(Group, frozen=True, kw_only=True):
    """Where the caller's action was made."""

    never_empty: ClassVar[bool] = True
    tag: GeoCodeTag


class ObjectVersion(Strict, frozen=True, kw_only=True):
    """The version that the sender acts on, and the one after the act; what is new goes 1 → 1."""

    never_empty: ClassVar[bool] = True
    currentVersion: VersionNumber
    newVersion: VersionNumber


class AdditionalInfo(Group, frozen=True, kw_only=True):
    """A free name and value."""

    name: ShortText | UnsetType = UNSET
    value: Text | UnsetType = UNSET
