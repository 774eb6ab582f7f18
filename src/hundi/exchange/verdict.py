"""What a webhook's answer means, as a pure function of what came back.

Protocol, section 2, "Settle": SUCCESS under HTTP 200 settles; FAILURE or PARTIAL under 200 or 4xx
(not 408, 410, 429) declines; PENDING under 200 asks again; all else is a failed attempt.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Which of the three webhooks of an exchange a delivery is."""

    REQUEST = "REQ"  # req-X to the receiver: the sender's very bytes
    RESPONSE = "RESP"  # resp-X to the sender
    COPY = "COPY"  # the outcome to a receiver that may hold the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from one attempt.

    `status` is None where no whole answer arrived; then `error` is a short word for the cause
    (`dns`, `egress`, `connect`, `tls`, `timeout`, `reset`, `answer-too-large`). `reached` is False
    only for dns, egress, connect and tls: the receiver cannot have seen the request. `body` holds
    at most 64 KiB. `retry_after` is in seconds, as the receiver asked, unlimited.
    """

    status: int | None
    body: bytes
    retry_after: int | None
    milliseconds: int
    reached: bool
    error: str | None


class Decision(Enum):
    """What an attempt led to."""

    SETTLED = "SETTLED"  # SUCCESS, or any 2xx for a response or copy
    DECLINED = "DECLINED"
    ASK_AGAIN = "ASK_AGAIN"
    FAILED = "FAILED"
    GONE = "GONE"  # 410: failed, and the endpoint is disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision and what travels back with it.

    `error_code`, `error_detail`, `error_field` are the receiver's own words on DECLINED (texts cut
    to 1,000 characters); `wait` is in seconds, set for ASK_AGAIN (default 60, at most 3,600) and for
    FAILED where the receiver asked with Retry-After (at most 24 h); `reason` is one short phrase.
    """

    decision: Decision
    reason: str
    error_code: str = ""
    error_detail: str = ""
    error_field: str = ""
    wait: int | None = None
