"""The rows of a batch: what one member leaves goes into the batch's, whole."""

from dataclasses import fields
from typing import Any

from hundi.exchange.writes import LISTS, Writes


def filled(mark: str) -> Writes:
    """One row in every list, and one exchange counted."""
    writes = Writes()
    for name in LISTS:
        getattr(writes, name).append((mark, name))
    writes.entered["ABANDONED"] += 1
    return writes


def contents(writes: Writes) -> dict[str, Any]:
    return {one.name: getattr(writes, one.name) for one in fields(writes)}


def test_every_member_but_the_count_is_a_list_that_is_taken() -> None:
    assert {one.name for one in fields(Writes)} == {*LISTS, "entered"}
    assert all(isinstance(getattr(Writes(), name), list) for name in LISTS)


def test_a_batch_takes_all_rows_of_its_members_and_adds_their_counts() -> None:
    batch = Writes()
    batch.take(filled("first"))
    batch.take(Writes())
    batch.take(filled("second"))
    rows = {name: [("first", name), ("second", name)] for name in LISTS}
    assert contents(batch) == {**rows, "entered": {"ABANDONED": 2}}
