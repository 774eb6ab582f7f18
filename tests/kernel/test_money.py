"""Money is exact: integer paise, no float, no rounding that nobody asked for."""

from collections.abc import Callable
from decimal import Decimal, getcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel.money import ZERO, Money, product

PAISE = st.integers(-(10**19), 10**19)
HUGE = st.integers(1 - 10**60, 10**60 - 1)
ANY_DECIMAL = st.builds(
    lambda digits, exponent: Decimal((digits < 0, tuple(map(int, str(abs(digits)))), exponent)),
    st.integers(-(10**45), 10**45),
    st.integers(-1_200, 1_200) | st.integers(-999_999, 999_954),
)
"""Decimals of up to 45 digits, anywhere from 1E-999999 to 1E999999."""


def half_up(exact: Fraction) -> int:
    """Rounded by whole numbers alone, away from zero on a half."""
    whole, rest = divmod(abs(exact.numerator), exact.denominator)
    size = whole + (2 * rest >= exact.denominator)
    return size if exact > 0 else -size


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


@pytest.mark.parametrize(
    "rupees", ["Infinity", "-Infinity", "NaN", "sNaN", "1E62", "1E999999", "-1E100", "9" * 62]
)
@pytest.mark.parametrize("make", [Money.of, Money.rounded, Money(5).times])
def test_what_is_no_amount_is_one_kind_of_error(
    make: Callable[[Decimal], Money], rupees: str
) -> None:
    """Never OverflowError or a signal of decimal arithmetic, which nobody would catch."""
    with pytest.raises(ValueError, match=r"no amount|more than two decimals"):
        make(Decimal(rupees))


@pytest.mark.parametrize("divisor", ["0", "-0", "Infinity", "NaN", "sNaN", "1E-999999"])
def test_nothing_is_divided_by_what_is_no_divisor(divisor: str) -> None:
    with pytest.raises(ValueError, match="cannot be divided by"):
        Money(5).over(Decimal(divisor))


def test_an_amount_that_decimals_would_round_stays_itself() -> None:
    """28 digits are what decimal arithmetic keeps by default; this has 40."""
    rupees = Decimal("9" * 40)
    assert Money.of(rupees).paise == int("9" * 40 + "00")
    assert Money(int("9" * 42)).rupees == Decimal("9" * 40 + ".99")


@pytest.mark.parametrize(
    ("paise", "divisor", "share"),
    [
        (118_000, "1.18", 100_000),
        (128_475, "1.18", 108_877),
        (5, "2", 3),
        (-5, "2", -3),
        (0, "7", 0),
    ],
)
def test_over_takes_the_tax_out_again(paise: int, divisor: str, share: int) -> None:
    assert Money(paise).over(Decimal(divisor)) == Money(share)


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


@given(HUGE)
def test_huge_amounts_come_back(paise: int) -> None:
    assert Money.of(Money(paise).rupees) == Money(paise)
    assert Money.rounded(Money(paise).rupees) == Money(paise)
    assert Money(paise).times(Decimal(1)) == Money(paise) == Money(paise).over(Decimal(1))


@given(ANY_DECIMAL)
def test_any_decimal_is_an_amount_or_a_value_error(rupees: Decimal) -> None:
    """Exact or refused, whatever the size; the context of the caller plays no part."""
    getcontext().clear_flags()
    of = Money.of
    for make, scale in ((of, 100), (Money.rounded, 100), (Money(1).times, 1)):
        try:
            made = make(rupees)
        except ValueError:
            assert rupees.adjusted() > 59 or make is of
            continue
        exact = half_up(Fraction(rupees) * scale) if rupees.adjusted() > -1_000 else 0
        assert made.paise == exact
    assert not any(getcontext().flags.values())


@given(HUGE, st.decimals(allow_nan=False, allow_infinity=False, places=12))
def test_times_is_exact_at_any_size(paise: int, factor: Decimal) -> None:
    exact = half_up(paise * Fraction(factor))
    if abs(exact) < 10**60:
        assert Money(paise).times(factor).paise == exact


@given(HUGE, st.integers(1, 10**9))
def test_over_is_rounded_half_up_once(paise: int, millionths: int) -> None:
    exact = half_up(Fraction(paise * 10**6, millionths))
    assert Money(paise).over(Decimal(millionths).scaleb(-6)).paise == exact


@given(st.integers(0, 10**18), st.integers(-(10**21), 10**21))
def test_a_product_keeps_all_its_digits(quantity: int, price: int) -> None:
    made = product(Decimal(quantity).scaleb(-3), Decimal(price).scaleb(-6))
    assert Fraction(made) == Fraction(quantity * price, 10**9)
