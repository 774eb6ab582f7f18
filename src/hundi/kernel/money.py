"""Money: an integer number of paise in one type. Never a float."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import total_ordering

_PAISA = Decimal("0.01")
# A product of the widest quantity and price has 39 digits; the usual context holds 28 and raises.
_WIDE = Context(prec=64, rounding=ROUND_HALF_UP)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in paise; negative amounts are allowed (round-offs, credits)."""

    paise: int

    @classmethod
    def of(cls, rupees: Decimal | int) -> "Money":
        """From rupees. Raises ValueError for more than two decimals."""
        paise = Decimal(rupees).scaleb(2)
        if paise != paise.to_integral_value():
            message = f"{rupees} has more than two decimals"
            raise ValueError(message)
        return cls(int(paise))

    @classmethod
    def rounded(cls, rupees: Decimal) -> "Money":
        """From exact rupees, rounded half up to the paisa (away from zero on a half)."""
        return cls(int(_WIDE.scaleb(_WIDE.quantize(rupees, _PAISA), 2)))

    def __add__(self, other: "Money") -> "Money":
        """The sum."""
        return Money(self.paise + other.paise)

    def __sub__(self, other: "Money") -> "Money":
        """The difference."""
        return Money(self.paise - other.paise)

    def __neg__(self) -> "Money":
        """The amount the other way round."""
        return Money(-self.paise)

    def __abs__(self) -> "Money":
        """The amount without its sign."""
        return Money(abs(self.paise))

    def __bool__(self) -> bool:
        """False for nothing."""
        return self.paise != 0

    def __lt__(self, other: "Money") -> bool:
        """Order by amount."""
        return self.paise < other.paise

    def times(self, factor: Decimal) -> "Money":
        """The amount times an exact factor, rounded half up to the paisa."""
        return Money.rounded(_WIDE.multiply(self.rupees, factor))

    @property
    def rupees(self) -> Decimal:
        """Exact rupees with two decimals."""
        return Decimal(self.paise).scaleb(-2)

    def text(self) -> str:
        """As people and faults write it: `717007.00`."""
        sign = "-" if self.paise < 0 else ""
        return f"{sign}{abs(self.paise) // 100}.{abs(self.paise) % 100:02d}"


ZERO = Money(0)
