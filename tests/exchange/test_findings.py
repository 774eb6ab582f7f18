"""However much is found, what is told stays small, and no kind of finding hides another."""

from hundi.exchange.findings import MOST_OF_A_CODE, all_told, each_once, told
from hundi.exchange.writes import warnings_json
from hundi.kernel.faults import Code, Kind

ODD = Code("TEST-ODD", Kind.WARNING, "Something is odd.")
WRONG = Code("TEST-WRONG", Kind.RULE, "Something is wrong.")


def test_many_warnings_are_cut_and_counted() -> None:
    found = told(ODD.at(f"lines[{n}]", f"Line {n} is odd.") for n in range(20_000))
    assert len(found) == MOST_OF_A_CODE + 1
    assert found[-1].path == f"lines[{MOST_OF_A_CODE}]"
    assert found[-1].detail.startswith("And 19,975 more of this kind")
    assert found[-1].context == {"more": 19_975}
    assert found[-1].warning


def test_what_comes_after_many_is_told_and_refusals_come_first() -> None:
    many = [ODD.at(f"lines[{n}]", "Odd.") for n in range(5_000)]
    found = told([*many, WRONG.at("total", "Wrong.")])
    assert [one.code for one in found[:2]] == [WRONG.name, ODD.name]
    assert len(found) == MOST_OF_A_CODE + 2


def test_so_many_as_are_told_are_told_in_their_order() -> None:
    each = [ODD.at(f"lines[{n}]", "Odd.") for n in range(MOST_OF_A_CODE)]
    assert told(each) == tuple(each)


def test_the_same_is_told_once() -> None:
    first, other = ODD.at("a", "Odd.", lender="A"), ODD.at("b", "Odd.")
    assert each_once([first, other, ODD.at("a", "Odd."), other]) == (first, other)


def test_what_several_keep_is_told_once() -> None:
    first, other = ODD.at("a", "Odd.", lender="A"), ODD.at("b", "Odd.")
    kept = (warnings_json(some) for some in ((first,), (), (other, first)))
    assert all_told(kept) == [first.as_json(), other.as_json()]
