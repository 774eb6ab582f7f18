"""Rules: which webhook the simulated ERP answers how. The package's page explains them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import msgspec

DECISIONS = frozenset({"success", "decline", "pending", "hold"})
"""Answers that decide about a message, or put that off; the others only spoil the answer."""

_ONLY_REQUESTS = frozenset({"decline", "pending"})
_LONGEST_WAIT = 86_400
_LARGEST_ANSWER = 1 << 30


class RuleError(Exception):
    """A rules file that cannot be used; the text names the rule and the member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a rule may ask about a webhook. `kind` is `req` or `resp`."""

    webhook_id: str
    path: str
    kind: str
    object_id: str
    parties: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions of a rule; None asks nothing."""

    path: str | None = None
    object_id: str | None = None
    b2b_id: str | None = None
    kind: str | None = None

    def fits(self, facts: Facts) -> bool:
        """Whether all conditions hold."""
        return (
            (self.kind is None or self.kind == facts.kind)
            and (self.b2b_id is None or self.b2b_id in facts.parties)
            and (self.path is None or fnmatchcase(facts.path, self.path))
            and (self.object_id is None or fnmatchcase(facts.object_id, self.object_id))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """What a rule does. Members that its `answer` does not know keep their defaults.

    `applied`: whether the message is taken in (effect and answer stored) although the answer that
    goes out does not tell. `seconds` and `retry_after` are in seconds.
    """

    answer: str
    applied: bool = True
    code: str = ""
    detail: str = ""
    field: str = ""
    times: int | None = None
    retry_after: int | None = None
    seconds: float | None = None
    status: int = 200
    to: str = ""
    bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Rule:
    """One rule; `left` is how often it may still be used, None for always."""

    when: When
    do: Do
    left: int | None
    pended: dict[str, int] = field(default_factory=dict)

    def applies(self, facts: Facts) -> bool:
        """Whether the rule is still to be used, and fits."""
        if self.left == 0 or (self.do.answer in _ONLY_REQUESTS and facts.kind != "req"):
            return False
        times = self.do.times
        if times is not None and self.pended.get(facts.webhook_id, 0) >= times:
            return False
        return self.when.fits(facts)

    def use(self, facts: Facts) -> None:
        """Count one use."""
        if self.left is not None:
            self.left -= 1
        if self.do.times is not None:
            self.pended[facts.webhook_id] = self.pended.get(facts.webhook_id, 0) + 1


SUCCESS = Do(answer="success")


class Rules:
    """A list of rules with their uses counted. The first that fits decides; none: success."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._rules = rules

    def __len__(self) -> int:
        return len(self._rules)

    def choose(self, facts: Facts, *, decided: bool) -> Do:
        """What to do with a webhook. `decided`: it has its answer, so a decision is not used up."""
        for rule in self._rules:
            if rule.applies(facts):
                if decided and rule.do.answer in DECISIONS:
                    return SUCCESS
                rule.use(facts)
                return rule.do
        return SUCCESS


def read_rules(path: Path) -> Rules:
    """Rules from a file. Raises RuleError, also where the file cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as trouble:
        message = f"The rules file {path} cannot be read: {trouble.strerror}."
        raise RuleError(message) from trouble
    return parse_rules(raw)


def parse_rules(raw: bytes) -> Rules:
    """Rules from JSON text. Raises RuleError naming the first rule and member that are wrong."""
    try:
        written = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
        message = f"The rules are not JSON: {trouble}."
        raise RuleError(message) from trouble
    if not isinstance(written, list):
        message = 'The rules must be a list: [{"when": {…}, "do": {"answer": "success"}}].'
        raise RuleError(message)
    return Rules(tuple(_rule(rule, f"rules[{place}]") for place, rule in enumerate(written)))


@dataclass(frozen=True, slots=True)
class _Member:
    """How a member is written, what it must be in words, and whether it must be there."""

    fits: Callable[[object], bool]
    words: str
    required: bool = False

    def needed(self) -> "_Member":
        return _Member(self.fits, self.words, required=True)


def _text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 2000


def _whole(least: int, most: int) -> _Member:
    def fits(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return _Member(fits, f"a whole number from {least} to {most}")


def _seconds(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < cast("float", value) <= _LONGEST_WAIT


_TEXT = _Member(_text, "a text of 1 to 2000 characters")
_MAYBE_EMPTY = _Member(lambda v: v == "" or _text(v), "a text of at most 2000 characters")
_ANY = _Member(lambda _: True, "anything")
_APPLIED = _Member(lambda v: isinstance(v, bool), "true or false")
_SECONDS = _Member(_seconds, f"a number of seconds above 0, at most {_LONGEST_WAIT}")
_KIND = _Member(lambda v: isinstance(v, str) and v in {"req", "resp"}, '"req" or "resp"')
_TIMES = _whole(1, 1_000_000_000)
_RETRY_AFTER = _whole(0, _LONGEST_WAIT)

_RULE = {"when": _ANY, "do": _ANY.needed(), "times": _TIMES}
_WHEN = {"path": _TEXT, "objectId": _TEXT, "b2bId": _TEXT, "kind": _KIND}
_DO: Mapping[str, Mapping[str, _Member]] = {
    "success": {},
    "decline": {
        "code": _TEXT.needed(),
        "detail": _MAYBE_EMPTY,
        "field": _MAYBE_EMPTY,
        "status": _whole(400, 499),
    },
    "pending": {"times": _TIMES, "retryAfter": _RETRY_AFTER},
    "hold": {"seconds": _SECONDS},
    "delay": {"seconds": _SECONDS.needed()},
    "timeout": {"applied": _APPLIED},
    "status": {
        "status": _whole(200, 599).needed(),
        "retryAfter": _RETRY_AFTER,
        "applied": _APPLIED,
    },
    "malformed": {"applied": _APPLIED},
    "empty": {"applied": _APPLIED},
    "redirect": {"to": _TEXT.needed(), "status": _whole(300, 399), "applied": _APPLIED},
    "huge": {"bytes": _whole(1, _LARGEST_ANSWER).needed()},
    "reset": {},
    "drip": {"seconds": _SECONDS},
    "down": {"applied": _APPLIED},
}
_UNTOUCHED = frozenset({"timeout", "status", "malformed", "redirect", "down"})


def _rule(written: object, where: str) -> Rule:
    rule = _checked(written, _RULE, where)
    when = _checked(rule.get("when", {}), _WHEN, f"{where}.when")
    do = _do(rule["do"], f"{where}.do")
    if do.answer in _ONLY_REQUESTS and when.get("kind") == "resp":
        message = (
            f"{where}.do.answer: {do.answer} answers requests only; an outcome is a fact."
            ' Use "kind": "req", or another answer.'
        )
        raise RuleError(message)
    conditions = {_SPELLED.get(name, name): value for name, value in when.items()}
    return Rule(
        when=When(**cast("dict[str, str]", conditions)),
        do=do,
        left=cast("int | None", rule.get("times")),
    )


_SPELLED = {"objectId": "object_id", "b2bId": "b2b_id", "retryAfter": "retry_after"}


def _do(written: object, where: str) -> Do:
    answer = written.get("answer") if isinstance(written, dict) else None
    known = _DO.get(answer) if isinstance(answer, str) else None
    if known is None:
        choice = ", ".join(_DO)
        message = f'{where}.answer must be one of {choice}: {{"answer": "success"}}.'
        raise RuleError(message)
    told = _checked(written, {"answer": _TEXT.needed(), **known}, where)
    values: dict[str, object] = {"applied": answer not in _UNTOUCHED}
    values |= {"status": 307} if answer == "redirect" else {}
    values |= {_SPELLED.get(name, name): value for name, value in told.items()}
    return Do(**values)  # type: ignore[arg-type]


def _checked(written: object, members: Mapping[str, _Member], where: str) -> dict[str, object]:
    """An object whose members are all known, well-formed and, where required, present."""
    if not isinstance(written, dict):
        message = f"{where} must be an object."
        raise RuleError(message)
    for name, value in written.items():
        if name not in members:
            message = f"{where}.{name} is not known here. Known are: {', '.join(members)}."
            raise RuleError(message)
        if not members[name].fits(value):
            message = f"{where}.{name} must be {members[name].words}."
            raise RuleError(message)
    for name, member in members.items():
        if member.required and name not in written:
            message = f"{where}.{name} is missing; it must be {member.words}."
            raise RuleError(message)
    return written
