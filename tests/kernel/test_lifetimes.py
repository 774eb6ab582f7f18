"""The setting of times to live: what it says, and what it cannot."""

import pytest

from hundi.kernel.clock import DAY, HOUR, MINUTE
from hundi.kernel.lifetimes import BadLifetimeError, Lifetimes, lifetimes_from

SEND, CONFIRM = "purchase-order/req-send", "invoice/req-confirm-invoice"


@pytest.mark.parametrize(
    ("text", "usual", "named"),
    [
        ("", 10 * DAY, {}),
        (" ", 10 * DAY, {}),
        ("1m", MINUTE, {}),
        ("90d", 90 * DAY, {}),
        (f"10d, {SEND}=3d,{CONFIRM} = 36h", 10 * DAY, {SEND: 3 * DAY, CONFIRM: 36 * HOUR}),
        (f"{SEND}=2h", 10 * DAY, {SEND: 2 * HOUR}),
    ],
)
def test_it_is_read(text: str, usual: int, named: dict[str, int]) -> None:
    assert lifetimes_from(text) == Lifetimes(usual, named)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10", "'10' is no time"),
        ("10 d", "from 1m to 90d"),
        ("0m", "from 1m to 90d"),
        ("91d", "from 1m to 90d"),
        ("1.5h", "'1.5h'"),
        ("-1d", "'-1d'"),
        ("\u0661d", "is no time"),
        ("10d,", "'' is no time"),
        (f"{SEND}=", "'' is no time"),
        ("10d,,2d", "'' is no time"),
        ("=3d", "no message is named"),
        ("1d, 2d", "given twice"),
        (f"{SEND}=1d, {SEND}=1d", f"{SEND} is given twice"),
    ],
)
def test_a_mistake_is_told(text: str, says: str) -> None:
    with pytest.raises(BadLifetimeError, match="HUNDI_TIME_TO_LIVE") as told:
        lifetimes_from(text)
    assert says in str(told.value)


def test_a_message_without_a_time_of_its_own_has_the_usual_one() -> None:
    times = lifetimes_from(f"2d, {SEND}=3d")
    assert (times.of(SEND), times.of(CONFIRM)) == (3 * DAY, 2 * DAY)
