"""Money is exact: integer paise, no float, no rounding that nobody asked for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel.money import ZERO, Money

PAISE = st.integers(-(10**19), 10**19)


@pytest.mark.parametrize(
    ("rupees", "paise"),
    [
        (Decimal("717007.00"), 71_700_700),
        (Decimal("-0.20"), -20),
        (Decimal("1E15"), 10**17),
        (Decimal("0.010000000000"), 1),
        (12, 1_200),
        (Decimal("-0"), 0),
    ],
)
def test_rupees_become_paise(rupees: Decimal | int, paise: int) -> None:
    assert Money.of(rupees) == Money(paise)


@pytest.mark.parametrize("rupees", [Decimal("0.001"), Decimal("1E-12"), Decimal("-5.005")])
def test_a_third_decimal_is_refused(rupees: Decimal) -> None:
    with pytest.raises(ValueError, match="more than two decimals"):
        Money.of(rupees)


@pytest.mark.parametrize(
    ("exact", "paise"),
    [("9793.125", 979_313), ("0.005", 1), ("-0.005", -1), ("0.0049", 0), ("-1.235", -124)],
)
def test_a_half_goes_away_from_zero(exact: str, paise: int) -> None:
    assert Money.rounded(Decimal(exact)) == Money(paise)


def test_the_widest_product_is_rounded_exactly() -> None:
    """Quantity and price may have 18 and 21 digits: more than decimals hold by default."""
    product = Decimal("999999999999999999999999999999.995")
    assert Money.rounded(product) == Money(10**32)


def test_a_rate_of_a_huge_amount_is_exact() -> None:
    factor = Decimal("0.333333333333")
    assert Money(10**19).times(factor) == Money(3_333_333_333_330_000_000)
    assert Money(10**19 + 3).times(Decimal(1)) == Money(10**19 + 3)


@pytest.mark.parametrize(
    ("paise", "text"),
    [(71_700_700, "717007.00"), (-20, "-0.20"), (5, "0.05"), (0, "0.00"), (-100, "-1.00")],
)
def test_text(paise: int, text: str) -> None:
    assert Money(paise).text() == text


@given(PAISE, PAISE)
def test_sums_are_those_of_integers(left: int, right: int) -> None:
    assert Money(left) + Money(right) == Money(left + right)
    assert Money(left) - Money(right) == Money(left + -right)
    assert -Money(left) == ZERO - Money(left)
    assert abs(Money(left)).paise == abs(left)
    assert (Money(left) < Money(right), Money(left) >= Money(right)) == (
        left < right,
        left >= right,
    )
    assert bool(Money(left)) is (left != 0)


@given(PAISE)
def test_rupees_and_text_come_back(paise: int) -> None:
    money = Money(paise)
    assert Money.of(money.rupees) == money
    assert Money.of(Decimal(money.text())) == money


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**6))
def test_times_is_rounded_half_up_once(paise: int, thousandths: int) -> None:
    exact = abs(paise) * thousandths
    whole, rest = divmod(exact, 1000)
    expected = whole + (rest >= 500)
    assert Money(paise).times(Decimal(thousandths).scaleb(-3)).paise == (
        expected if paise > 0 else -expected
    )
