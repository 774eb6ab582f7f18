"""Bodies that the network writes: acks and `resp-X`, filled from the sender's own bytes.

The members that are echoed travel as they came, byte for byte: no number is read and written again.
"""

from collections.abc import Sequence

import msgspec

from hundi.exchange.route import Cut

_FREE_PAIRS = ("additionalInfos", "additionalInfo")
_encode = msgspec.json.encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Resp(
    msgspec.Struct,
    frozen=True,
    rename={
        "req_msg_id": "reqMsgId",
        "error_code": "errorCd",
        "error_detail": "errorDtl",
        "error_field": "errorField",
    },
):
    """The result block of an answer, as the contract orders and spells it; without an error, empty texts."""

    req_msg_id: str
    result: str
    error_code: str = ""
    error_detail: str = ""
    error_field: str = ""


class Parts(msgspec.Struct, frozen=True):
    """The members of a request that its answers echo, as raw JSON; empty for one it does not have."""

    b2b_ids: bytes
    subject_name: str
    subject: bytes
    additional_infos: bytes


def parts_of(raw: bytes, subject: str) -> Parts:
    """Cut a stored request into the members that answers echo."""
    members = _members(raw)
    return Parts(
        bytes(members.get("b2bIds", b"")),
        subject,
        bytes(members[subject]),
        bytes(members.get("additionalInfos", b"[]")),
    )


def response_body(parts: Parts, resp: Resp) -> bytes:
    """The payload of an echoing ack."""
    return b'{"b2bIds":%b,"resp":%b,"%b":%b,"additionalInfos":%b}' % (
        parts.b2b_ids,
        _encode(resp),
        parts.subject_name.encode(),
        parts.subject,
        parts.additional_infos,
    )


def outcome_body(raw: bytes | None, informs: Sequence[str], resp: Resp) -> bytes:
    """The body of a `resp-X` webhook: its members in order, filled from the stored request.

    Pages spell the free pairs `additionalInfos` or `additionalInfo`; either fills the other. Of a
    request that was erased (None) nothing is echoed: `resp` says which one it was.
    """
    members: dict[str, bytes] = {}
    if raw is not None:
        members = {name: bytes(told) for name, told in _members(raw).items()}
    infos = next((members[name] for name in _FREE_PAIRS if name in members), b"[]")
    members |= {"resp": _encode(resp), **dict.fromkeys(_FREE_PAIRS, infos)}
    told = (b'"%b":%b' % (name.encode(), members[name]) for name in informs if name in members)
    return b"{%b}" % b",".join(told)


def echo_ack(parts: Parts, resp: Resp) -> bytes:
    """The 200 body of a call whose page shows the echoed document."""
    return b'{"response_message":"SUCCESS","response_code":0,"payload":%b}' % response_body(
        parts, resp
    )


def receipt_ack(req_msg_id: str) -> bytes:
    """The 200 body of a call whose page shows a receipt."""
    return b'{"response_message":"SUCCESS","response_code":0,"payload":"%b"}' % req_msg_id.encode()


def cut(raw: bytes, part: Cut) -> bytes:
    """The part of a request that one of its receivers gets; what stays is as it came."""
    members = _members(raw)
    name, list_name = part.member
    inner = _members(members[name])
    items = _items(inner[list_name])
    kept = [items[place] for place in part.keep]
    if not part.add and len(kept) == len(items):
        return raw
    inner[list_name] = msgspec.Raw(_encode([*kept, *part.add]))
    members[name] = msgspec.Raw(_encode(inner))
    return _encode(members)
