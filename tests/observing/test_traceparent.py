"""W3C trace context is read strictly, and what cannot be read counts as not sent."""

import pytest

from hundi.observing.traceparent import given, normal, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PLAIN = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (PLAIN, PLAIN),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", PLAIN),  # of the flags only `sampled` is known
        (f"cc-{TRACE}-{SPAN}-01", PLAIN),  # a later version is read as far as it is known
        (f"cc-{TRACE}-{SPAN}-01-more", PLAIN),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"cc-{TRACE}-{SPAN}-01more", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f" {PLAIN}", None),
        (f"{PLAIN}\n", None),
        (f"cc-{TRACE}-{SPAN}-01-{'x' * 1000}", None),
        ("", None),
    ],
)
def test_a_header_is_read_strictly(header: str, read: str | None) -> None:
    assert normal(header.encode()) == read


def test_two_are_none() -> None:
    one = (b"traceparent", PLAIN.encode())
    assert given([(b"host", b"x"), one]) == PLAIN
    assert given([one, one]) is None
    assert given([]) is None


def test_a_trace_is_named_by_its_id() -> None:
    assert trace_of(PLAIN) == TRACE
    assert trace_of(None) == ""
