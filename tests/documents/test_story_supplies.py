"""The builder of the story's invoices and note, and the story's numbers for machines, are one story."""

import json
from decimal import Decimal
from typing import Any

import pytest

from hundi.documents.invoice_bodies import ConfirmBody, InvoiceBody, StatusChangeBody
from hundi.documents.note_bodies import ConfirmBody as NoteConfirmBody
from hundi.documents.note_bodies import NoteBody
from hundi.documents.note_bodies import StatusChangeBody as NoteStatusChangeBody
from hundi.kernel.reading import read
from hundi.simulator import story, story_supplies
from tests.documents.test_story import AMOUNTS, labelled
from tests.house.sources import ROOT

NUMBERS = json.loads((ROOT / "tests/data/trade_story.json").read_text(encoding="utf-8"))
TOLD: dict[str, tuple[dict[str, Any], str, str]] = {
    "invoice1": (story_supplies.invoice(1)["invoice"], "valueDetails", "totalInvoiceValue"),
    "invoice2": (story_supplies.invoice(2)["invoice"], "valueDetails", "totalInvoiceValue"),
    "creditNote": (
        story_supplies.credit_note()["cdNote"], "cdNoteValueDetails", "totalCDNoteValue",
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", TOLD)


@each
def test_lines(name: str) -> None:
    lines = TOLD[name][0]["itemLists"]
    for line, told in zip(lines, NUMBERS[name]["lines"], strict=True):
        figures = labelled(line["itemValueDetails"])
        assert {one: str(line[one]) for one in AMOUNTS} == {one: told[one] for one in AMOUNTS}
        assert line["serialno"] == told["serialno"]
        assert str(figures["IGST"]) == told["igst"]
        assert str(figures.get("DISCOUNT", "0.00")) == told["discount"]


@each
def test_totals(name: str) -> None:
    subject, value, total = TOLD[name]
    told = NUMBERS[name]
    figures = labelled(subject[value]["valueInfos"])
    assert str(subject[value]["assessmentValue"]) == told["assessmentValue"]
    assert str(subject[value][total]) == told["total"]
    assert {label: str(amount) for label, amount in figures.items()} == {
        "IGST": told["igst"], "ROUND_OFF": told["roundOff"],
    }  # fmt: skip


def test_numbers_have_at_most_sixteen_characters() -> None:
    """Rules 46 and 53 of the CGST Rules."""
    numbers = [one.number for one in story_supplies.INVOICES.values()]
    assert max(map(len, [*numbers, story_supplies.CREDIT_NOTE.number])) <= 16


def test_bodies_are_read_as_they_are_built() -> None:
    sent = read(story.dumps(story_supplies.invoice(2)), InvoiceBody).invoice
    assert sent.itemLists[1].unitPrice == Decimal("217.625")
    noted = read(story.dumps(story_supplies.credit_note()), NoteBody).cdNote
    assert noted.precedingInvoiceDetails[0].invoiceNumber == story_supplies.INVOICES[1].number
    answer = story_supplies.invoice_confirmation("RETURN", target="UNDER REVIEW", remarks="Short")
    assert read(story.dumps(answer), ConfirmBody).invoiceConfirmation.buyerResponse == "RETURN"
    closing = story_supplies.invoice_status_change(
        "CLOSE", source="PAID", target="CLOSED", remarks="Done"
    )
    assert read(story.dumps(closing), StatusChangeBody).invoiceStatus.supplierAction == "CLOSE"
    agreed = story_supplies.note_confirmation("ACCEPT", target="ACCEPTED", remarks="Agreed")
    assert read(story.dumps(agreed), NoteConfirmBody).cdNoteConfirmation.noteType == "CREDIT"
    filed = story_supplies.note_status_change(
        "CLOSE", source="ACCEPTED", target="CLOSED", remarks="Filed"
    )
    assert read(story.dumps(filed), NoteStatusChangeBody).cdNoteStatus.supplierAction == "CLOSE"
