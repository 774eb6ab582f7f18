"""The golden examples: accepted without a word, warned, or refused, with exactly these findings."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hundi.documents import (
    MESSAGES,
    invoice_rules,
    line_sums,
    note_rules,
    order_billing,
    order_limits,
    order_rules,
    sums,
)
from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.note_bodies import NoteBody
from hundi.documents.order_bodies import OrderBody
from hundi.documents.order_draws import book_of, drawn
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import Fault
from tests.documents.cases import balances
from tests.documents.golden_frame import (
    asked,
    loaded,
    says_what_to_do,
    told_are_exactly,
    typed,
    verdict_follows,
)
from tests.documents.write_golden import ALL, FOLDER, text_of

FILES = sorted(FOLDER.glob("*/*.json"))
BY_NAME = {(message.document.name, message.name): message for message in MESSAGES}
CONTENT = {"purchase-order": OrderBody, "invoice": InvoiceBody, "cd-note": NoteBody}
CODES = {
    "purchase-order": (*order_rules.CODES, *sums.CODES, *line_sums.CODES),
    "invoice": (*invoice_rules.CODES, *order_billing.CODES, *order_limits.CODES),
    "cd-note": note_rules.CODES,
}
each = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def message_of(path: Path) -> MessageType:
    return BY_NAME[path.parent.name, loaded(path)["message"]]


def view_of(told: dict[str, Any], ref: str = "") -> DocumentView:
    """A stored document as rules see it."""
    body = None
    if "body" in told:
        body = typed(told["body"], CONTENT[told["type"]])
    return DocumentView(
        ref=ref,
        object_id=told.get("objectId", ""),
        status=told["status"],
        version=told["version"],
        agreed_version=told["agreedVersion"],
        number=told["number"],
        status_on=date.fromisoformat(told.get("statusOn", "0001-01-01")),
        balances=balances(told["drawn"]),
        body=body,
    )


def booked(document: DocumentView, held: dict[str, DocumentView]) -> dict[str, dict[str, int]]:
    """What a stored invoice has booked on the orders of an example, when it was sent."""
    if not isinstance(document.body, InvoiceBody):
        return {}
    books = [book_of(view) for view in held.values() if isinstance(view.body, OrderBody)]
    draws, _ = drawn(document.body.invoice, books)
    return {draw.book.view.ref: draw.accounts for draw in draws}


def findings(path: Path) -> list[Fault]:
    """What the rules say of an example, as the network asks them."""
    message, example = message_of(path), loaded(path)
    body = typed(example["body"], message.body)
    parties = {
        b2b_id: Party(b2b_id, f"E{place}", b2b_id, b2b_id.removesuffix("@BCB"), tuple(gstins))
        for place, (b2b_id, gstins) in enumerate(example["gstins"].items())
    }
    stored = example["document"]
    document = view_of(stored) if stored else None
    held = {ref: view_of(told, ref) for ref, told in example.get("held", {}).items()}
    context = RuleContext(
        today=date(2026, 1, 31),
        parties=parties,
        document=document,
        held=held,
        drawn=booked(document, held) if document is not None else {},
    )
    return asked(message, body, context)


@each
def test_findings_are_exactly_these(path: Path) -> None:
    told_are_exactly(loaded(path), findings(path))


@each
def test_the_verdict_follows(path: Path) -> None:
    example = loaded(path)
    moves = example["document"] is None or example["document"]["target"] is not None
    verdict_follows(example, findings(path), moves=moves)


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if json.loads(p.read_text())["document"]],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_the_stored_document_moves(path: Path) -> None:
    example, message = loaded(path), message_of(path)
    body = typed(example["body"], message.body)
    view = view_of(example["document"])
    row = message.document.move(on=message.name, action=message.action(body), view=view)
    assert (row and row.target) == example["document"]["target"]


def test_files_are_what_the_builder_writes() -> None:
    told = {(path.parent.name, path.stem): path.read_text(encoding="utf-8") for path in FILES}
    assert told == {(case.type, case.name): text_of(case) for case in ALL}


@pytest.mark.parametrize("kind", CODES)
def test_every_code_has_an_example(kind: str) -> None:
    files = [path for path in FILES if path.parent.name == kind]
    told = {finding["code"] for path in files for finding in loaded(path)["findings"]}
    assert {code.name for code in CODES[kind]} <= told


@pytest.mark.parametrize("message", [m for m in MESSAGES if m.document.name in CODES])
def test_every_message_is_accepted_and_refused_by_some_example(message: MessageType) -> None:
    verdicts = {
        loaded(path)["verdict"]
        for path in FILES
        if (path.parent.name, loaded(path)["message"]) == (message.document.name, message.name)
    }
    assert {"silent", "refused"} <= verdicts


ORDERS = FOLDER / "purchase-order"


def test_a_difference_names_the_figure_and_both_numbers() -> None:
    (fault,) = findings(ORDERS / "total-plus-101.json")
    assert fault.context == {
        "figure": "The total", "stated": "1391213.01", "sum": "1391212.00", "difference": "1.01",
    }  # fmt: skip
    assert fault.detail.startswith("The total is 1391213.01, its parts make 1391212.00, 1.01 apart")


def test_a_tax_total_says_which_tax() -> None:
    (fault,) = findings(ORDERS / "cess-total-off.json")
    assert fault.detail.startswith("CESS of the document is 101.01, its parts make 100.00,")
    (fault,) = findings(ORDERS / "tax-total-plus-101.json")
    assert fault.detail.startswith("IGST of the document is 67512.04, its parts make 67511.03,")
    assert fault.context["figure"] == "IGST of the document"


def sentence(kind: str, name: str, code: str) -> tuple[str, dict[str, object]]:
    """What one finding of an example says, to people and to programs."""
    (fault,) = [f for f in findings(FOLDER / kind / f"{name}.json") if f.code == code]
    return fault.detail, dict(fault.context)


def test_rows_j_and_k_show_ordered_invoiced_asked_and_most() -> None:
    within = sentence("invoice", "row-j-within-tolerance", "INV-OVER-QUANTITY-ODD")[1]
    assert within == {
        "ordered": "3200.000", "invoiced": "3360.000", "over": "160.000", "most": "3360.000",
    }  # fmt: skip
    value = sentence("invoice", "row-j-within-tolerance", "INV-OVER-VALUE-ODD")[1]
    assert value == {"ordered": "1389184.00", "invoiced": "1428590.61", "most": "1458133.20"}
    beyond = sentence("invoice", "row-k-beyond-tolerance", "INV-OVER-QUANTITY")[1]
    assert beyond == {
        "ordered": "3200.000", "invoiced": "1612.450", "asked": "1747.551", "most": "1747.550",
    }  # fmt: skip


def test_freight_names_what_is_billed_and_not_what_is_told() -> None:
    facts = sentence("invoice", "mrp-told-and-freight-billed", "INV-FREIGHT")[1]
    assert facts == {"charges": "FREIGHT", "billed": "50.00", "ordered": "49.00"}


def test_row_m_shows_the_cap() -> None:
    facts = sentence("cd-note", "row-m-over-the-cap", "NOTE-OVER-CAP")[1]
    assert facts == {
        "invoice": "717007.00", "notes": "14159.00", "asked": "702848.01", "most": "702848.00",
    }  # fmt: skip


def test_row_e_shows_both_totals() -> None:
    facts = sentence("invoice", "row-e-total-off-by-101", "SUM-TOTAL")[1]
    assert (facts["stated"], facts["sum"]) == ("717008.01", "717007.00")


@each
def test_a_finding_tells_its_numbers_in_the_sentence_and_to_programs(path: Path) -> None:
    says_what_to_do(findings(path))
