"""Answers of the simulated ERP: their bodies, and the manner in which they leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

import msgspec

from hundi.simulator.rules import Do
from hundi.simulator.webhook import Message

ACK = b'{"response_code":0,"response_message":"SUCCESS","payload":""}'
MALFORMED = b'{"response_message":"SUCCESS","response_code":0,"payload":{"resp":{"result":"SUCC'

_encode = msgspec.json.encode


class Manner(Enum):
    """How an answer leaves. Everything but WHOLE needs an edge that plays along."""

    WHOLE = auto()  # at once, as it is
    HOLD = auto()  # not decided: wait for a release or `seconds`, then ask `Erp.resume`
    DELAY = auto()  # as it is, `seconds` later
    DRIP = auto()  # a byte each `seconds`
    PADDED = auto()  # as it is, then blanks up to `size` bytes
    RESET = auto()  # its first half under its full length, then a reset connection
    NEVER = auto()  # nothing, the connection stays open
    DOWN = auto()  # nothing, the connection is reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An answer as it is kept, for every repeat. `result` is the word of the log."""

    status: int
    result: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the edge does with a webhook.

    `entry` is its number in the log of received webhooks, 0 before it is logged.
    """

    status: int
    result: str
    body: bytes
    manner: Manner = Manner.WHOLE
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    size: int = 0
    entry: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result block of an answer to a request, before it is spelled."""

    result: str
    code: str = ""
    detail: str = ""
    field: str = ""


def envelope(message: Message, verdict: Verdict, *, status: int = 200) -> Stored:
    """The answer to a request: its own members echoed byte for byte, and the verdict."""
    said, code = ("SUCCESS", 0) if status == 200 else ("FAILURE", status)
    body = b'{"response_message":"%b","response_code":%d,"payload":%b}' % (
        said.encode(),
        code,
        _payload(message, verdict),
    )
    return Stored(status=status, result=verdict.result, body=body)


def _payload(message: Message, verdict: Verdict) -> bytes:
    """What the body has and the answer to it; a member that the body has not is left out."""
    members = {
        b"b2bIds": message.b2b_ids,
        b"resp": _resp(verdict, message.webhook_id),
        _encode(message.subject.name)[1:-1]: message.subject.raw,
        b"additionalInfos": message.additional_infos,
    }
    written = (b'"%b":%b' % (name, raw) for name, raw in members.items() if raw is not None)
    return b"{%b}" % b",".join(written)


def _resp(verdict: Verdict, req_msg_id: str) -> bytes:
    return _encode(
        {
            "reqMsgId": req_msg_id,
            "result": verdict.result,
            "errorCd": verdict.code,
            "errorDtl": verdict.detail,
            "errorField": verdict.field,
        }
    )


def acknowledged() -> Stored:
    """The answer to an outcome."""
    return Stored(status=200, result="ACK", body=ACK)


def unread(verdict: Verdict) -> Stored:
    """The answer to a request that was signed well and cannot be read: trying again is no use."""
    body = b'{"response_message":"FAILURE","response_code":400,"payload":{"resp":%b}}'
    return Stored(status=400, result=verdict.result, body=body % _resp(verdict, ""))


def plain(status: int, sentence: str) -> Stored:
    """An envelope without a verdict: whoever sent this has not been answered.

    A `resp` in it would be read as this ERP's decision about the message (protocol, section 2.4).
    """
    told = {"response_message": "FAILURE", "response_code": status, "payload": sentence}
    return Stored(status=status, result="", body=_encode(told))


_MANNERS = {
    "delay": Manner.DELAY,
    "drip": Manner.DRIP,
    "huge": Manner.PADDED,
    "reset": Manner.RESET,
}
_SILENT = {"timeout": Manner.NEVER, "down": Manner.DOWN}
_DRIP_SECONDS = 1.0


def spoiled(do: Do, stored: Stored) -> Answer:
    """The answer that a rule lets out, where the right one would be `stored`."""
    if do.answer in _SILENT:
        return Answer(status=0, result="", body=b"", manner=_SILENT[do.answer])
    right = whole(stored)
    if do.answer in _MANNERS:
        manner, seconds = _MANNERS[do.answer], do.seconds or _DRIP_SECONDS
        return replace(right, manner=manner, seconds=seconds, size=do.bytes)
    match do.answer:
        case "malformed":
            return Answer(status=200, result="", body=MALFORMED)
        case "empty":
            return Answer(status=200, result="", body=b"")
        case "redirect":
            where = {"location": do.to}
            return Answer(status=do.status, result="", body=b"", headers=where)
        case "status":
            return _with_retry(plain(do.status, "The rules say so."), do)
    return right


def pending(message: Message, do: Do) -> Answer:
    """The answer PENDING, ask me again: it decides nothing and is not kept."""
    return _with_retry(envelope(message, Verdict("PENDING")), do)


def held(do: Do) -> Answer:
    """No answer yet, and nothing decided."""
    return Answer(status=0, result="", body=b"", manner=Manner.HOLD, seconds=do.seconds)


def whole(stored: Stored) -> Answer:
    """The answer as it is kept."""
    return Answer(status=stored.status, result=stored.result, body=stored.body)


def _with_retry(stored: Stored, do: Do) -> Answer:
    headers = {} if do.retry_after is None else {"retry-after": str(do.retry_after)}
    return Answer(status=stored.status, result=stored.result, body=stored.body, headers=headers)
