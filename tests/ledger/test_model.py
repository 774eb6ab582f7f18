"""Amounts of the ledger as people write them."""

import pytest

from hundi.ledger.model import Unit


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        (Unit.PAISE, 70_284_800, "702848.00"),
        (Unit.PAISE, -5, "-0.05"),
        (Unit.PAISE, 0, "0.00"),
        (Unit.PAISE, -12_345, "-123.45"),
        (Unit.THOUSANDTHS, 3_208_750, "3208.750"),
        (Unit.THOUSANDTHS, -1, "-0.001"),
        (Unit.COUNT, 2, "2"),
        (Unit.COUNT, -2, "-2"),
    ],
)
def test_an_amount_is_told_exactly(unit: Unit, amount: int, text: str) -> None:
    assert unit.text(amount) == text
