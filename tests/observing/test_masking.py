"""What is masked by its form, what stays, and that neither takes long."""

import time

import pytest

from hundi.kernel.identity import request_id, response_id, system_random
from hundi.kernel.lifetimes import Lifetimes
from hundi.kernel.sealing import new_key
from hundi.kernel.settings import Keeping, ServeSettings
from hundi.kernel.signature import new_secret
from hundi.observing.literals import literals
from hundi.observing.masking import Masking
from hundi.observing.setup import masking_of
from hundi.parties.credentials import new_secret_text

MASKING = Masking()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ABCDE1234F@BCB", "ABCxxxxx4F@BCB"),
        ("29ABCDE1234F1Z5@BCB", "29ABCxxxxx4F1Z5@BCB"),
        ("ABCDE1234F.PUNE@BCB", "ABCxxxxx4F.PUNE@BCB"),
        ("pan=abcde1234f", "pan=abcxxxxx4f"),
        ("/documents/ABCDE1234F%40BCB/X", "/documents/ABCxxxxx4F%40BCB/X"),
        ("account 918273645501234 closed", "account xxxxx1234 closed"),
        ("card 4111 1111 1111 1111", "card xxxxx1111"),
        ("call +91 98765 43210 or 9876543210", "call +91 xxxxx3210 or xxxxx3210"),
        ("asha.rao@example.com", "xxx@example.com"),
        ("asha@okbank", "xxx@okbank"),
        ("/asha.rao%40example.com", "/xxx@example.com"),
        ("/4111%201111%201111%201111/x", "/xxxxx1111/x"),
        ("?q=98765+43210&r=98765%2043210", "?q=xxxxx3210&r=xxxxx3210"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("bearer 0123456789", "bearer ***"),
        ("client_secret='hello' and more", "client_secret='***' and more"),
        ('{"password": "x y"}', '{"password": "***"}'),
        ("password='x \"y' z", "password='***' z"),
        ("http://u:a/b@host/x", "http://***@host/x"),
        ("29AAAB12345C1Z1", "29AAAxxxxx5C1Z1"),
        ("29ABCD12345E1DA", "29ABCxxxxx5E1DA"),
        ("आशा@example.com", "xxx@example.com"),
        ("postgresql://hundi:pass@host/db", "postgresql://***@host/db"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "***"),
    ],
)
def test_forms_are_masked(text: str, shown: str) -> None:
    assert MASKING.text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "ACME@BCB has sent an order",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "2026-01-05T10:30:00.123456Z",
        "The refresh token is unknown, used or expired.",
        "IdleInTransactionSessionTimeoutError: gone",
        'File "/usr/lib/python3.11/site-packages/aiohttp/connector.py", line 1234, in _wrap',
        "test_a_call_that_is_declined_at_once_is_counted_so_and_so",
        "12 of 345 members, 678.90 s",
        "http://127.0.0.1:8080/parties/ACME@BCB",
    ],
)
def test_words_stay(text: str) -> None:
    assert MASKING.text(text) == text


def test_ids_stay_and_secrets_go_whatever_is_drawn() -> None:
    for now in range(0, 10**15, 10**12):
        id_ = request_id(now, system_random)
        for kept in (id_, response_id(id_), response_id(id_) + "-R"):
            assert MASKING.text(f"{kept}, and reqMsgId={kept}") == f"{kept}, and reqMsgId={kept}"
        drawn = (new_secret_text, new_secret, new_key)
        for secret in (draw(system_random) for draw in drawn):
            assert secret not in MASKING.text(f"it was {secret!r}")
            assert secret not in MASKING.text(secret)


def test_values_are_masked_by_name_and_by_type() -> None:
    value = MASKING.value
    assert value("webhook_secret", "x") == "***"
    assert value("Authorization", b"Basic eDp5") == "***"
    assert value("token", None) is None
    assert value("account", 918273645501234) == "xxxxx1234"
    assert value("milliseconds", 1500) == 1500
    assert value("trace_id", "abcde1234f" * 3 + "00") == "abcde1234f" * 3 + "00"
    assert value("body", b'{"pan": "ABCDE1234F"}') == """b'{"pan": "ABCxxxxx4F"}'"""
    nested = {"to": ["asha@okbank", {"secret": "s"}], "n": 918273645501234}
    assert value("told", nested) == {"to": ["xxx@okbank", {"secret": "***"}], "n": "xxxxx1234"}
    assert value("error", ValueError("ABCDE1234F")) == "ValueError('ABCxxxxx4F')"


def test_what_the_process_was_given_is_masked_wherever_it_stands() -> None:
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=plain%20words,y=other"}
    known = Masking(literals("postgresql://u:p%40ss@h/d?password=again", environ, "rail word", ""))
    assert known.text("p@ss p%40ss again rail word plain words other") == "*** *** *** *** *** ***"


@pytest.mark.parametrize("password", ["c2VjcmV0cGFzcw==", "correcthorse=battery", "one,two,three"])
def test_a_password_of_the_environment_is_masked_whole(password: str) -> None:
    known = Masking(literals("postgresql://h/d", {"PGPASSWORD": password}))
    assert known.text(f"it was <{password}>, once") == "it was <***>, once"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://h/d?user=u&password=pl%75s+sign", "pl%75s+sign plus+sign plus sign"),
        ("postgresql://h/d?sslpassword=keyword", "keyword"),
        ("postgresql://u:a:b%2Fc@h/d", "a:b%2Fc a:b/c"),
    ],
)
def test_passwords_in_a_url_are_masked_escaped_or_not(url: str, shown: str) -> None:
    assert set(Masking(literals(url, {})).text(shown)) <= {"*", " "}


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]
)
def test_values_of_the_exporter_s_headers_are_masked_to_their_end(name: str) -> None:
    headers = "authorization=Basic%20aGVsbG8gYWxs==, x-key = c2VjcmV0cGFzcw==,y=a%3Db"
    known = Masking(literals("sqlite:///x.db", {name: headers}))
    told = "aGVsbG8gYWxs== Basic%20aGVsbG8gYWxs== c2VjcmV0cGFzcw== a%3Db x"
    assert known.text(told) == "*** *** *** *** x"


def test_a_process_hides_what_it_was_given() -> None:
    """Whatever form it has: a key that signs journals, a token of the gateway, the database's password."""
    settings = ServeSettings(
        database_url="postgresql://u:opensesame@h/d", host="", port=0, role="all", dev=False,
        lifetimes=Lifetimes(), contact_token="a word", keeping=Keeping(journal_key="sign/me"),
    )  # fmt: skip
    known = masking_of(settings, {"PGPASSWORD": "another="})
    assert known.text("opensesame, a word, sign/me, another=") == "***, ***, ***, ***"


@pytest.mark.parametrize(
    "piece", ["a", "%", "9", "A1", "@", "://", "_", "a" * 19 + ".", "ABCDE1234"]
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    MASKING.text(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 5  # what looks back from each piece takes minutes
