"""What a log line, a span or a message of an exception must never show in clear, found by its form.

PAN, TAN, GSTIN and B2B IDs with one   ABCDE1234F@BCB          ABCxxxxx4F@BCB
account, card and phone numbers        123456789012            xxxxx9012
e-mail and payment addresses           asha@example.com        xxx@example.com
tokens, secrets, passwords             whsec_…, Bearer …       ***

As they stand in URLs too. Whoever writes a line need not think of it: all texts go through here
last. Ids of exchanges and contexts of traces look like secrets and stay, for they are what lines
are found by.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

HIDDEN = "***"
_LEAST_LITERAL = 4
_DEEPEST = 8
_LONGEST = 20_000
_ACCOUNT = 9  # digits of the shortest account number

_NAMES = r"secret|token|passw(?:or)?d|authorization|api[-_]?key|cookie|credential"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_OF_TRACES = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{16})?")
_TRACE_NAMES = frozenset({"trace_id", "span_id"})
_OWN = re.compile(
    r"(?P<keep>(?:MSG|RSP)[0-9A-F]{32}(?![0-9A-Za-z])"
    r"|\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b)"
    rf"|(?P<named>(?:{_NAMES})s?['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic)\s+)?)"
    r"(?:(?<=\")[^\"\n]+|(?<=')[^'\n]+|[^\s'\",;&)}\]]+)"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[^\s'\",;]{8,}"
    # A password may hold a slash; what follows a port is a path.
    r"|(?P<user>://)(?:[^\s/@]{1,400}|[^\s/@:]{0,100}:(?![0-9]{1,5}/)[^\s@]{1,400})@"
    r"|(?P<secret>(?:whsec|hsk)_[A-Za-z0-9+/=_-]+)"
    r"|(?P<mail>[^\s@<>()\[\]{},;:'\"=/&?|]{1,64}(?:@|%40)(?!BCB\b)(?=[^\W\d_]))"
    r"|(?P<long>(?=[A-Z_-]*[0-9])(?=[0-9_-]*[A-Z])[A-Z0-9_-]{20,}|[A-Z_-]{40,})"
    r"|(?P<pan>[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z])"
    r"|(?P<phone>(?<![0-9])[6-9][0-9]{4}(?:[ +-]|%20)[0-9]{5}(?![0-9]))"
    r"|(?P<groups>(?<![0-9])[0-9]{4}(?:(?:[ +-]|%20)[0-9]{4}){2,4}(?![0-9]))"
    rf"|(?P<digits>[0-9]{{{_ACCOUNT},}})",
    re.IGNORECASE,
)


class Masking:
    """Masks by form, and some texts wherever they stand: what this process was given to keep.

    `literals` are secrets of no known form, such as the password in the database's URL.
    """

    def __init__(self, literals: Iterable[str] = ()) -> None:
        known = {one for one in literals if len(one) >= _LEAST_LITERAL}
        self._literals = sorted(known, key=len, reverse=True)

    def text(self, text: str) -> str:
        """A text with nothing in clear, or its first 20,000 characters."""
        text = text[:_LONGEST]
        for literal in self._literals:
            text = text.replace(literal, HIDDEN)
        return _OWN.sub(_masked, text)

    def value(self, name: str, value: Any) -> Any:
        """A named value of a line, of whatever type, as it may be written."""
        if _SECRET_NAME.search(name) and not (value is None or isinstance(value, bool)):
            return HIDDEN
        if name in _TRACE_NAMES and isinstance(value, str) and _OF_TRACES.fullmatch(value):
            return value
        return self._any(value, _DEEPEST)

    def _any(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int):
            return value if abs(value) < 10 ** (_ACCOUNT - 1) else self.text(str(value))
        if depth and isinstance(value, Mapping):
            return {self.text(str(k)): self.value(str(k), v) for k, v in value.items()}
        if depth and isinstance(value, list | tuple | set | frozenset):
            return [self._any(one, depth - 1) for one in value]
        return self.text(repr(value))


def _masked(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    return _FORMS[kind](found[0], found[kind])


def _pan(text: str, _: str) -> str:
    return f"{text[:3]}xxxxx{text[-2:]}"


def _number(text: str, _: str) -> str:
    return f"xxxxx{text[-4:]}"


_FORMS: Mapping[str, Callable[[str, str], str]] = {
    "keep": lambda text, _: text,
    "named": lambda _, before: before + HIDDEN,
    "scheme": lambda _, before: before + HIDDEN,
    "user": lambda _, before: f"{before}{HIDDEN}@",
    "secret": lambda _, __: HIDDEN,
    "mail": lambda _, __: "xxx@",
    "long": lambda text, _: text if _is_word(text) else HIDDEN,
    "pan": _pan,
    "phone": _number,
    "groups": _number,
    "digits": _number,
}


def _is_word(text: str) -> bool:
    """A long name of one case without digits, as functions have, is no secret."""
    return text.islower() or text.isupper()
