"""The golden examples: accepted without a word, warned, or refused, with exactly these findings."""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hundi.documents import MESSAGES, order_rules, sums
from hundi.exchange.definition import DocumentView, MessageType, Party, RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.reading import read
from tests.documents.write_golden import ALL, FOLDER, text_of

FILES = sorted(FOLDER.glob("*.json"))
BY_NAME = {message.name: message for message in MESSAGES}
_encoder = msgspec.json.Encoder(decimal_format="number")


@cache
def loaded(path: Path) -> dict[str, Any]:
    """The example, figures exact."""
    return json.loads(path.read_bytes(), parse_float=Decimal)


def view_of(example: dict[str, Any]) -> DocumentView | None:
    told = example["document"]
    return told and DocumentView(
        told["status"], told["version"], told["agreedVersion"], told["number"], told["drawn"]
    )


def findings(message: MessageType, example: dict[str, Any]) -> list[Fault]:
    """What the rules say of an example, as the network asks them."""
    body = read(_encoder.encode(example["body"]), message.body)
    parties = {
        b2b_id: Party(b2b_id, f"E{place}", b2b_id, b2b_id.removesuffix("@BCB"), tuple(gstins))
        for place, (b2b_id, gstins) in enumerate(example["gstins"].items())
    }
    context = RuleContext(today=date(2026, 1, 31), parties=parties, document=view_of(example))
    asked = [fault for rule in message.rules for fault in rule(body, context)]
    return asked + [fault for rule in message.body_rules for fault in rule(body)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_are_exactly_these(path: Path) -> None:
    example = loaded(path)
    found = findings(BY_NAME[example["message"]], example)
    told = [(finding["code"], finding["path"]) for finding in example["findings"]]
    assert sorted((fault.code, fault.path) for fault in found) == sorted(told)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_follows(path: Path) -> None:
    example = loaded(path)
    faults, warnings = split(findings(BY_NAME[example["message"]], example))
    moved = example["document"] is None or example["document"]["target"] is not None
    refused = bool(faults) or not moved
    assert example["verdict"] == ("refused" if refused else "warned" if warnings else "silent")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_says_what_to_do(path: Path) -> None:
    example = loaded(path)
    for fault in findings(BY_NAME[example["message"]], example):
        assert fault.detail.endswith("."), fault
        assert len(fault.detail.split()) > 4, fault


@pytest.mark.parametrize(
    "path", [p for p in FILES if json.loads(p.read_text())["document"]], ids=lambda path: path.stem
)
def test_the_stored_document_moves(path: Path) -> None:
    example = loaded(path)
    message, view = BY_NAME[example["message"]], view_of(example)
    assert view is not None
    body = read(_encoder.encode(example["body"]), message.body)
    row = message.document.move(on=message.name, action=message.action(body), view=view)
    assert (row and row.target) == example["document"]["target"]


def test_files_are_what_the_builder_writes() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in FILES} == {
        case.name: text_of(case) for case in ALL
    }


def test_every_code_of_orders_has_an_example() -> None:
    told = {finding["code"] for path in FILES for finding in loaded(path)["findings"]}
    assert told == {code.name for code in (*order_rules.CODES, *sums.CODES)}


def test_a_difference_names_the_figure_and_both_numbers() -> None:
    example = loaded(FOLDER / "total-plus-101.json")
    (fault,) = findings(BY_NAME["req-send"], example)
    assert fault.context == {
        "figure": "The total", "stated": "1391213.01", "sum": "1391212.00", "difference": "1.01",
    }  # fmt: skip
    assert fault.detail.startswith("The total is 1391213.01, its parts make 1391212.00, 1.01 apart")


def test_a_tax_total_says_which_tax() -> None:
    (fault,) = findings(BY_NAME["req-send"], loaded(FOLDER / "cess-total-off.json"))
    assert fault.detail.startswith("CESS of the document is 101.01, its parts make 100.00,")
    (fault,) = findings(BY_NAME["req-send"], loaded(FOLDER / "tax-total-plus-101.json"))
    assert fault.detail.startswith("IGST of the document is 67512.04, its parts make 67511.03,")
    assert fault.context["figure"] == "IGST of the document"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_tells_its_numbers_in_the_sentence_and_to_programs(path: Path) -> None:
    example = loaded(path)
    for fault in findings(BY_NAME[example["message"]], example):
        assert fault.context, fault
        for told in fault.context.values():
            for word in told if isinstance(told, list) else [told]:
                assert str(word) in fault.detail, fault
