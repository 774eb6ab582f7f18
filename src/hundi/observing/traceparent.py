"""W3C trace context: one text that says which trace a request belongs to, and below which span.

`00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`: version, trace, span, flags. What a caller
sends is read strictly; what cannot be read counts as not sent, as the specification wants it.
"""

import re
from collections.abc import Iterable

HEADER = b"traceparent"
LENGTH = 55

_FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_LONGEST = 512


def given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The context that a request carries. One that is carried twice is none."""
    found = [value for name, value in headers if name == HEADER]
    return normal(found[0]) if len(found) == 1 else None


def normal(header: bytes) -> str | None:
    """A header as version 00, which is all that is kept of a later one; None where it is no context."""
    read = _FORM.fullmatch(header) if len(header) <= _LONGEST else None
    if read is None:
        return None
    version, trace, span, flags, more = read.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    if not int(trace, 16) or not int(span, 16):
        return None
    return f"00-{trace.decode()}-{span.decode()}-{int(flags, 16) & 1:02x}"


def trace_of(context: str | None) -> str:
    """The id of the trace, for a log line; "" without a context."""
    return context[3:35] if context else ""
