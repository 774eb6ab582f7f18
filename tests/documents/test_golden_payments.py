"""The golden payments: accepted, warned or refused, with exactly these findings and bookings."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hundi.documents import payment, payment_rules, payment_sums
from hundi.documents.payment_bodies import PayBody
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, RuleContext, Sharing
from hundi.kernel.faults import Fault
from tests.documents.golden_frame import (
    asked,
    loaded,
    says_what_to_do,
    told_are_exactly,
    typed,
    verdict_follows,
)
from tests.documents.payments import PARTIES, view_of
from tests.documents.write_golden_payments import FOLDER, texts

FILES = sorted(FOLDER.glob("*.json"))
BY_NAME = {message.name: message for message in payment.MESSAGES}


def message_of(example: dict[str, Any]) -> tuple[MessageType, Any]:
    message = BY_NAME[example["message"]]
    return message, typed(example["body"], message.body)


def stored(example: dict[str, Any]) -> DocumentView | None:
    """The payment that the network knows."""
    told = example["payment"]
    if told["body"] is None:
        return None
    body = typed(told["body"], PayBody)
    return DocumentView(
        object_id=body.payment.objectId,
        status=told["status"],
        version=1,
        agreed_version=None,
        number=body.payment.utr,
        body=body,
    )


def context(example: dict[str, Any]) -> RuleContext:
    message, body = message_of(example)
    paths = [touched.path for touched in message.touches(body)[1:]]
    invoices = zip(paths, example["invoices"], strict=True)
    return RuleContext(
        today=date(2026, 1, 31),
        parties=PARTIES
        | {b2b: replace(PARTIES[b2b], level=n) for b2b, n in example.get("levels", {}).items()},
        document=stored(example),
        held={path: view_of(told, path) for path, told in invoices},
        sharing=tuple(
            Sharing(object_id=one["objectId"], number=one["utr"])
            for one in example.get("sharing", ())
        ),
    )


def findings(example: dict[str, Any]) -> list[Fault]:
    """What the rules say of an example, as the network asks them."""
    message, body = message_of(example)
    return asked(message, body, context(example))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_are_exactly_these(path: Path) -> None:
    told_are_exactly(loaded(path), findings(loaded(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_follows(path: Path) -> None:
    example = loaded(path)
    moves = example["payment"]["target"] is not None
    verdict_follows(example, findings(example), moves=moves)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_payment_moves(path: Path) -> None:
    example = loaded(path)
    message, body = message_of(example)
    view = stored(example) or DocumentView(status="", version=1, agreed_version=None, number="")
    row = message.document.move(on=message.name, action=message.action(body), view=view)
    assert (row and row.target) == example["payment"]["target"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bookings_are_exactly_these(path: Path) -> None:
    example = loaded(path)
    if example["verdict"] == "refused":
        return
    message, body = message_of(example)
    places = {touched.path: n for n, touched in enumerate(message.touches(body)[1:])}
    booked = message.postings(body, context(example))
    assert example["books"] == [
        f"{places[one.ref]}: {one.debit} > {one.credit} {one.amount}" for one in booked
    ]
    assert all(one.standing for one in booked)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_says_what_to_do_with_its_numbers(path: Path) -> None:
    says_what_to_do(findings(loaded(path)))


def test_files_are_what_the_builder_writes() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in FILES} == texts()


def test_every_code_of_payments_has_an_example() -> None:
    told = {finding["code"] for path in FILES for finding in loaded(path)["findings"]}
    codes = {code.name for code in (*payment_rules.CODES, *payment_sums.CODES)}
    assert told == codes


def test_a_payment_to_somebody_else_is_not_named() -> None:
    (fault,) = findings(loaded(FOLDER / "utr-of-a-payment-to-somebody-else.json"))
    assert fault.context["payments"] == []
    assert "that of a payment to somebody else too" in fault.detail


def test_a_sum_tells_both_numbers() -> None:
    (fault,) = findings(loaded(FOLDER / "row-o-split-off.json"))
    assert fault.context == {"stated": "242.00", "sum": "241.60"}
    assert fault.detail.startswith("The splits make 241.60, the adjustment is 242.00.")


def test_what_is_over_the_due_tells_asked_due_and_most() -> None:
    (fault,) = findings(loaded(FOLDER / "row-q-more-than-one-rupee-over.json"))
    numbers = {name: fault.context[name] for name in ("asked", "due", "most")}
    assert numbers == {"asked": "302607.01", "due": "302606.00", "most": "302607.00"}


def test_what_a_payment_resolves() -> None:
    told = {}
    for name in ("story-payment-1", "story-confirmation-1", "rejected"):
        example = loaded(FOLDER / f"{name}.json")
        message = BY_NAME[example["message"]]
        told[name] = message.resolves(message.action(message_of(example)[1]))
    assert told == {"story-payment-1": None, "story-confirmation-1": True, "rejected": False}
