"""States by their digits and letters."""

import pytest

from hundi.kernel.states import state_of


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("33", "33"), ("TN", "33"), ("tn", "33"), ("TS", "36"), ("TG", "36"), ("OR", "21"),
        ("96", "96"), ("77", None), ("00", None), ("XX", None), ("", None), ("Tamil Nadu", None),
    ],
)  # fmt: skip
def test_a_state_is_known_by_digits_and_letters(told: str, state: str | None) -> None:
    assert state_of(told) == state
