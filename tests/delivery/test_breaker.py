"""The breaker under a clock that the test moves."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from hundi.delivery.breaker import (
    CONCURRENCY,
    LONGEST_PAUSE,
    REMEMBERED,
    SWIFT_MILLISECONDS,
    SWIFT_TIMES,
    THRESHOLD,
    Breaker,
)
from hundi.kernel.clock import HOUR, MINUTE, SECOND

START = 1_770_000_000 * SECOND
SLOW = SWIFT_MILLISECONDS + 1


def middle(size: int) -> bytes:
    return b"\x80" + b"\x00" * (size - 1)


def opened(times: int = THRESHOLD) -> Breaker:
    breaker = Breaker(random=middle)
    for _ in range(times):
        breaker.failed("dead", START)
    return breaker


def test_a_healthy_endpoint_has_its_bound() -> None:
    breaker = Breaker(random=middle, concurrency=7)
    assert breaker.allows("healthy", START) == 7
    assert breaker.open_until("healthy", START) is None


def test_who_answers_soon_has_more_in_flight() -> None:
    breaker = Breaker(random=middle)
    assert breaker.allows("swift", START) == CONCURRENCY, "nobody knows it yet"
    breaker.succeeded("swift", SWIFT_MILLISECONDS)
    assert breaker.allows("swift", START) == CONCURRENCY * SWIFT_TIMES
    assert breaker.allows("other", START) == CONCURRENCY
    breaker.succeeded("swift", SLOW)
    assert breaker.allows("swift", START) == CONCURRENCY


def test_room_is_named_for_those_of_whom_something_is_known() -> None:
    breaker = Breaker(random=middle)
    for _ in range(THRESHOLD):
        breaker.failed("dead", START)
    breaker.failed("ailing", START)
    for one in ("swift", "idle"):
        breaker.succeeded(one, SWIFT_MILLISECONDS)
    assert breaker.room({"swift": 40, "ailing": 20, "plain": 5}, START) == {
        "swift": CONCURRENCY * SWIFT_TIMES - 40,
        "ailing": CONCURRENCY // 2 - 20,
        "plain": CONCURRENCY - 5,
        "dead": 0,
    }


def test_who_fails_has_to_show_again_that_it_is_swift() -> None:
    breaker = Breaker(random=middle)
    breaker.succeeded("swift", 1)
    breaker.failed("swift", START)
    assert breaker.allows("swift", START) == CONCURRENCY // 2
    breaker.succeeded("swift", SLOW)
    assert breaker.allows("swift", START) == CONCURRENCY


def test_each_failure_in_a_row_halves_the_bound() -> None:
    bounds = [opened(failures).allows("dead", START) for failures in range(THRESHOLD)]
    assert bounds == [CONCURRENCY >> failures for failures in range(THRESHOLD)]
    narrow = Breaker(random=middle, concurrency=1)
    narrow.failed("dead", START)
    assert narrow.allows("dead", START) == 1


def test_five_failures_in_a_row_open_it() -> None:
    assert opened(4).allows("dead", START) > 0
    breaker = opened(5)
    assert breaker.allows("dead", START) == 0
    assert breaker.open_until("dead", START) == START + SECOND
    assert breaker.open_count(START) == 1


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = opened(4)
    breaker.succeeded("dead", SLOW)
    breaker.failed("dead", START)
    assert breaker.allows("dead", START) == CONCURRENCY // 2


def test_after_the_pause_one_probe_may_go() -> None:
    breaker = opened()
    assert breaker.allows("dead", START + SECOND - 1) == 0
    assert breaker.allows("dead", START + SECOND) == 1
    assert breaker.open_until("dead", START + SECOND) is None


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.succeeded("dead", SLOW)
    assert breaker.allows("dead", START + SECOND) == CONCURRENCY


def test_probes_that_fail_double_the_pause_up_to_a_minute() -> None:
    breaker, now, pauses = opened(), START, []
    for _ in range(9):
        until = breaker.open_until("dead", now)
        assert until is not None
        pauses.append((until - now) // SECOND)
        now = until
        breaker.failed("dead", now)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_attempts_that_started_before_it_opened_change_nothing() -> None:
    breaker = opened()
    for _ in range(40):
        breaker.failed("dead", START + SECOND // 2)
    assert breaker.open_until("dead", START) == START + SECOND


def test_pauses_are_jittered() -> None:
    draws = iter(range(0, 2**64, 2**62))
    breaker = Breaker(random=lambda size: next(draws).to_bytes(size, "big"))
    for name in "abcd":
        for _ in range(THRESHOLD):
            breaker.failed(name, START)
    assert len({breaker.open_until(name, START) for name in "abcd"}) == 4


def test_one_endpoint_is_no_concern_of_another() -> None:
    assert opened().allows("healthy", START) == CONCURRENCY


def test_a_clock_that_is_set_back_keeps_no_endpoint_waiting() -> None:
    breaker = opened()
    assert breaker.allows("dead", START - HOUR) == 1


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    breaker = opened()
    tracemalloc.start()
    for number in range(REMEMBERED * 3):
        breaker.failed(f"client-{number}", START)
        breaker.succeeded(f"swift-{number}", 1)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 10 << 20
    assert breaker.allows("dead", START) == CONCURRENCY
    assert breaker.allows(f"client-{REMEMBERED * 3 - 1}", START) == CONCURRENCY // 2
    assert breaker.allows("swift-0", START) == CONCURRENCY
    assert breaker.allows(f"swift-{REMEMBERED * 3 - 1}", START) == CONCURRENCY * SWIFT_TIMES


@given(st.lists(st.tuples(st.sampled_from(["failed", "succeeded"]), st.integers(0, 2 * MINUTE))))
def test_nobody_waits_for_longer_than_the_longest_pause(events: list[tuple[str, int]]) -> None:
    breaker, now = Breaker(random=middle), START
    for event, step in events:
        now += step
        getattr(breaker, event)("one", now if event == "failed" else SLOW)
        assert breaker.allows("one", now + LONGEST_PAUSE) >= 1
        assert 0 <= breaker.allows("one", now) <= CONCURRENCY
