"""Signatures against the specification's own verifier, and against every way to spoil one."""

import base64
import os
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel.clock import SECOND, wall_clock
from hundi.kernel.signature import SignatureError, new_secret, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()
WEBHOOK_ID = "MSG0192F3A4B5C67D8E9FA0B1C2D3E4F506"
SENT_AT = 1_767_600_000
NOW = SENT_AT * SECOND
BODY = b'{"poStatus":{"objectId":"PUR1","buyerAction":"CANCEL"},"amount":1391212.00}'


def signed(*secrets: str, body: bytes = BODY) -> dict[str, str]:
    return sign(secrets or [SECRET], webhook_id=WEBHOOK_ID, timestamp=SENT_AT, body=body)


def refused(headers: dict[str, str], *, body: bytes = BODY, now: int = NOW) -> str:
    with pytest.raises(SignatureError) as caught:
        verify([SECRET], headers, body, now=now)
    return str(caught.value)


def test_the_specification_s_own_example() -> None:
    headers = sign(
        [SECRET],
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_the_foreign_verifier_believes_ours() -> None:
    secret = new_secret(os.urandom)
    seconds = wall_clock() // SECOND
    headers = sign([secret], webhook_id=WEBHOOK_ID, timestamp=seconds, body=BODY)
    standardwebhooks.Webhook(secret).verify(BODY, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OTHER).verify(BODY, headers)


def test_ours_believes_the_foreign_signer() -> None:
    moment = datetime.fromtimestamp(SENT_AT, UTC)
    signature = standardwebhooks.Webhook(SECRET).sign(WEBHOOK_ID, moment, BODY.decode())
    assert signature == signed()["webhook-signature"]


def test_while_a_secret_rotates_both_holders_believe_the_message() -> None:
    headers = signed(SECRET, OTHER)
    assert len(headers["webhook-signature"].split(" ")) == 2
    verify([SECRET], headers, BODY, now=NOW)
    verify([OTHER], headers, BODY, now=NOW)
    verify([OTHER, SECRET], signed(), BODY, now=NOW)


def test_every_changed_bit_of_the_body_is_refused() -> None:
    headers = signed()
    for place in range(len(BODY)):
        for bit in range(8):
            spoiled = bytearray(BODY)
            spoiled[place] ^= 1 << bit
            refused(headers, body=bytes(spoiled))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_changed_byte_of_a_header_is_refused(name: str) -> None:
    headers = signed()
    value = headers[name]
    for place in range(len(value)):
        for bit in range(8):
            flipped = chr(ord(value[place]) ^ 1 << bit)
            refused(headers | {name: value[:place] + flipped + value[place + 1 :]})


def test_a_longer_or_shorter_body_is_refused() -> None:
    refused(signed(), body=BODY + b" ")
    refused(signed(), body=BODY[:-1])
    refused(signed(), body=b"")


@pytest.mark.parametrize("seconds", [-299, -300, 0, 299, 300])
def test_within_five_minutes_either_way_is_believed(seconds: int) -> None:
    verify([SECRET], signed(), BODY, now=NOW + seconds * SECOND)


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_beyond_five_minutes_is_refused(seconds: int) -> None:
    assert "clock" in refused(signed(), now=NOW + seconds * SECOND)


def test_the_tolerance_is_the_caller_s() -> None:
    verify([SECRET], signed(), BODY, now=NOW + 900 * SECOND, tolerance_seconds=900)
    with pytest.raises(SignatureError):
        verify([SECRET], signed(), BODY, now=NOW + 2 * SECOND, tolerance_seconds=1)


def test_header_names_in_any_case() -> None:
    verify([SECRET], {k.title(): v for k, v in signed().items()} | {"X": "y"}, BODY, now=NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_or_doubled_header_is_named(name: str) -> None:
    headers = signed()
    assert name in refused({k: v for k, v in headers.items() if k != name})
    assert "twice" in refused(headers | {name.upper(): headers[name]})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "a b"),
        ("webhook-id", "a.b"),
        ("webhook-id", "é"),
        ("webhook-id", "a\n"),
        ("webhook-id", "x" * 256),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "+1767600000"),
        ("webhook-timestamp", " 1767600000"),
        ("webhook-timestamp", "1767600000\n"),
        ("webhook-timestamp", "01767600000"),
        ("webhook-timestamp", "1767600000.0"),
        ("webhook-timestamp", "1_767_600_000"),
        ("webhook-timestamp", "١٧٦٧٦٠٠٠٠٠"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1a," + "A" * 43 + "="),
        ("webhook-signature", "nonsense"),
        ("webhook-signature", "v1," + "é" * 43 + "="),
    ],
)
def test_malformed_headers_are_refused(name: str, value: str) -> None:
    assert name in refused(signed() | {name: value})


@pytest.mark.parametrize("joint", ["  ", ",", "\t", " v1 ", " v1,AAAA "])
def test_one_right_signature_does_not_excuse_a_malformed_header(joint: str) -> None:
    right = signed()["webhook-signature"]
    refused(signed() | {"webhook-signature": right + joint + right})


def test_signatures_of_other_versions_are_left_out() -> None:
    right = signed()["webhook-signature"]
    asymmetric = "v1a," + base64.b64encode(bytes(64)).decode()
    verify([SECRET], signed() | {"webhook-signature": f"{asymmetric} {right}"}, BODY, now=NOW)


def test_a_list_of_signatures_is_bounded() -> None:
    right = signed()["webhook-signature"]
    verify([SECRET], signed() | {"webhook-signature": " ".join([right] * 16)}, BODY, now=NOW)
    assert "more than 16" in refused(signed() | {"webhook-signature": " ".join([right] * 17)})


def test_another_spelling_of_the_right_signature_is_refused() -> None:
    """The last letter of base64 has two idle bits; both spellings decode to the same bytes."""
    right = signed()["webhook-signature"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = letters[letters.index(right[-2]) ^ 1]
    spelled = f"{right[:-2]}{twin}="
    assert base64.b64decode(spelled[3:]) == base64.b64decode(right[3:])
    refused(signed() | {"webhook-signature": spelled})


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_!!!!",
        SECRET.removeprefix("whsec_"),
        SECRET + "\n",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        "whsec_" + base64.b64encode(bytes(32)).decode()[:-2] + "B=",
    ],
)
def test_a_malformed_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(SignatureError) as caught:
        signed(secret)
    assert "24 to 64 bytes" in str(caught.value)
    with pytest.raises(SignatureError):
        verify([secret], signed(), BODY, now=NOW)
    assert len(secret) < 10 or secret not in str(caught.value)


@pytest.mark.parametrize("size", [24, 64])
def test_the_shortest_and_the_longest_key(size: int) -> None:
    secret = "whsec_" + base64.b64encode(os.urandom(size)).decode()
    verify([secret], signed(secret), BODY, now=NOW)


def test_nothing_is_signed_without_a_secret_or_with_bad_parts() -> None:
    for secrets in ([], [SECRET] * 17):
        with pytest.raises(SignatureError, match="1 to 16 secrets"):
            sign(secrets, webhook_id=WEBHOOK_ID, timestamp=SENT_AT, body=BODY)
    with pytest.raises(SignatureError, match="webhook-id"):
        sign([SECRET], webhook_id="a.1", timestamp=SENT_AT, body=BODY)
    with pytest.raises(SignatureError, match="webhook-timestamp"):
        sign([SECRET], webhook_id=WEBHOOK_ID, timestamp=-1, body=BODY)
    with pytest.raises(SignatureError):
        verify([], signed(), BODY, now=NOW)


def test_new_secrets_come_from_the_given_randomness() -> None:
    assert new_secret(lambda size: bytes(range(size))) == OTHER
    assert new_secret(os.urandom) != new_secret(os.urandom)


IDS = st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)


@given(key=st.binary(min_size=24, max_size=64), webhook_id=IDS, body=st.binary(max_size=2000))
def test_what_is_signed_verifies(key: bytes, webhook_id: str, body: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = sign([secret], webhook_id=webhook_id, timestamp=SENT_AT, body=body)
    verify([secret], headers, body, now=NOW)


@given(webhook_id=st.text(), moment=st.text(), signature=st.text(), body=st.binary())
def test_nothing_made_up_is_believed_and_no_other_error_escapes(
    webhook_id: str, moment: str, signature: str, body: bytes
) -> None:
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": moment,
        "webhook-signature": signature,
    }
    refused(headers, body=body)


def test_one_signature_never_fits_two_messages() -> None:
    """`id.1.2.body` is signed once; it must not be read as another id or another body."""
    headers = sign([SECRET], webhook_id="id", timestamp=1, body=b"2.body")
    moved = headers | {"webhook-id": "id.1", "webhook-timestamp": "2"}
    refused(moved, body=b"body", now=2 * SECOND)
