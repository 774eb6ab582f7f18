"""Limits of calls: how they are read, and what a bucket lets in."""

import pytest

from hundi.kernel.clock import MINUTE, SECOND
from hundi.kernel.rates import (
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
    with pytest.raises(BadRateError, match="Give"):
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


def test_without_a_limit_nothing_is_remembered() -> None:
    buckets = Buckets()
    assert taken(buckets, NO_LIMIT, now=NOW) == 1000
    assert not buckets._full_at
