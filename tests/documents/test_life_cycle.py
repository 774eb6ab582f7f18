"""Life cycles in code are the contract's, row by row, and every row can be walked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import pytest
import yaml

from hundi.documents import (
    MESSAGES,
    invoice,
    invoice_bodies,
    invoice_ledger,
    note,
    note_bodies,
    order_bodies,
    purchase_order,
)
from hundi.exchange.definition import DocumentType, Effect, Guard, Move, VersionRule
from hundi.exchange.views import DocumentView
from hundi.ledger.model import Balance
from tests.house.sources import ROOT

GUARDS: dict[str | None, Guard | None] = {
    None: None,
    "no earlier version was accepted": purchase_order.NEVER_ACCEPTED,
    "an earlier version was accepted": purchase_order.ACCEPTED_BEFORE,
    "no live invoice names the order": purchase_order.NOT_BILLED,
}
LIVE = {"live invoices": Balance(debit=1)}


@dataclass(frozen=True)
class Words:
    """A document type beside its contract file."""

    type: DocumentType
    file: str
    states: Any
    schema: str

    @cached_property
    def contract(self) -> Any:
        return yaml.safe_load((ROOT / "contract" / self.file).read_text(encoding="utf-8"))

    @property
    def cycle(self) -> Any:
        return self.contract["x-lifecycle"]

    @property
    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """Each row from each of its sources, but for those that the ledger decides."""
        moves = [row for row in self.cycle["transitions"] if row.get("derived") != "ledger"]
        return [(source, row) for row in moves for source in row["from"]]

    @property
    def derived(self) -> list[dict[str, Any]]:
        return [row for row in self.cycle["transitions"] if row.get("derived") == "ledger"]


ORDER = Words(
    purchase_order.PURCHASE_ORDER,
    "b2b-purchase-order.yaml",
    order_bodies.Status,
    "PurchaseOrderStatus",
)
INVOICE = Words(invoice.INVOICE, "b2b-invoice.yaml", invoice_bodies.Status, "InvoiceStatus")
NOTE = Words(note.NOTE, "b2b-cdnote.yaml", note_bodies.Status, "CdNoteStatus")
ALL = (ORDER, INVOICE, NOTE)
ROWS = [(words, source, row) for words in ALL for source, row in words.rows]
each = pytest.mark.parametrize("words", ALL, ids=lambda words: words.type.name)


def row_id(value: Any) -> str | None:
    if isinstance(value, Words):
        return value.type.name
    return f"{value['via']}-{value['action']}-{value['to']}" if isinstance(value, dict) else None


def stored(status: str, *, agreed: int | None = None, live: bool = False) -> DocumentView:
    return DocumentView(
        status=status, version=2, agreed_version=agreed, number="N", balances=LIVE if live else {}
    )


def view(status: str, guard: Guard | None, *, holds: bool = True) -> DocumentView:
    """A stored order for which a guard holds, or does not."""
    if guard is purchase_order.NOT_BILLED:
        return stored(status, agreed=2, live=not holds)
    accepted = (guard is purchase_order.ACCEPTED_BEFORE) is holds
    return stored(status, agreed=1 if accepted else None)


@each
def test_rows_are_the_contracts_rows_in_its_order(words: Words) -> None:
    told = [
        (source, row["to"], row["by"], row["via"], row["action"],
         row.get("effect", "proposal").upper(), GUARDS[row.get("guard")])
        for source, row in words.rows
    ]  # fmt: skip
    assert told == [
        (m.source, m.target, m.by, m.on, m.action, m.effect.value, m.guard)
        for m in words.type.moves
    ]


@pytest.mark.parametrize(("words", "source", "row"), ROWS, ids=row_id)
def test_every_row_is_walked(words: Words, source: str, row: dict[str, Any]) -> None:
    guard = GUARDS[row.get("guard")]
    found = words.type.move(on=row["via"], action=row["action"], view=view(source, guard))
    assert found is not None
    assert (found.target, found.by, found.guard) == (row["to"], row["by"], guard)


@pytest.mark.parametrize(
    ("words", "source", "row"), [one for one in ROWS if "guard" in one[2]], ids=row_id
)
def test_a_guard_that_does_not_hold_stops_its_row(
    words: Words, source: str, row: dict[str, Any]
) -> None:
    here = view(source, GUARDS[row["guard"]], holds=False)
    found = words.type.move(on=row["via"], action=row["action"], view=here)
    assert found is None or found.target != row["to"]


@each
def test_no_other_move_exists(words: Words) -> None:
    """Whatever the stored document is, a call either is a row of the contract or is no move."""
    allowed = {(source, row["via"], row["action"]) for source, row in words.rows}
    calls = {(row["via"], row["action"]) for _, row in words.rows} | {("req-send", "CLOSE")}
    for status in get_args(words.states):
        for on, action in calls:
            views = [stored(status, agreed=agreed) for agreed in (None, 1)]
            moved = any(words.type.move(on=on, action=action, view=v) for v in views)
            assert moved is ((status, on, action) in allowed), (status, on, action)


@each
def test_at_most_one_row_answers(words: Words) -> None:
    """The order of the rows decides nothing: guards of rows with the same call exclude each other."""
    for move in words.type.moves:
        for agreed in (None, 1):
            for live in (False, True):
                here = stored(move.source, agreed=agreed, live=live)
                assert len(open_rows(words, move, here)) <= 1


def open_rows(words: Words, move: Move, here: DocumentView) -> list[Move]:
    call = (move.on, move.action, move.source)
    same = [row for row in words.type.moves if (row.on, row.action, row.source) == call]
    return [row for row in same if row.guard is None or row.guard.allows(here)]


@each
def test_states_are_the_contracts_and_all_are_reached(words: Words) -> None:
    states = set(words.contract["components"]["schemas"][words.schema]["enum"])
    assert set(get_args(words.states)) == states
    steps = [(m.source, m.target) for m in words.type.moves]
    steps += [(source, row["to"]) for row in words.derived for source in row["from"]]
    reached = {words.type.initial}
    while more := {target for source, target in steps if source in reached} - reached:
        reached |= more
    assert reached - {row["to"] for row in words.derived} <= states
    assert states <= reached


@each
def test_nothing_leaves_a_final_state(words: Words) -> None:
    targets = {move.target for move in words.type.moves}
    assert targets - {move.source for move in words.type.moves} == set(words.cycle["final"])
    assert words.type.initial == words.cycle["initial"]


def test_states_of_derived_rows_are_those_that_the_ledger_decides() -> None:
    """The contract's rows `derived: ledger` stand between states that `derive` gives."""
    sources = {source for row in INVOICE.derived for source in row["from"]}
    targets = {row["to"] for row in INVOICE.derived}
    told = {state for state in sources | targets if state in get_args(INVOICE.states)}
    assert told == invoice_ledger.OWED
    assert not (ORDER.derived)
    assert not (NOTE.derived)


@pytest.mark.parametrize(
    ("belongs", "rule"),
    [
        (lambda m: m.on in {"req-send", "req-send-invoice"}, VersionRule.FIRST),
        (lambda m: m.on in {"req-edit", "req-edit-invoice"}, VersionRule.NEXT),
        (lambda m: m.action == "ACCEPT", VersionRule.AGREE),
        (lambda m: m.guard is purchase_order.ACCEPTED_BEFORE, VersionRule.RESTORE),
    ],
    ids=["send", "edit", "accept", "back to what was agreed"],
)
def test_versions(belongs: Callable[[Move], bool], rule: VersionRule) -> None:
    """The contracts' rules: the next free number on an edit, the same on every other call."""
    moves = [move for words in ALL for move in words.type.moves]
    rows = [move for move in moves if belongs(move)]
    assert rows
    assert [move for move in moves if move.version is rule] == rows


@each
def test_one_fact_the_rest_proposals(words: Words) -> None:
    facts = [(m.source, m.action) for m in words.type.moves if m.effect is Effect.FACT]
    assert facts == [(words.type.initial, words.type.withdrawal)]


@each
def test_a_move_is_made_by_the_sender_of_its_message(words: Words) -> None:
    senders = {one.name: one.sender for one in MESSAGES if one.document is words.type}
    assert all(move.by == senders[move.on] for move in words.type.moves)
    assert {move.on for move in words.type.moves} == set(senders)


@each
def test_numbers_are_free_again_after_rejection_and_cancelling(words: Words) -> None:
    """Design rules, "Uniqueness": all but REJECTED and CANCELLED are live."""
    assert words.type.released == {"REJECTED", "CANCELLED"}


def test_who_is_hindered_is_told_by_what() -> None:
    order = purchase_order.PURCHASE_ORDER
    billed = order.hindered(on="req-status-change", action="CANCEL", status="ACCEPTED")
    assert billed.startswith("while an invoice of it is live: CLOSE it")
    never = order.hindered(on="req-status-change", action="CLOSE", status="SENT TO SUPPLIER")
    assert never.startswith("before a version of it was accepted: CANCEL it")
    assert order.hindered(on="req-status-change", action="CANCEL", status="CLOSED") == ""
    assert order.hindered(on="req-edit", action=None, status="ACCEPTED") == ""


@each
def test_a_guard_that_may_say_no_alone_says_why(words: Words) -> None:
    """Two guards on one way are each other's opposite: one of the two rows is always there."""
    moves = words.type.moves
    for row in moves:
        ways = [m for m in moves if (m.on, m.action, m.source) == (row.on, row.action, row.source)]
        if row.guard is not None and len(ways) == 1:
            assert row.guard.unless, row
