r"""What the typed body of a request is made of: groups of members, and the types of the members.

    class Address(Emptiable, kw_only=True):
        required_unless_empty: ClassVar[tuple[str, ...]] = ("addressLine1", "city")
        addressLine1: ShortText | UnsetType = UNSET
        city: ShortText | UnsetType = UNSET
        pincode: Annotated[str, Meta(pattern=r"^[1-9][0-9]{5}\Z")] | UnsetType = UNSET

    class ObjectVersion(Strict, kw_only=True):
        never_empty: ClassVar[bool] = True
        currentVersion: int
        newVersion: int

- Every object is a `Group` (unknown members are carried untouched and not read), a `Strict` one
  (unknown members are refused) or an `Emptiable` one (`{}` is allowed though members are required).
  Each class says `kw_only=True` itself: msgspec does not inherit it.
- A required member has no default. An optional member is `X | UnsetType = UNSET`, and there `""`
  means absent, whatever `X` is; `{}` means absent too where the group has required members, unless
  its class says `never_empty`. Such a member is read as `UNSET`. `null` is refused everywhere.
- Arrays are `list[X]`; `[]` passes unless `Meta(min_length=…)` says otherwise. Closed lists of
  words are `Literal["A", "B"]`.
- Decimal numbers are `Amount`, `Quantity`, `Price`, `Rate` or another subclass of `Figure`, never a
  bare `Decimal`, for which msgspec takes quoted numbers. Whole numbers are `int`.
- Patterns end in `\Z`: `$` lets a line feed pass at the end. `Meta(extra={"wanted": "a pincode of
  six digits"})` beside a pattern tells people what to send.
"""

from decimal import Context, Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct


class Group(Struct, frozen=True, kw_only=True, gc=False):
    """An object of a body. Members that it does not declare are ignored.

    `never_empty` marks the groups that may not be `{}` even where they are optional.
    """

    never_empty: ClassVar[bool] = False


class Strict(Group, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """An object that the network acts on: members that it does not declare are refused."""


class Emptiable(Group, frozen=True, kw_only=True, gc=False):
    """An object that is complete or empty: `{}`, or all members of `required_unless_empty`.

    These members are declared optional, and are `UNSET` where the object is empty. Unlike truly
    optional ones they take `""` as a text, not as absent.
    """

    required_unless_empty: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where the object is neither complete nor empty."""
        for name in self.required_unless_empty:
            if getattr(self, name) is UNSET and not self.empty:
                raise ValueError(f"{name} is missing")

    @property
    def empty(self) -> bool:
        """True where no declared member was given."""
        return all(getattr(self, name) is UNSET for name in self.__struct_fields__)


class Figure(Decimal):
    """An exact number with at most `places` decimals (trailing zeros do not count).

    It lies between `least` and `most`. Only `read` checks this; arithmetic gives plain `Decimal`.
    """

    __slots__ = ()
    places: ClassVar[int] = 12
    least: ClassVar[Decimal] = Decimal("-1E20")
    most: ClassVar[Decimal] = Decimal("1E20")


_STEPS = tuple(Decimal((0, (1,), -places)) for places in range(13))
_WIDE = Context(prec=64)


def fits(kind: type[Figure], value: Decimal | int) -> bool:
    """Whether a number lies within the bounds of a kind of figure."""
    return kind.least <= value <= kind.most


def too_fine(kind: type[Figure], value: Decimal | int) -> bool:
    """Whether a number within the bounds has more decimals than its kind allows."""
    if isinstance(value, int):
        return False
    step = _STEPS[kind.places]
    return not value.same_quantum(step) and _WIDE.quantize(value, step) != value


class Amount(Figure):
    """Rupees and paise: 2 decimals, within ± 10^15. May be negative (a round-off)."""

    __slots__ = ()
    places: ClassVar[int] = 2
    least: ClassVar[Decimal] = Decimal("-1E15")
    most: ClassVar[Decimal] = Decimal("1E15")


class Price(Amount):
    """The price of one unit: 6 decimals, within ± 10^15."""

    __slots__ = ()
    places: ClassVar[int] = 6


class Quantity(Figure):
    """How many or how much: 3 decimals, 0 to 10^15."""

    __slots__ = ()
    places: ClassVar[int] = 3
    least: ClassVar[Decimal] = Decimal(0)
    most: ClassVar[Decimal] = Decimal("1E15")


class Rate(Figure):
    """Percent: 3 decimals, 0 to 1,000."""

    __slots__ = ()
    places: ClassVar[int] = 3
    least: ClassVar[Decimal] = Decimal(0)
    most: ClassVar[Decimal] = Decimal(1000)


VersionNumber = Annotated[int, Meta(ge=0, le=2_147_483_647)]
"""A version of a document: fits an integer column of any database."""

_DATE_FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT_FORM = (
    _DATE_FORM + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)

_LEAP_YEAR = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DATE = (
    r"(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET = r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

Text = Annotated[str, Meta(max_length=10_000)]
"""Any text up to 10,000 characters."""

ShortText = Annotated[str, Meta(max_length=1_000)]
"""Any text up to 1,000 characters: names, titles, references."""

DateText = Annotated[
    str,
    Meta(pattern=rf"^{_DATE}\Z", extra={"form": _DATE_FORM, "wanted": "a date such as 2025-01-31"}),
]
"""A day of the calendar as `YYYY-MM-DD`, kept as text; `date.fromisoformat` reads it."""

InstantText = Annotated[
    str,
    Meta(
        pattern=rf"^{_DATE}T{_TIME}{_OFFSET}\Z",
        extra={"form": _INSTANT_FORM, "wanted": "a moment such as 2025-01-31T10:30:00+05:30"},
    ),
]
"""A moment by RFC 3339 with an offset, kept as text; `datetime.fromisoformat` reads it."""
