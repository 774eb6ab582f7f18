"""Webhook signatures after the Standard Webhooks specification: version 1, HMAC-SHA256.

    secret = new_secret(system_random)                      # whsec_…, told to the receiver once
    headers = sign([secret], webhook_id="MSG…", timestamp=1767600000, body=body)
    verify([secret], headers, body, now=wall_clock())       # raises SignatureError

What is signed is `{id}.{timestamp}.{body}`. While a secret rotates a message carries a signature
of the old and one of the new secret, and the receiver may know either.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from hundi.kernel.clock import SECOND
from hundi.kernel.identity import RandomBytes

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
HEADERS = frozenset({ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER})

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)
_SIGNATURES_AT_MOST = 16

# No full stop in an id: `{id}.{timestamp}.{body}` could then be cut in two ways.
_ID = re.compile(r"[!-\-/-~]{1,255}")
_TIMESTAMP = re.compile(r"0|[1-9][0-9]{0,11}")
_VERSION_1 = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
_OTHER_VERSION = re.compile(r"v(?!1,)[0-9]+[a-z]*,[A-Za-z0-9+/=_-]+")


class SignatureError(Exception):
    """A message that cannot be signed, or must not be believed; the text says why."""


def new_secret(random: RandomBytes) -> str:
    """A signing secret of 256 random bits: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(random(32)).decode()


def sign(secrets: Sequence[str], *, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message, names in lower case; one signature for each secret.

    `timestamp` is in seconds since 1970. Raises SignatureError without a secret, for more than 16,
    or where a secret, the id or the timestamp is malformed.
    """
    if not 1 <= len(secrets) <= _SIGNATURES_AT_MOST:
        message = f"Sign with 1 to {_SIGNATURES_AT_MOST} secrets, not {len(secrets)}."
        raise SignatureError(message)
    moment = str(timestamp)
    _check_id(webhook_id)
    _check_timestamp(moment)
    content = _content(webhook_id, moment, body)
    return {
        ID_HEADER: webhook_id,
        TIMESTAMP_HEADER: moment,
        SIGNATURE_HEADER: " ".join([_signature(secret, content) for secret in secrets]),
    }


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: int,
    tolerance_seconds: int = 300,
) -> None:
    """Return if one signature was made with one of the secrets, not too long ago or ahead.

    `now` is in microseconds; header names may be in any case. Raises SignatureError for a missing,
    doubled or malformed header, a timestamp outside the tolerance, and a wrong signature.
    """
    told = _told(headers)
    webhook_id, moment = told[ID_HEADER], told[TIMESTAMP_HEADER]
    _check_id(webhook_id)
    _check_timestamp(moment)
    presented = _presented(told[SIGNATURE_HEADER])
    _check_age(int(moment), now=now, tolerance=tolerance_seconds)
    content = _content(webhook_id, moment, body)
    # Texts are compared, not decoded bytes: base64 has several spellings for the same bytes.
    # Nothing ends early, so that the time taken tells nothing about the signature.
    right = 0
    for expected in [_signature(secret, content) for secret in secrets]:
        for signature in presented:
            right |= hmac.compare_digest(expected, signature)
    if not right:
        message = "No signature matches. The secret is another one, or the message was changed."
        raise SignatureError(message)


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """The three headers by their lower-case names, each present exactly once."""
    told: dict[str, str] = {}
    for spelled, value in headers.items():
        name = spelled.lower()
        if name not in HEADERS:
            continue
        if name in told:
            message = f"The header {name} comes twice."
            raise SignatureError(message)
        told[name] = value
    for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if name not in told:
            message = f"The header {name} is missing."
            raise SignatureError(message)
    return told


def _check_id(webhook_id: str) -> None:
    if not _ID.fullmatch(webhook_id):
        message = "webhook-id must be 1 to 255 printable ASCII characters, no space, no full stop."
        raise SignatureError(message)


def _check_timestamp(moment: str) -> None:
    if not _TIMESTAMP.fullmatch(moment):
        message = "webhook-timestamp must be whole seconds since 1970, in digits."
        raise SignatureError(message)


def _check_age(timestamp: int, *, now: int, tolerance: int) -> None:
    age = now - timestamp * SECOND
    if abs(age) > tolerance * SECOND:
        when = "old" if age > 0 else "in the future"
        seconds = abs(age) // SECOND
        message = (
            f"The message is {seconds} s {when}; {tolerance} s are allowed."
            " Check this machine's clock."
        )
        raise SignatureError(message)


def _presented(header: str) -> list[str]:
    """The version 1 signatures of a header; well-formed ones of other versions are left out."""
    parts = header.split(" ")
    if len(parts) > _SIGNATURES_AT_MOST:
        message = f"webhook-signature carries more than {_SIGNATURES_AT_MOST} signatures."
        raise SignatureError(message)
    signatures = [part for part in parts if _VERSION_1.fullmatch(part)]
    others = [part for part in parts if _OTHER_VERSION.fullmatch(part)]
    if len(signatures) + len(others) != len(parts):
        message = "webhook-signature must be v1,<base64>; several are separated by one space."
        raise SignatureError(message)
    if not signatures:
        message = "webhook-signature carries no signature of version 1."
        raise SignatureError(message)
    return signatures


def _content(webhook_id: str, moment: str, body: bytes) -> bytes:
    return f"{webhook_id}.{moment}.".encode() + body


def _signature(secret: str, content: bytes) -> str:
    code = _keyed(secret).copy()
    code.update(content)
    return "v1," + binascii.b2a_base64(code.digest(), newline=False).decode()


@lru_cache(maxsize=4096)
def _keyed(secret: str) -> hmac.HMAC:
    """An HMAC that has taken in its key; copying it costs half of what `hmac.digest` does."""
    return hmac.new(_key(secret), digestmod="sha256")


def _key(secret: str) -> bytes:
    """The key behind a secret's text. The message of a refusal never shows the secret."""
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    canonical = base64.b64encode(key).decode() == text
    if text == secret or not canonical or len(key) not in _KEY_BYTES:
        message = "A webhook secret is whsec_ followed by the base64 of 24 to 64 bytes."
        raise SignatureError(message)
    return key
