"""The order's life cycle in code is the contract's, row by row, and every row can be walked."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hundi.documents import MESSAGES, purchase_order
from hundi.documents.order_bodies import Status
from hundi.documents.purchase_order import LIFE_CYCLE, PURCHASE_ORDER
from hundi.exchange.definition import DocumentView, Effect, Guard, Move, VersionRule
from tests.house.sources import ROOT

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-purchase-order.yaml").read_text(encoding="utf-8"))
CYCLE = CONTRACT["x-lifecycle"]
GUARDS: dict[str | None, Guard | None] = {
    None: None,
    "no earlier version was accepted": purchase_order.no_earlier_version_was_accepted,
    "an earlier version was accepted": purchase_order.an_earlier_version_was_accepted,
    "no live invoice names the order": purchase_order.no_live_invoice,
}
ROWS = [(source, row) for row in CYCLE["transitions"] for source in row["from"]]


def row_id(value: Any) -> str | None:
    return f"{value['via']}-{value['action']}-{value['to']}" if isinstance(value, dict) else None


def view(status: str, guard: Guard | None, *, holds: bool = True) -> DocumentView:
    """A stored order for which a guard holds, or does not."""
    if guard is purchase_order.no_live_invoice:
        return DocumentView(status, 2, 2, "N", {} if holds else {"live invoices": 1})
    accepted = (guard is purchase_order.an_earlier_version_was_accepted) is holds
    return DocumentView(status, 2, 1 if accepted else None, "N")


def test_rows_are_the_contracts_rows_in_its_order() -> None:
    told = [
        (source, row["to"], row["by"], row["via"], row["action"],
         row.get("effect", "proposal").upper(), GUARDS[row.get("guard")])
        for source, row in ROWS
    ]  # fmt: skip
    assert told == [
        (m.source, m.target, m.by, m.on, m.action, m.effect.value, m.guard) for m in LIFE_CYCLE
    ]


@pytest.mark.parametrize(("source", "row"), ROWS, ids=row_id)
def test_every_row_is_walked(source: str, row: dict[str, Any]) -> None:
    guard = GUARDS[row.get("guard")]
    here = view(source, guard)
    found = PURCHASE_ORDER.move(on=row["via"], action=row["action"], view=here)
    assert found is not None
    assert (found.target, found.by, found.guard) == (row["to"], row["by"], guard)


@pytest.mark.parametrize(("source", "row"), [one for one in ROWS if "guard" in one[1]], ids=row_id)
def test_a_guard_that_does_not_hold_stops_its_row(source: str, row: dict[str, Any]) -> None:
    here = view(source, GUARDS[row["guard"]], holds=False)
    found = PURCHASE_ORDER.move(on=row["via"], action=row["action"], view=here)
    assert found is None or found.target != row["to"]


def test_no_other_move_exists() -> None:
    """Whatever the stored order is, a call either is a row of the contract or is no move."""
    allowed = {(source, row["via"], row["action"]) for source, row in ROWS}
    calls = {(row["via"], row["action"]) for _, row in ROWS} | {("req-send", "CLOSE")}
    for status in Status.__args__:
        for on, action in calls:
            views = [DocumentView(status, 2, agreed, "N") for agreed in (None, 1)]
            moved = any(PURCHASE_ORDER.move(on=on, action=action, view=v) for v in views)
            assert moved is ((status, on, action) in allowed), (status, on, action)


def test_at_most_one_row_answers() -> None:
    """The order of the rows decides nothing: guards of rows with the same call exclude each other."""
    for move in LIFE_CYCLE:
        for agreed in (None, 1):
            for drawn in ({}, {"live invoices": 2}):
                here = DocumentView(move.source, 2, agreed, "N", drawn)
                assert len(open_rows(move, here)) <= 1


def open_rows(move: Move, here: DocumentView) -> list[Move]:
    call = (move.on, move.action, move.source)
    same = [row for row in LIFE_CYCLE if (row.on, row.action, row.source) == call]
    return [row for row in same if row.guard is None or row.guard(here)]


def test_states_are_the_contracts_and_all_are_reached() -> None:
    states = set(CONTRACT["components"]["schemas"]["PurchaseOrderStatus"]["enum"])
    assert set(Status.__args__) == states
    reached = {PURCHASE_ORDER.initial}
    while more := {m.target for m in LIFE_CYCLE if m.source in reached} - reached:
        reached |= more
    assert reached == states


def test_nothing_leaves_a_final_state() -> None:
    targets = {move.target for move in LIFE_CYCLE}
    assert targets - {move.source for move in LIFE_CYCLE} == set(CYCLE["final"])
    assert PURCHASE_ORDER.initial == CYCLE["initial"]


@pytest.mark.parametrize(
    ("belongs", "rule"),
    [
        (lambda m: m.on == "req-send", VersionRule.FIRST),
        (lambda m: m.on == "req-edit", VersionRule.NEXT),
        (lambda m: m.action == "ACCEPT", VersionRule.AGREE),
        (lambda m: m.guard is purchase_order.an_earlier_version_was_accepted, VersionRule.RESTORE),
    ],
    ids=["send", "edit", "accept", "back to what was agreed"],
)
def test_versions(belongs: Callable[[Move], bool], rule: VersionRule) -> None:
    """The contract's rules: the next free number on an edit, the same on every other call."""
    rows = [move for move in LIFE_CYCLE if belongs(move)]
    assert rows
    assert [move for move in LIFE_CYCLE if move.version is rule] == rows


def test_one_fact_the_rest_proposals() -> None:
    facts = [(m.source, m.action) for m in LIFE_CYCLE if m.effect is Effect.FACT]
    assert facts == [(PURCHASE_ORDER.initial, PURCHASE_ORDER.withdrawal)]


def test_a_move_is_made_by_the_sender_of_its_message() -> None:
    senders = {message.name: message.sender for message in MESSAGES}
    assert all(move.by == senders[move.on] for move in LIFE_CYCLE)
    assert {move.on for move in LIFE_CYCLE} == set(senders)


def test_numbers_are_free_again_after_rejection_and_cancelling() -> None:
    """Design rules, "Uniqueness": all but REJECTED and CANCELLED are live."""
    assert PURCHASE_ORDER.released == {"REJECTED", "CANCELLED"}
