"""Limits of calls: how they are read, and what a bucket lets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hundi.kernel.clock import MINUTE, SECOND
from hundi.kernel.rates import (
    LATE_AT_MOST,
    NO_LIMIT,
    USUAL,
    BadRateError,
    Buckets,
    Rate,
    Rates,
    rate_from,
    rates_from,
)

NOW = 1_000 * MINUTE


def test_what_the_setting_leaves_out_is_usual() -> None:
    assert rates_from("", usual=USUAL) == USUAL
    assert rates_from("messages=5/7", usual=USUAL) == Rates(Rate(5, 7), USUAL.reads)
    assert rates_from(" reads = 3 , messages=off", usual=USUAL) == Rates(NO_LIMIT, Rate(3, 6))
    assert rates_from("off", usual=USUAL) == Rates()


@pytest.mark.parametrize(
    "text", ["5", "writes=5", "messages", "messages=0", "messages=-1", "reads=1/0", "reads=1e3",
             "reads=999999", "messages=5,,reads=5", "reads=5/", "reads=1.5"],
)  # fmt: skip
def test_what_is_no_limit_is_told(text: str) -> None:
    with pytest.raises(BadRateError, match=r"^HUNDI_RATE_LIMITS: '.*' is no .*\. Give"):
        rates_from(text, usual=USUAL)


def taken(buckets: Buckets, rate: Rate, *, now: int, tries: int = 1000) -> int:
    return sum(not buckets.take("A", rate, now) for _ in range(tries))


def test_a_bucket_gives_what_it_holds_and_then_a_share_of_each_second() -> None:
    buckets, rate = Buckets(), rate_from("10/25")
    assert taken(buckets, rate, now=NOW) == 25
    assert buckets.take("A", rate, NOW) == SECOND // 10
    assert taken(buckets, rate, now=NOW + SECOND) == 10
    assert taken(buckets, rate, now=NOW + MINUTE) == 25, "rest fills it, and no more than full"


def test_a_refused_call_costs_nothing() -> None:
    buckets, rate = Buckets(), Rate(1, 1)
    assert taken(buckets, rate, now=NOW, tries=500) == 1
    assert taken(buckets, rate, now=NOW + SECOND, tries=1) == 1


def test_clients_have_buckets_of_their_own() -> None:
    buckets, rate = Buckets(), Rate(1, 1)
    for client in ("A", "B"):
        assert buckets.take(client, rate, NOW) == 0
        assert buckets.take(client, rate, NOW) > 0


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    buckets, rate = Buckets(), Rate(10, 20)
    taken(buckets, rate, now=NOW)
    assert taken(buckets, rate, now=NOW - 10 * MINUTE) == 20


def test_a_limit_that_was_raised_holds_from_then_on() -> None:
    buckets = Buckets()
    taken(buckets, Rate(1, 100), now=NOW)
    assert taken(buckets, Rate(100, 200), now=NOW) == 200


@given(some.lists(some.tuples(some.integers(0, SECOND), some.integers(0, LATE_AT_MOST - SECOND))))
def test_calls_whose_token_was_looked_up_meanwhile_get_no_more(
    calls: list[tuple[int, int]],
) -> None:
    """Each comes so long after the one before, and is judged by a moment so long ago."""
    buckets, rate, now, earliest, let_in = Buckets(), Rate(10, 10), NOW, NOW, 0
    for later, late in calls:
        now += later
        earliest = min(earliest, now - late)
        let_in += taken(buckets, rate, now=now - late, tries=20)
    assert let_in <= 10 + 10 * (now - earliest) // SECOND


def test_a_late_call_does_not_fill_the_bucket() -> None:
    buckets, rate = Buckets(), Rate(10, 10)
    assert taken(buckets, rate, now=NOW) == 10
    assert buckets.take("A", rate, NOW - 30_000) == SECOND // 10 + 30_000
    assert taken(buckets, rate, now=NOW) == 0


def test_without_a_limit_nothing_is_remembered() -> None:
    buckets = Buckets()
    assert taken(buckets, NO_LIMIT, now=NOW) == 1000
    assert not buckets._full_at
