"""The golden financing messages: accepted, warned or refused, with these findings and bookings."""

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hundi.documents import bid_rules, financing, financing_rules
from hundi.documents.financing_bodies import FinancingBody, ShareBidBody
from hundi.documents.invoice_bodies import Invoice
from hundi.exchange.definition import DocumentView, MessageType, RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from tests.documents.payments import PARTIES, bend, view_of
from tests.documents.write_golden_financing import ALL, FOLDER, text_of

FILES = sorted(FOLDER.glob("*.json"))
BY_NAME = {message.name: message for message in financing.MESSAGES}
_encoder = msgspec.json.Encoder(decimal_format="number")


@cache
def loaded(path: Path) -> dict[str, Any]:
    """The example, figures exact."""
    return json.loads(path.read_bytes(), parse_float=Decimal)


def message_of(example: dict[str, Any]) -> tuple[MessageType, Any]:
    message = BY_NAME[example["message"]]
    return message, read(_encoder.encode(example["body"]), message.body)


def stored(example: dict[str, Any]) -> DocumentView | None:
    """The request that the network knows."""
    told = example["request"]
    if not told["status"]:
        return None
    body = told["body"] and read(_encoder.encode(told["body"]), FinancingBody)
    return DocumentView(
        status=told["status"],
        version=1,
        agreed_version=None,
        number="",
        balances={bid_rules.OPEN_BIDS: Balance(debit=told["openBids"])},
        body=body,
    )


def invoices(example: dict[str, Any], paths: list[str]) -> dict[str, DocumentView]:
    """The invoices as they were accepted: the copies in the message, bent where the file says."""
    found = {}
    for place, told in enumerate(example["invoices"]):
        changes = {"financeRequest__invoices__0__" + k: v for k, v in example["accepted"].items()}
        body = read(_encoder.encode(bend(example["body"], **changes)), FinancingBody)
        copy: Invoice = body.financeRequest.invoices[place]
        view = view_of(told, paths[place])
        found[paths[place]] = msgspec.structs.replace(view, body=_Stored(copy))
    return found


class _Stored:
    """Stands for the body of `req-send-invoice`."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice


def context(example: dict[str, Any]) -> RuleContext:
    message, body = message_of(example)
    paths = [*moved(message, body)[1:], *offered(message, body)]
    bids = {
        path: DocumentView(
            status=told["status"],
            version=1,
            agreed_version=None,
            number="",
            body=read(_encoder.encode(told["body"]), ShareBidBody),
        )
        for path, told in zip(paths, example["bids"], strict=False)
    }
    return RuleContext(
        today=date(2025, 12, 11),
        parties=PARTIES,
        document=stored(example),
        held={**bids, **invoices(example, paths), **still_free(example)},
        moved=moved(message, body),
    )


def moved(message: MessageType, body: Any) -> tuple[str, ...]:
    """Paths of what the message moves, had it all been for one lender."""
    if message.name == "share-bid":
        return ("bid", *(bid_rules.shared_path(n) for n in range(len(bid_rules.shared(body)))))
    if message.name == "respond-bid":
        answers = body.bidResponse.responses
        return ("bidResponse", *(bid_rules.answer_path(n) for n in range(len(answers))))
    return ("financeRequest",)


def offered(message: MessageType, body: Any) -> list[str]:
    """Paths of the invoices that a request offers."""
    if message.name != "req-financing":
        return []
    return [financing_rules.offered_path(n) for n in range(len(body.financeRequest.invoices))]


def still_free(example: dict[str, Any]) -> dict[str, DocumentView]:
    """The invoices of a request when it is answered."""
    return {
        f"invoice/{told['objectId']}": view_of(told, f"invoice/{told['objectId']}")
        for told in example["free"]
    }


def findings(example: dict[str, Any]) -> list[Fault]:
    """What the rules say of an example, as the network asks them."""
    message, body = message_of(example)
    known = context(example)
    asked = [fault for rule in message.rules for fault in rule(body, known)]
    return asked + [fault for rule in message.body_rules for fault in rule(body)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_are_exactly_these(path: Path) -> None:
    example = loaded(path)
    told = [(finding["code"], finding["path"]) for finding in example["findings"]]
    assert sorted((fault.code, fault.path) for fault in findings(example)) == sorted(told)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_follows(path: Path) -> None:
    example = loaded(path)
    faults, warnings = split(findings(example))
    refused = bool(faults) or example["request"]["target"] is None
    assert example["verdict"] == ("refused" if refused else "warned" if warnings else "silent")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_request_moves(path: Path) -> None:
    example = loaded(path)
    message, body = message_of(example)
    view = stored(example) or DocumentView(status="", version=1, agreed_version=None, number="")
    action = None
    if message.name == "respond-bid":
        taken = any(one.response == "ACCEPT" for one in body.bidResponse.responses)
        action = "ACCEPT" if taken else "REJECT"
    row = financing.FINANCING_REQUEST.move(on=message.name, action=action, view=view)
    assert (row and row.target) == example["request"]["target"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bookings_are_exactly_these(path: Path) -> None:
    example = loaded(path)
    if example["verdict"] == "refused":
        return
    message, body = message_of(example)
    booked = message.postings(body, context(example))
    assert example["books"] == [
        f"{one.ref}: {one.debit} > {one.credit} {one.amount}" for one in booked
    ]
    assert {one.ref for one in booked} <= {*moved(message, body), *offered(message, body)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_finding_says_what_to_do_with_its_numbers(path: Path) -> None:
    for fault in findings(loaded(path)):
        assert fault.detail.endswith("."), fault
        assert len(fault.detail.split()) > 4, fault
        assert fault.context, fault
        for told in fault.context.values():
            for word in told if isinstance(told, list) else [told]:
                assert str(word) in fault.detail, fault


def test_files_are_what_the_builder_writes() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in FILES} == {
        case.name: text_of(case) for case in ALL
    }


def test_every_code_of_financing_has_an_example() -> None:
    told = {finding["code"] for path in FILES for finding in loaded(path)["findings"]}
    assert told == {code.name for code in (*financing_rules.CODES, *bid_rules.CODES)}


def test_no_finding_tells_a_whole_pan_that_was_not_sent() -> None:
    (fault,) = findings(loaded(FOLDER / "pan-of-another.json"))
    assert "ZZZCI2701K" not in fault.detail.replace("ZZZCI2701K@BCB", "")
    assert fault.context["known"] == "ZZ…K"
