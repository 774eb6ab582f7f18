"""The schedule of attempts, exactly as the protocol prints it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.delivery.retry import delay, gives_up, jittered, next_attempt
from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND

PRINTED = [0, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE]
PRINTED += [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR]


def lowest(size: int) -> bytes:
    return b"\x00" * size


def middle(size: int) -> bytes:
    return b"\x80" + b"\x00" * (size - 1)


def highest(size: int) -> bytes:
    return b"\xff" * size


@pytest.mark.parametrize(("failures", "planned"), list(enumerate(PRINTED)))
def test_delays_are_the_printed_ones_within_a_tenth(failures: int, planned: int) -> None:
    assert delay(failures, middle) == planned
    assert delay(failures, lowest) == planned * 9 // 10
    assert delay(failures, highest) == planned * 11 // 10


def test_an_endpoint_that_stays_dead_is_asked_once_a_day() -> None:
    assert delay(1_000_000, middle) == DAY


@given(planned=st.integers(0, 2 * DAY), drawn=st.binary(min_size=8, max_size=8))
def test_jitter_is_a_tenth_at_most(planned: int, drawn: bytes) -> None:
    assert abs(jittered(planned, lambda _size: drawn) - planned) <= planned // 10


def test_jitter_spreads() -> None:
    draws = iter(range(0, 2**64, 2**60))
    times = {jittered(HOUR, lambda _size: next(draws).to_bytes(8, "big")) for _ in range(16)}
    assert len(times) == 16


@pytest.mark.parametrize(
    ("failures", "asked", "waits"),
    [
        (0, None, 5 * SECOND),
        (0, 0, 5 * SECOND),
        (0, 5, 5 * SECOND),
        (0, 7, 7 * SECOND),
        (1, 7, 30 * SECOND),
        (3, 3_600, HOUR),
        (9, 3_600, DAY),
        (0, 86_400, DAY),
        (0, 86_401, DAY),
        (0, 10**9, DAY),
    ],
)
def test_a_failed_attempt_waits_for_the_later_of_schedule_and_wish(
    failures: int, asked: int | None, waits: int
) -> None:
    assert next_attempt(failures, asked, failed=True, random=middle) == waits


@pytest.mark.parametrize(
    ("asked", "waits"), [(0, SECOND), (1, SECOND), (60, MINUTE), (3_600, HOUR), (10**9, DAY)]
)
def test_who_only_wants_to_be_asked_again_is_asked_when_he_said(asked: int, waits: int) -> None:
    assert next_attempt(8, asked, failed=False, random=highest) == waits


@pytest.mark.parametrize(
    ("number", "asked", "waits"),
    [
        (1, 0, SECOND),
        (10, 0, SECOND),
        (11, 0, MINUTE),
        (11, 90, 90 * SECOND),
        (100, 60, MINUTE),
        (101, 60, 10 * MINUTE),
        (10_000, 3_600, HOUR),
    ],
)
def test_who_always_wants_to_be_asked_again_is_asked_less_often(
    number: int, asked: int, waits: int
) -> None:
    assert next_attempt(2, asked, failed=False, random=highest, pending=number) == waits


@given(
    failures=st.integers(0, 50),
    asked=st.none() | st.integers(0, 10**9),
    drawn=st.binary(min_size=8, max_size=8),
)
def test_the_wait_after_a_failure_is_bounded(
    failures: int, asked: int | None, drawn: bytes
) -> None:
    wait = next_attempt(failures, asked, failed=True, random=lambda _size: drawn)
    assert 4.5 * SECOND <= wait <= 1.1 * DAY
    assert wait >= min((asked or 0) * SECOND, DAY)


@pytest.mark.parametrize(
    ("age", "until_end", "parked"),
    [
        (0, False, False),
        (10 * DAY - 1, False, False),
        (10 * DAY, False, True),
        (11 * DAY, False, True),
        (10 * DAY, True, False),
        (1_000 * DAY, True, False),
    ],
)
def test_only_what_no_exchange_waits_for_is_given_up(
    age: int, until_end: bool, parked: bool
) -> None:
    created = 1_770_000_000 * SECOND
    assert gives_up(created, created + age, until_exchange_ends=until_end) is parked


def test_nineteen_attempts_before_a_fact_is_parked() -> None:
    """Nine in the first day, then one a day, the last of them after the tenth day."""
    now, attempts = 0, 1
    while not gives_up(0, now, until_exchange_ends=False):
        now += next_attempt(attempts - 1, None, failed=True, random=middle)
        attempts += 1
    assert attempts == 19
    assert 10 * DAY <= now < 11 * DAY
