"""Money: an integer number of paise in one type. Never a float."""

from dataclasses import dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal
from functools import total_ordering

_PAISA, _ONE = Decimal("0.01"), Decimal(1)
# Decimals round to 28 digits unless told otherwise. Here a product keeps all of its digits, and an
# amount has a bound, so that nobody can make us write down 1E999999999.
_TOO_LARGE = 60
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_AMOUNT = Context(prec=_TOO_LARGE + 4, rounding=ROUND_HALF_UP)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in paise; negative amounts are allowed (round-offs, credits).

    Whatever is no amount (not finite, 10^60 or more) raises ValueError.
    """

    paise: int

    @classmethod
    def of(cls, rupees: Decimal | int) -> "Money":
        """From rupees. Raises ValueError for more than two decimals."""
        exact = Decimal(rupees)
        amount = _nearest(exact, _PAISA)
        if amount != exact:
            message = f"{exact:.20E} has more than two decimals"
            raise ValueError(message)
        return cls(int(_EXACT.scaleb(amount, 2)))

    @classmethod
    def rounded(cls, rupees: Decimal) -> "Money":
        """From exact rupees, rounded half up to the paisa (away from zero on a half)."""
        return cls(int(_EXACT.scaleb(_nearest(rupees, _PAISA), 2)))

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
        return Money(int(_nearest(product(Decimal(self.paise), factor), _ONE)))

    def over(self, divisor: Decimal) -> "Money":
        """The amount divided by an exact divisor, rounded half up to the paisa."""
        if not divisor.is_finite() or not divisor or abs(divisor.adjusted()) > _TOO_LARGE:
            message = f"{self.text()} cannot be divided by {divisor:.20E}"
            raise ValueError(message)
        above, below = divisor.as_integer_ratio()
        whole, rest = divmod(abs(self.paise) * below, abs(above))
        share = whole + (2 * rest >= abs(above))
        return Money(share if (self.paise < 0) == (above < 0) else -share)

    @property
    def rupees(self) -> Decimal:
        """Exact rupees with two decimals."""
        return _EXACT.scaleb(Decimal(self.paise), -2)

    def text(self) -> str:
        """As people and faults write it: `717007.00`."""
        sign = "-" if self.paise < 0 else ""
        return f"{sign}{abs(self.paise) // 100}.{abs(self.paise) % 100:02d}"


ZERO = Money(0)


def product(left: Decimal, right: Decimal) -> Decimal:
    """The product with all of its digits. Raises ValueError where one is not finite."""
    if not (left.is_finite() and right.is_finite()):
        message = f"{left:.20E} times {right:.20E} is no amount"
        raise ValueError(message)
    return _EXACT.multiply(left, right)


def _nearest(exact: Decimal, step: Decimal) -> Decimal:
    if not exact.is_finite() or exact.adjusted() >= _TOO_LARGE:
        message = f"{exact:.20E} is no amount"
        raise ValueError(message)
    return _AMOUNT.quantize(exact, step)
