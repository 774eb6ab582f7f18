"""PAN and GSTIN: forms, holder letters, the check character."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.in_ import gstin as other_implementation

from hundi.kernel.tax_ids import UNREGISTERED, check_character, gstin_fault, is_pan, pan_inside

GSTINS = [
    "27ZZZCI2701K1Z0",
    "33ZZZFM3301Q1ZN",
    "27ZZZCF0701L1Z5",
    "29ZZZCP0702M1ZO",
    "27ZZZCI2701K2ZZ",
    "33ZZZFM3301Q2ZM",
    "29AAACB1234C1ZB",
]
SPECIAL = {
    "2717UNO00001UNX": "United Nations",
    "2717GOV00001ONX": "notified person",
    "2717USA29013NR1": "non-resident",
    "9917USA29013OS1": "foreign online services",
    "27MUMB12345C1Z5": "government department",
    "27MUMB12345C1D5": "deducts tax",
    "27MUMB12345C1C5": "collects tax",
}
LETTERS = st.sampled_from(string.ascii_uppercase)
DIGITS = st.sampled_from(string.digits)


@st.composite
def first_fourteen(draw: st.DrawFn) -> str:
    """The part of a normal GSTIN before its check character."""
    start, holder = (
        draw(st.text(LETTERS, min_size=3, max_size=3)),
        draw(st.sampled_from("ABCFGHJLPT")),
    )
    number = draw(st.text(DIGITS, min_size=4, max_size=4))
    state = draw(st.integers(1, 37))
    unit = draw(st.sampled_from("123456789" + string.ascii_uppercase))
    return f"{state:02d}{start}{holder}{draw(LETTERS)}{number}{draw(LETTERS)}{unit}Z"


@pytest.mark.parametrize("pan", ["ZZZCI2701K", "ZZZFM3301Q", "ABCPE1234F", "AAAGX0000A"])
def test_pan(pan: str) -> None:
    assert is_pan(pan)


@pytest.mark.parametrize(
    "pan",
    ["", "ZZZXI2701K", "ZZZCI270K", "zzzci2701k", "ZZZCI2701K ", "ZZZCI2701K\n", "1ZZCI2701K"],
)
def test_no_pan(pan: str) -> None:
    assert not is_pan(pan)


@pytest.mark.parametrize("gstin", GSTINS)
def test_gstin_with_its_pan_inside(gstin: str) -> None:
    assert gstin_fault(gstin) is None
    assert pan_inside(gstin) == gstin[2:12]
    assert is_pan(gstin[2:12])


@pytest.mark.parametrize("gstin", SPECIAL, ids=SPECIAL.values())
def test_special_forms_have_no_check_and_no_pan(gstin: str) -> None:
    assert gstin_fault(gstin) is None
    assert gstin_fault(gstin[:14] + ("7" if gstin[14] != "7" else "8")) is None
    assert pan_inside(gstin) is None


def test_collectors_with_a_pan_have_a_check_character_and_the_pan_inside() -> None:
    """The fourteenth character C alone does not make a form without a check."""
    assert pan_inside("27ZZZCI2701K1C5") == "ZZZCI2701K"
    assert gstin_fault(f"27ZZZCI2701K1C{check_character('27ZZZCI2701K1C')}") is None
    assert gstin_fault("27ZZZCI2701K1C" + "A") is not None


@pytest.mark.parametrize("gstin", GSTINS)
def test_a_wrong_check_character_is_told_with_the_right_one(gstin: str) -> None:
    wrong = gstin[:14] + ("A" if gstin[14] != "A" else "B")
    assert gstin_fault(wrong) == (
        f"{wrong} ends in {wrong[14]}, its check character is {gstin[14]}. Correct the GSTIN."
    )


@pytest.mark.parametrize(
    "text",
    ["27ZZZCI2701K1Z", "27ZZZCI2701K1Z00", "27zzzci2701k1z0", "27ZZZCI2701K0Z0", "27ZZZCI2701K1K0",
     "2717UNO00001XNX", "27ZZZCI2701K1Z0\n", "27MUMB12345CAZ5", "27MUMB12345C1ZA",
     "27MUM012345C1Z5"],
)  # fmt: skip
def test_no_gstin(text: str) -> None:
    fault = gstin_fault(text)
    assert fault is not None
    assert "does not have the form of a GSTIN" in fault
    assert pan_inside(text) is None


def test_what_stands_for_no_gstin() -> None:
    assert {"", "URP"} == UNREGISTERED


@given(first_fourteen())
def test_the_check_character_is_the_one_others_compute(first14: str) -> None:
    gstin = first14 + check_character(first14)
    assert gstin_fault(gstin) is None
    assert first14[7:11] == "0000" or other_implementation.is_valid(gstin)


@given(first_fourteen(), st.integers(0, 12))
def test_two_neighbours_exchanged_are_seen(first14: str, place: int) -> None:
    """The check finds every exchange of two different neighbours (weights 1 and 2)."""
    left, right = first14[place], first14[place + 1]
    if left != right and {left, right} != {"0", "Z"}:
        swapped = first14[:place] + right + left + first14[place + 2 :]
        assert check_character(swapped) != check_character(first14)
