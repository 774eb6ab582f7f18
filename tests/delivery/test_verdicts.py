"""Our own words for attempts: nothing that the log's mask takes for a secret, and times in seconds."""

from hundi.delivery import verdicts
from hundi.exchange.verdict import ASK_AGAIN_AT_MOST, Answer, Verdict
from hundi.observing.masking import Masking


def test_the_log_shows_them_whole() -> None:
    masking = Masking()
    words = [one.error for one in vars(verdicts).values() if isinstance(one, Answer)]
    words += [one.reason for one in vars(verdicts).values() if isinstance(one, Verdict)]
    assert len(words) > 5
    assert [masking.value("error", one) for one in words] == words


def test_they_wait_for_seconds_as_receivers_ask_for() -> None:
    waits = [one.wait for one in vars(verdicts).values() if isinstance(one, Verdict)]
    asked = [wait for wait in waits if wait is not None]
    assert len(asked) >= 3
    assert all(0 <= wait <= ASK_AGAIN_AT_MOST for wait in asked)
