"""The story's invoices and its credit note are the numbers for machines, to the paisa."""

import json
from pathlib import Path

import pytest

from hundi.simulator import story_supplies
from hundi.simulator.story_supplies import Supply

STORY = json.loads((Path(__file__).parents[1] / "data/trade_story.json").read_text())
FIGURES = ("quantity", "unitPrice", "totalAmt", "discount", "assessmentAmount", "igst")


@pytest.mark.parametrize(
    ("name", "supply"),
    [
        ("invoice1", story_supplies.INVOICES[1]),
        ("invoice2", story_supplies.INVOICES[2]),
        ("creditNote", story_supplies.CREDIT_NOTE),
    ],
)
def test_the_figures_are_the_storys(name: str, supply: Supply) -> None:
    told = STORY[name]
    lines = {
        int(line["serialno"]) - 1: (*(line[figure] for figure in FIGURES), line["totalItemValue"])
        for line in told["lines"]
    }
    assert dict(supply.lines) == lines
    totals = (supply.taxable, supply.igst, supply.round_off, supply.total)
    assert totals == tuple(told[k] for k in ("assessmentValue", "igst", "roundOff", "total"))
