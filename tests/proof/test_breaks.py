"""The breaks on which the proofs are tried: they fit the code, and no part goes untried."""

from pathlib import Path

import pytest

from proof.breaks import BREAKS
from proof.breaks.breaking import SOURCES, Break, Edit, broken_copy
from proof.part import MEMORY
from proof.parts import PARTS

KNOWN = {part.name: part for part in PARTS}


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_a_break_fits_the_code_and_its_part(one: Break) -> None:
    assert not one.stale
    assert {one.database, MEMORY} & {*KNOWN[one.part].databases}
    assert one.finds


def test_every_part_has_a_break_to_find() -> None:
    assert {one.part for one in BREAKS} == KNOWN.keys() - {"sabotage"}


def test_names_are_unique() -> None:
    assert len({one.name for one in BREAKS}) == len(BREAKS)


def test_only_the_copy_is_broken(tmp_path: Path) -> None:
    edit = Edit("delivery/retry.py", "_JITTER = 10", "_JITTER = 5")
    one = Break(name="jitter", edits=(edit,), part="schedule", finds=("spans",))
    copy = broken_copy(one, tmp_path)
    assert "_JITTER = 5" in (copy / "hundi" / edit.file).read_text()
    assert "_JITTER = 10" in (SOURCES / "hundi" / edit.file).read_text()


def test_a_break_that_fits_no_more_is_told() -> None:
    edit = Edit("delivery/retry.py", "what stands nowhere", "")
    assert Break(name="gone", edits=(edit,), part="schedule", finds=("spans",)).stale
