"""Bodies that the network writes: acks and `resp-X`, filled from the sender's own bytes.

The members that are echoed travel as they came, byte for byte: no number is read and written again.
"""

import msgspec

_encode = msgspec.json.encode


class Resp(msgspec.Struct, frozen=True):
    """The result block of an answer; texts are empty where there is no error."""

    req_msg_id: str
    result: str
    error_code: str = ""
    error_detail: str = ""
    error_field: str = ""

    def as_json(self) -> dict[str, str]:
        """The members as the contract orders and spells them."""
        return {
            "reqMsgId": self.req_msg_id,
            "result": self.result,
            "errorCd": self.error_code,
            "errorDtl": self.error_detail,
            "errorField": self.error_field,
        }


class Parts(msgspec.Struct, frozen=True):
    """The members of a request that its answers echo, as raw JSON."""

    b2b_ids: bytes
    subject_name: str
    subject: bytes
    additional_infos: bytes


def parts_of(raw: bytes, subject: str) -> Parts:
    """Cut a stored request into the members that answers echo."""
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return Parts(
        bytes(members["b2bIds"]),
        subject,
        bytes(members[subject]),
        bytes(members.get("additionalInfos", b"[]")),
    )


def response_body(parts: Parts, resp: Resp) -> bytes:
    """The body of a `resp-X` webhook; also the payload of an echoing ack."""
    return b'{"b2bIds":%b,"resp":%b,"%b":%b,"additionalInfos":%b}' % (
        parts.b2b_ids,
        _encode(resp.as_json()),
        parts.subject_name.encode(),
        parts.subject,
        parts.additional_infos,
    )


def echo_ack(parts: Parts, resp: Resp) -> bytes:
    """The 200 body of a call whose page shows the echoed document."""
    return b'{"response_message":"SUCCESS","response_code":0,"payload":%b}' % response_body(
        parts, resp
    )


def receipt_ack(req_msg_id: str) -> bytes:
    """The 200 body of a call whose page shows a receipt."""
    return b'{"response_message":"SUCCESS","response_code":0,"payload":"%b"}' % req_msg_id.encode()
