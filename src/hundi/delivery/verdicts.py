"""What attempts come to of which no receiver has decided anything: nothing sent, or nothing written."""

import msgspec

from hundi.exchange.verdict import Answer, Decision, Verdict
from hundi.kernel.clock import MINUTE, SECOND

NO_ENDPOINT = Answer(
    status=None, body=b"", retry_after=None, milliseconds=0, reached=False, error="no endpoint"
)
NOT_OPENED = msgspec.structs.replace(
    NO_ENDPOINT, error="sealed: the network cannot open the webhook secret"
)
NOT_OPENED_VERDICT = Verdict(
    decision=Decision.ASK_AGAIN,
    reason="not sent: the network cannot open the webhook secret",
    wait=MINUTE // SECOND,
    unsent=True,
)
"""Of an attempt whose signing secret is sealed under a key that this process has not got yet."""
NOTHING_SENT = Answer(
    status=None, body=b"", retry_after=None, milliseconds=0, reached=False, error="not sent"
)
ERASED_VERDICT = Verdict(decision=Decision.ERASED, reason="the body was erased")
LATE_VERDICT = Verdict(
    decision=Decision.ASK_AGAIN,
    reason="not sent: the database took too long to lease it",
    wait=0,
)
LAPSED = Answer(
    status=None, body=b"", retry_after=None, milliseconds=0, reached=True, error="lease"
)
LAPSED_VERDICT = Verdict(decision=Decision.FAILED, reason="the lease ran out without an end")
UNWRITTEN_VERDICT = Verdict(
    decision=Decision.ASK_AGAIN,
    reason="answered, and this process cannot write it down: asked again",
    wait=MINUTE // SECOND,
)
"""Of an answer to a message that only a newer version knows: one of those may ask the next time."""
