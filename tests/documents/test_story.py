"""The builder of the demo and the story's numbers for machines are one story."""

import json
from decimal import Decimal
from typing import Any

import pytest

from hundi.documents.order_bodies import ConfirmBody, OrderBody, StatusChangeBody
from hundi.kernel.reading import read
from hundi.kernel.tax_ids import gstin_fault, is_pan
from hundi.simulator import story
from tests.house.sources import ROOT

NUMBERS = json.loads((ROOT / "tests/data/trade_story.json").read_text(encoding="utf-8"))
VERSIONS = {1: "orderV1", 2: "orderV2", 3: "orderV3branch"}
AMOUNTS = (
    "quantity", "freeQuantity", "unitPrice", "totalAmt", "assessmentAmount", "gstRate",
    "totalItemValue",
)  # fmt: skip


def labelled(figures: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {figure["type"]: figure["value"] for figure in figures}


@pytest.mark.parametrize("version", VERSIONS)
def test_lines(version: int) -> None:
    lines = story.order(version)["purchaseOrder"]["itemLists"]
    for line, told in zip(lines, NUMBERS[VERSIONS[version]]["lines"], strict=True):
        figures = labelled(line["itemValueDetails"])
        assert {name: str(line[name]) for name in AMOUNTS} == {name: told[name] for name in AMOUNTS}
        assert [line[name] for name in ("serialno", "hsnCode", "unit")] == [
            told[name] for name in ("serialno", "hsnCode", "unit")
        ]
        assert str(figures.pop("IGST")) == told["igst"]
        assert str(figures.pop("DISCOUNT", "0.00")) == told["discount"]
        assert not figures


@pytest.mark.parametrize("version", VERSIONS)
def test_totals(version: int) -> None:
    totals, told = (
        story.order(version)["purchaseOrder"]["poValueDetails"],
        NUMBERS[VERSIONS[version]],
    )
    figures = labelled(totals["valueInfos"])
    assert str(totals["assessmentValue"]) == told["assessmentValue"]
    assert str(totals["totalPOValue"]) == told["total"]
    assert {name: str(value) for name, value in figures.items()} == {
        "IGST": told["igst"],
        "ROUND_OFF": told["roundOff"],
    }


def test_milestones_make_the_total() -> None:
    order = story.order(2)["purchaseOrder"]
    shares = [share["amount"] for share in order["paymentMilestones"]]
    assert sum(shares) == order["poValueDetails"]["totalPOValue"]


@pytest.mark.parametrize("business", [story.BUYER, story.SUPPLIER], ids=lambda one: one.name)
def test_parties_are_well_formed(business: story.Business) -> None:
    assert is_pan(business.pan)
    assert gstin_fault(business.gstin) is None
    assert business.gstin[:2] == business.state
    assert business.gstin[2:12] == business.pan


def test_bodies_are_read_as_they_are_built() -> None:
    sent = read(story.dumps(story.order(2)), OrderBody).purchaseOrder
    assert (sent.buyerPONumber, sent.objectVersion.newVersion) == (story.NUMBER, 2)
    assert sent.itemLists[1].unitPrice == Decimal("217.625")
    answer = story.confirmation("RETURN", version=1, target="UNDER REVIEW", remarks="Dearer")
    assert read(story.dumps(answer), ConfirmBody).poConfirmation.supplierResponse == "RETURN"
    closing = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
    )
    assert read(story.dumps(closing), StatusChangeBody).poStatus.buyerAction == "CLOSE"


def test_figures_travel_digit_for_digit() -> None:
    assert b'"totalPOValue":1391212.00' in story.dumps(story.order(1))
