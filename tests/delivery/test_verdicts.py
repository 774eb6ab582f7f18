"""Our own words for attempts hold nothing that the log's mask takes for a secret."""

from hundi.delivery import verdicts
from hundi.exchange.verdict import Answer, Verdict
from hundi.observing.masking import Masking


def test_the_log_shows_them_whole() -> None:
    masking = Masking()
    words = [one.error for one in vars(verdicts).values() if isinstance(one, Answer)]
    words += [one.reason for one in vars(verdicts).values() if isinstance(one, Verdict)]
    assert len(words) > 5
    assert [masking.value("error", one) for one in words] == words
