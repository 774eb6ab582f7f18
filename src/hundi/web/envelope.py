"""From faults to HTTP: one table of statuses, and the two bodies that tell a refusal."""

from collections.abc import Sequence

import msgspec

from hundi.kernel.faults import Code, Fault, Kind

STATUS: dict[Kind, int] = {
    Kind.TOKEN: 401,
    Kind.TOO_LARGE: 413,
    Kind.MEDIA_TYPE: 415,
    Kind.KEY_MISMATCH: 422,
    Kind.SHAPE: 400,
    Kind.RIGHTS: 403,
    Kind.UNKNOWN: 404,
    Kind.CONFLICT: 409,
    Kind.BUSY: 409,
    Kind.RULE: 422,
    Kind.LIMIT: 429,
    Kind.NOT_NOW: 503,
    Kind.METHOD: 405,
    Kind.TOO_LATE: 408,
    Kind.HEAD_TOO_LARGE: 431,
    Kind.INTERNAL: 500,
}
TITLES = {
    400: "The request is malformed",
    401: "No valid access token",
    403: "Not yours to do",
    404: "Not found",
    405: "Method not allowed",
    408: "Too late",
    409: "In conflict with the stored state",
    413: "The body is too large",
    415: "Not JSON",
    422: "Refused by a rule",
    429: "Too many requests",
    431: "The head is too large",
    500: "Internal error",
    503: "Not now",
}

TOO_LARGE = Code("HTTP-TOO-LARGE", Kind.TOO_LARGE, "The body has more than 1 MiB.")
MEDIA_TYPE = Code("HTTP-MEDIA-TYPE", Kind.MEDIA_TYPE, "Send the body as application/json.")
NO_ROUTE = Code("HTTP-NO-ROUTE", Kind.UNKNOWN, "No such call. See /schema for those there are.")
METHOD = Code("HTTP-METHOD", Kind.METHOD, "The path does not take this method.")
CUT_OFF = Code("HTTP-CUT-OFF", Kind.SHAPE, "The body ended before its announced length.")
OVERLOADED = Code("HTTP-OVERLOADED", Kind.NOT_NOW, "Too much is waiting. Try again in a moment.")
NOT_HTTP = Code("HTTP-UNREADABLE", Kind.SHAPE, "This is no HTTP/1.1 request.")
TOO_LATE = Code(
    "HTTP-TOO-LATE", Kind.TOO_LATE, "The request did not arrive in time. Send it again."
)
HEAD = Code(
    "HTTP-HEAD-TOO-LARGE", Kind.HEAD_TOO_LARGE, "Target, headers and trailers take at most 32 KiB."
)
INTERNAL = Code(
    "HTTP-INTERNAL",
    Kind.INTERNAL,
    "A fault of the network's own, which has been logged. Try again with the same Idempotency-Key.",
)
CODES = (
    TOO_LARGE, MEDIA_TYPE, NO_ROUTE, METHOD, CUT_OFF, OVERLOADED, NOT_HTTP, TOO_LATE, HEAD, INTERNAL,
)  # fmt: skip

_encode = msgspec.json.encode


def status_of(faults: Sequence[Fault]) -> int:
    """The HTTP status of a refusal: that of its first fault."""
    return STATUS[faults[0].kind]


def envelope(faults: Sequence[Fault]) -> bytes:
    """The body of a refused call under /api/v0 (contract: ErrorEnvelope)."""
    return _encode(_envelope(faults))


def _envelope(faults: Sequence[Fault]) -> dict[str, object]:
    first = faults[0]
    return {
        "response_message": "FAILURE",
        "response_code": status_of(faults),
        "payload": {
            "resp": {
                "reqMsgId": "",
                "result": "FAILURE",
                "errorCd": first.code,
                "errorDtl": first.detail,
                "errorField": first.path,
            },
            "faults": [fault.as_json() for fault in faults],
        },
    }


def problem(faults: Sequence[Fault]) -> bytes:
    """The body of a refused call under /network/v1: problem details (RFC 9457), the same codes."""
    return _encode(_problem(faults))


def _problem(faults: Sequence[Fault]) -> dict[str, object]:
    status, first = status_of(faults), faults[0]
    return {
        "type": f"urn:hundi:fault:{first.code}",
        "title": TITLES[status],
        "status": status,
        "detail": first.detail,
        "code": first.code,
        "faults": [fault.as_json() for fault in faults],
    }


def both(faults: Sequence[Fault]) -> bytes:
    """The two bodies in one, for who is refused before it is known which of the two he expects."""
    return _encode({**_problem(faults), **_envelope(faults)})
