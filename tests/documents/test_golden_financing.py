"""The golden financing messages: accepted, warned or refused, with these findings and bookings."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hundi.documents import bid_ledger, bid_rules, financing, financing_rules
from hundi.documents.financing_bodies import (
    FinancingBody,
    ShareBidBody,
    answer_path,
    shared,
    shared_path,
)
from hundi.documents.invoice_bodies import Invoice
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import Fault
from hundi.ledger.model import Balance
from tests.documents.golden_frame import (
    asked,
    loaded,
    says_what_to_do,
    told_are_exactly,
    typed,
    verdict_follows,
)
from tests.documents.payments import PARTIES, bend, view_of
from tests.documents.write_golden_financing import FOLDER, texts

FILES = sorted(FOLDER.glob("*.json"))
LENDER = Party("LENDER@BCB", "LENDER", "Lender", "AAACL0001L", ())
BY_NAME = {message.name: message for message in financing.MESSAGES}


def message_of(example: dict[str, Any]) -> tuple[MessageType, Any]:
    message = BY_NAME[example["message"]]
    return message, typed(example["body"], message.body)


def stored(example: dict[str, Any]) -> DocumentView | None:
    """The request that the network knows."""
    told = example["request"]
    if not told["status"]:
        return None
    body = told["body"] and typed(told["body"], FinancingBody)
    return DocumentView(
        status=told["status"],
        version=1,
        agreed_version=None,
        number="",
        balances={bid_ledger.OPEN_BIDS: Balance(debit=told["openBids"])},
        body=body,
    )


def invoices(example: dict[str, Any], paths: list[str]) -> dict[str, DocumentView]:
    """The invoices as they were accepted: the copies in the message, bent where the file says."""
    found = {}
    for place, told in enumerate(example["invoices"]):
        changes = {"financeRequest__invoices__0__" + k: v for k, v in example["accepted"].items()}
        body = typed(bend(example["body"], **changes), FinancingBody)
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
            body=typed(told["body"], ShareBidBody),
        )
        for path, told in zip(paths, example["bids"], strict=False)
    }
    return RuleContext(
        today=date(2025, 12, 11),
        parties=PARTIES | {LENDER.b2b_id: replace(LENDER, level=example.get("level", 3))},
        document=stored(example),
        held={**bids, **invoices(example, paths), **still_free(example)},
        moved=moved(message, body),
        sender=LENDER.b2b_id,
        receiver=LENDER.b2b_id,
    )


def moved(message: MessageType, body: Any) -> tuple[str, ...]:
    """Paths of what the message moves, had it all been for one lender."""
    if message.name == "share-bid":
        return ("bid", *(shared_path(n) for n in range(len(shared(body)))))
    if message.name == "respond-bid":
        answers = body.bidResponse.responses
        return ("bidResponse", *(answer_path(n) for n in range(len(answers))))
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
    return asked(message, body, context(example))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_findings_are_exactly_these(path: Path) -> None:
    told_are_exactly(loaded(path), findings(loaded(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdict_follows(path: Path) -> None:
    example = loaded(path)
    moves = example["request"]["target"] is not None
    verdict_follows(example, findings(example), moves=moves)


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
    says_what_to_do(findings(loaded(path)))


def test_files_are_what_the_builder_writes() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in FILES} == texts()


def test_every_code_of_financing_has_an_example() -> None:
    told = {finding["code"] for path in FILES for finding in loaded(path)["findings"]}
    assert told == {code.name for code in (*financing_rules.CODES, *bid_rules.CODES)}


def test_no_finding_tells_a_whole_pan_that_was_not_sent() -> None:
    (fault,) = findings(loaded(FOLDER / "pan-of-another.json"))
    assert "ZZZCI2701K" not in fault.detail.replace("ZZZCI2701K@BCB", "")
    assert fault.context["known"] == "ZZ…K"
