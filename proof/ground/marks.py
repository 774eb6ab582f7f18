"""Secrets that can be told apart wherever they turn up, and callers who put them where none belong."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, quote_plus, unquote

from bench import orders
from hundi.onboarding.calls import CALLS
from hundi.web.openapi import schema

PAN = "QWERT4821K"
GSTIN = f"29{PAN}1Z5"
ACCOUNT = "918273645501234"
PERSONAL = (
    PAN, GSTIN, f"{PAN}@BCB", ACCOUNT, "4111 1111 1111 1111", "98765 01234", "9876501234",
    "asha.rao@example.com", "asha.rao@okbank",
)  # fmt: skip
"""What says who somebody is or where his money lies; nobody enrolled has any of it."""
_ORDER = orders.send().replace(orders.MARK.encode(), b"9" * 32)
_PAN = re.compile(rb"[A-Z]{5}[0-9]{4}[A-Z]")
_PHONE = re.compile(rb"(?<![0-9A-Za-z.])[6-9][0-9]{9}(?![0-9A-Za-z.])")


def forms(secret: str) -> set[str]:
    """A text as it may also be written: quoted for a URL, in base64, in hexadecimal digits."""
    raw = secret.encode()
    coded = base64.b64encode(raw).decode()
    return {secret, quote(secret, ""), quote_plus(secret), coded, coded.rstrip("="), raw.hex()}


def pair(client: str, secret: str) -> str:
    """Both as HTTP Basic carries them."""
    return base64.b64encode(f"{client}:{secret}".encode()).decode()


def call(method: str, target: str, *lines: str, body: bytes = b"") -> bytes:
    """A whole request; neither target nor lines are looked at."""
    head = [f"{method} {target} HTTP/1.1", "host: x", *lines, f"content-length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


def misplaced(mark: str, token: str) -> Iterator[bytes]:
    """Requests with a secret in URL, header, body, form, or in what is no request at all."""
    known, kind = f"authorization: Bearer {token}", "content-type: application/json"
    url = quote(mark, "")
    for target in (
        f"/network/v1/documents/{url}/{url}?author={url}", f"/network/v1/documents?cursor={url}",
        f"/network/v1/deliveries?state={url}&limit={url}", f"/network/v1/events?after={url}",
        f"/network/v1/exchanges/{url}", f"/{url}?access_token={url}", f"http://a:{url}@x/{url}",
    ):  # fmt: skip
        yield call("GET", target, known)
    yield call("GET", "/network/v1/parties", f"authorization: Bearer {mark}")
    yield call("GET", "/network/v1/parties", f"authorization: {mark}", f"cookie: token={mark}")
    yield call(mark, f"/{mark}", known)
    yield f"{mark}\r\n\r\n".encode()
    for body in _bodies(mark):
        yield call("POST", orders.SEND, known, kind, body=body)
    for line in ("idempotency-key", "traceparent", "tracestate", "content-encoding", "x-api-key"):
        yield call("POST", orders.SEND, known, kind, f"{line}: {mark}", body=_ORDER)
    yield from _token_calls(mark)
    yield from _onboarding(mark, known, kind)


def _bodies(mark: str) -> Iterator[bytes]:
    order = _ORDER
    yield mark.encode()
    yield json.dumps({"b2bIds": {"buyerB2BId": mark}, mark: mark}).encode()
    yield order.replace(b"Plastic", mark.encode())[: len(order) // 2]
    yield order.replace(orders.SUPPLIER.encode(), mark.encode())
    yield order.replace(orders.BUYER.encode(), mark.encode())
    yield order.replace(b"4.25", json.dumps(mark).encode())
    yield order.replace(b"2025-11-28", mark.encode())


def _token_calls(mark: str) -> Iterator[bytes]:
    form, url = "content-type: application/x-www-form-urlencoded", quote_plus(mark)
    basic = f"authorization: Basic {pair('CEKXXXXXXX', mark)}"
    yield call("POST", "/oauth/token", basic, form, body=b"grant_type=client_credentials")
    yield call("POST", "/oauth/token", f"authorization: Basic {mark}", form)
    sent = f"grant_type=password&clientId={url}&username={url}&password={url}"
    yield call("POST", "/oauth/token", basic, form, body=sent.encode())
    yield call("POST", f"/oauth/token?client_secret={url}", form, body=f"{url}={url}".encode())


def _onboarding(mark: str, *lines: str) -> Iterator[bytes]:
    described = json.loads(schema())
    for path in (one.path for one in CALLS):
        content = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        for example in content.get("examples", {}).values():
            name = example.get("$ref", "").rpartition("/")[2]
            shown = described["components"]["examples"][name] if name else example
            body = _PHONE.sub(b"9876501234", _PAN.sub(PAN.encode(), _json(shown["value"])))
            yield call("POST", path, *lines, body=body)
            yield call("POST", path, *lines, body=body.replace(PAN.encode(), mark.encode()))
            yield call("POST", path, *lines, body=body.replace(b'":', f'{mark}":'.encode(), 1))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def shown(answer: bytes, *, sent: bytes, kept: Sequence[str]) -> list[str]:
    """What an answer tells that its caller had not told himself, with or without escapes."""
    low, told = answer.decode("latin-1").lower(), sent.decode("latin-1").lower()
    told += unquote(told)
    return [one for one in kept if one.lower() in low and one.lower() not in told]
