"""What one side believes about a document, folded from the effects of what it was told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

Effect = dict[str, Any]
"""A row of the state's effects: `sequence`, `version`, `before`, `status`, `action`, `late` …"""

_order = itemgetter("sequence", "n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A document as one side believes it to be.

    `b2b_ids` are the parties by role, as JSON; `agreed` is the last accepted version, if any.
    `disputed`: the last word on it was a fact, and the other side has answered FAILURE.
    """

    type: str
    object_id: str
    b2b_ids: str
    version: int
    status: str
    agreed: int | None
    disputed: bool


def believed(effects: Sequence[Effect]) -> Held:
    """Fold the effects on one document, at least one.

    A refused or lapsed amendment brings back the last accepted version: the message carries the
    amendment's number (n → n), the document goes back to the agreed one (contract, x-lifecycle).
    """
    version, agreed, last = 0, None, effects[0]
    for last in in_order(effects):
        back = last["status"] in {"ACCEPTED", "CLOSED"} and last["action"] != "ACCEPT"
        version = agreed if back and agreed is not None else last["version"]
        if last["action"] == "ACCEPT":
            agreed = version
    return Held(
        type=last["type"],
        object_id=last["object_id"],
        b2b_ids=last["parties"],
        version=version,
        status=last["status"],
        agreed=agreed,
        disputed=bool(last["disputed"]),
    )


def in_order(effects: Sequence[Effect]) -> list[Effect]:
    """The effects on one document as they came about.

    That is the journal's order, except for facts of this side's own: they took effect when they
    were sent, and what tells of them later bears a later number. Where statuses are told, such a
    fact goes where its own change fits in; else whatever answers (has an action) follows what it
    answers.
    """
    if all(effect["before"] is None for effect in effects):
        return sorted(effects, key=lambda effect: (effect["action"] != "", *_order(effect)))
    line = sorted((e for e in effects if not e["late"]), key=_order)
    for late in sorted((e for e in effects if e["late"]), key=_order):
        line.insert(_place(line, late), late)
    return line


def _place(line: Sequence[Effect], late: Effect) -> int:
    """Where a late effect belongs, at most at its own number.

    Best is a gap that it fills; then a place that takes it as it is; then a gap that it starts in,
    for money may have changed the status again without a message of its own.
    """
    later = (n for n, e in enumerate(line) if not e["late"] and e["sequence"] > late["sequence"])
    limit = next(later, len(line))
    starts = [n for n in range(1, limit + 1) if line[n - 1]["status"] == late["before"]]
    fits = [n for n in starts if n == len(line) or line[n]["before"] == late["status"]]
    gaps = [n for n in starts if n < len(line) and line[n - 1]["status"] != line[n]["before"]]
    fills = [n for n in fits if n in gaps]
    return (fills or fits or gaps or [limit])[-1]
