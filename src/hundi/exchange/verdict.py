"""What a webhook's answer means, as a pure function of what came back.

Protocol, section 2, "Settle": SUCCESS under HTTP 200 settles; FAILURE or PARTIAL under 200 or 4xx
(not 408, 410, 429) declines; PENDING under 200 asks again; all else is a failed attempt.
"""

import json
from collections.abc import Sequence
from enum import Enum

import msgspec

ASK_AGAIN = 60
ASK_AGAIN_AT_MOST = 3_600
RETRY_AFTER_AT_MOST = 86_400
TEXT_AT_MOST = 1_000

_NEVER_DECLINES = frozenset({408, 410, 429})


class Kind(Enum):
    """Which of the three webhooks of an exchange a delivery is."""

    REQUEST = "REQ"  # req-X to the receiver: the sender's very bytes
    RESPONSE = "RESP"  # resp-X to the sender
    COPY = "COPY"  # the outcome to a receiver that may hold the request


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back from one attempt.

    `status` is None where no whole answer arrived; then `error` is a short word for the cause
    (`dns`, `egress`, `connect`, `tls`, `timeout`, `reset`, `not-http`), a colon and a phrase may
    follow it. `answer-too-large` stands beside a status: the body was cut. `reached` is False only
    for dns, egress, connect and tls: the receiver cannot have seen the request. `body` holds at
    most 64 KiB, or twice what was sent where that is more. `retry_after` is in seconds, as the
    receiver asked, unlimited.
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
    ERASED = "ERASED"  # nothing was sent: the body is not there any more


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and what travels back with it.

    `error_code`, `error_detail`, `error_field` are the receiver's own words on DECLINED (texts cut
    to 1,000 characters); `wait` is in seconds, set for ASK_AGAIN (default 60, at most 3,600) and for
    FAILED where the receiver asked with Retry-After (at most 24 h); `reason` is one short phrase. With
    `unsent` the network itself could not send it: that says nothing of the receiver.
    """

    decision: Decision
    reason: str
    error_code: str = ""
    error_detail: str = ""
    error_field: str = ""
    wait: int | None = None
    unsent: bool = False


_SUCCESS = Verdict(decision=Decision.SETTLED, reason="SUCCESS")


class _UnreadableError(ValueError):
    """An answer to a request in which no decision can be read; the text is a short phrase."""


def judge(
    answer: Answer,
    *,
    kind: Kind,
    req_msg_id: str,
    empty_means_success: bool,
    hidden: Sequence[str] = (),
) -> Verdict:
    """What an attempt led to. Never raises for what a receiver answers.

    `req_msg_id` is that of the request, also for its RESPONSE and COPY. `empty_means_success` is
    the option of the endpoint for an empty 200. What is `hidden` becomes `***` in the words that
    travel back; it decides nothing.
    """
    status = answer.status
    if status is None:
        return _failed(answer, answer.error or "no answer")
    if status == 410:
        return Verdict(decision=Decision.GONE, reason="HTTP 410")
    if kind is not Kind.REQUEST:
        return _informed(answer, status)
    if status != 200 and not _may_decline(status):
        return _failed(answer, f"HTTP {status}")
    try:
        return _decided(answer, req_msg_id, empty=empty_means_success, hidden=hidden)
    except _UnreadableError as trouble:
        reason = str(trouble) if status == 200 else f"HTTP {status}, {trouble}"
        return _failed(answer, reason)


def _may_decline(status: int) -> bool:
    return 400 <= status <= 499 and status not in _NEVER_DECLINES


def _failed(answer: Answer, reason: str) -> Verdict:
    asked = answer.retry_after
    wait = None if asked is None else min(asked, RETRY_AFTER_AT_MOST)
    return Verdict(decision=Decision.FAILED, reason=reason, wait=wait)


def _informed(answer: Answer, status: int) -> Verdict:
    if 200 <= status <= 299:
        return Verdict(decision=Decision.SETTLED, reason=f"HTTP {status}")
    return _failed(answer, f"HTTP {status}")


def _decided(answer: Answer, req_msg_id: str, *, empty: bool, hidden: Sequence[str]) -> Verdict:
    """The receiver's decision about a request, under 200 or a 4xx that may decline."""
    if answer.error is not None:
        raise _UnreadableError(answer.error)
    under_200 = answer.status == 200
    if under_200 and empty and not answer.body.strip():
        return Verdict(decision=Decision.SETTLED, reason="empty answer")
    resp = _resp(answer.body)
    if resp.get("reqMsgId") not in ("", req_msg_id, None):  # no set: an answer may hold a list here
        raise _UnreadableError("answer names another request")
    match resp.get("result"):
        case "SUCCESS" if under_200:
            return _SUCCESS
        case "PENDING" if under_200:
            asked = ASK_AGAIN if answer.retry_after is None else answer.retry_after
            wait = min(asked, ASK_AGAIN_AT_MOST)
            return Verdict(decision=Decision.ASK_AGAIN, reason="PENDING", wait=wait)
        case "FAILURE" | "PARTIAL" as result:
            return _declined(resp, result, hidden=hidden)
        case "SUCCESS" | "PENDING" as result:
            raise _UnreadableError(f"answer says {result}")
    raise _UnreadableError("answer has no known result")


def _declined(resp: dict[str, object], result: str, *, hidden: Sequence[str]) -> Verdict:
    return Verdict(
        decision=Decision.DECLINED,
        reason=result,
        error_code=_text(resp, "errorCd", hidden=hidden),
        error_detail=_text(resp, "errorDtl", hidden=hidden),
        error_field=_text(resp, "errorField", hidden=hidden),
    )


def _text(resp: dict[str, object], name: str, *, hidden: Sequence[str]) -> str:
    """An error member as it may be stored and sent on; what is no text or number counts as none."""
    value = resp.get(name)
    if not isinstance(value, str):
        return ""
    # PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _UnreadableError(f"answer's {name} holds a character that is none")
    for secret in hidden:  # before the cut, which could leave half of one
        value = value.replace(secret, "***")
    return value[:TEXT_AT_MOST]


def _resp(body: bytes) -> dict[str, object]:
    """`payload.resp` of an answer. Numbers come as their text: nothing here depends on one."""
    try:
        payload = _object_in(_read(body.decode()), "payload")
    except _UnreadableError:
        raise
    except (ValueError, RecursionError):
        phrase = "answer is not JSON" if body.strip() else "answer is empty"
        raise _UnreadableError(phrase) from None
    return _object_in(payload, "resp")


def _object_in(value: object, name: str) -> dict[str, object]:
    inner = value.get(name) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        raise _UnreadableError("answer has no payload.resp")
    return inner


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _UnreadableError("answer gives a member twice")
    return members


def _refuse_constant(name: str) -> object:
    raise _UnreadableError(f"answer holds {name}, which is not JSON")


_read = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=str, parse_float=str, parse_constant=_refuse_constant
).decode
