"""Messages about several documents, and facts: payments with their invoices, calls for bids."""

import json
from itertools import permutations
from typing import Any

import pytest

from hundi.simulator import story, story_money
from hundi.simulator.erp import Erp
from hundi.simulator.webhook import Webhook, is_request
from tests.simulator.messages import NOW, copy_id, headers, new_erp, outcome_id, request_id

INVOICE = story_money.INVOICE_1
PAYMENT = story_money.PAYMENTS[1].object_id
DECLINE = [{"do": {"answer": "decline", "code": "ERP-NO-MONEY"}}]


def arrives(
    erp: Erp, path: str, webhook_id: str, body: story.Body, *, sequence: str, result: str = ""
) -> Any:
    """A webhook; with a `result` an outcome."""
    told = {**body, "resp": {"result": result}} if result else body
    raw = story.dumps(told)
    signed = headers(webhook_id, raw, sequence=sequence)
    answer = erp.receive(Webhook(f"/api/v0/{path}", signed, raw), now=NOW)
    return json.loads(answer.body)["payload"]


def invoiced(erp: Erp) -> None:
    """The invoice as both sides hold it before money moves."""
    about = {
        "objectId": INVOICE,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "buyerResponse": "ACCEPT",
        "statusTransition": {"currentStatus": "SENT TO BUYER", "newStatus": "ACCEPTED"},
    }
    body = story.message("invoiceConfirmation", about)
    del body["additionalInfos"]
    payload = arrives(erp, "invoice/req-confirm-invoice", request_id(1), body, sequence="3")
    assert "additionalInfos" not in payload, "what the body has not is not answered"


def believed(erp: Erp, object_id: str = INVOICE) -> tuple[str, str, bool]:
    held = erp.held(object_id)
    assert held is not None
    return held.type, held.status, held.disputed


def test_a_payment_moves_its_invoices_in_their_own_journals() -> None:
    erp = new_erp()
    invoiced(erp)
    paid, confirmed = story_money.payment(1), story_money.payment_confirmation(1)
    for _ in range(3):
        arrives(erp, "payment/req-pay", request_id(2), paid, sequence="1,5")
    assert believed(erp) == ("invoice", "PAYMENT INITIATED", False)
    assert believed(erp, PAYMENT) == ("payment", "pay", False)
    arrives(erp, "payment/resp-pay-confirmation", outcome_id(3), confirmed,
            sequence="3,7", result="SUCCESS")  # fmt: skip
    assert believed(erp) == ("invoice", "PARTIALLY PAID", False)
    assert believed(erp, PAYMENT) == ("payment", "ACCEPT", False)
    assert erp.applied() == {request_id(1): 1, request_id(2): 1, outcome_id(3): 1}
    assert [(row["object_id"], row["sequence"]) for row in erp.state.effects() if row["place"]] == [
        (INVOICE, 5), (INVOICE, 7),
    ]  # fmt: skip


def test_an_invoice_named_before_it_came_is_one_document_with_it() -> None:
    erp = new_erp()
    arrives(erp, "payment/req-pay", request_id(2), story_money.payment(1), sequence="1,5")
    assert believed(erp) == ("", "PAYMENT INITIATED", False)
    invoiced(erp)
    assert believed(erp) == ("invoice", "PAYMENT INITIATED", False)
    assert {held.object_id for held in erp.documents()} == {INVOICE, PAYMENT}


def test_without_a_number_for_each_the_order_of_arrival_decides() -> None:
    erp = new_erp()
    invoiced(erp)
    arrives(erp, "payment/req-pay", request_id(2), story_money.payment(1), sequence="1")
    assert believed(erp) == ("invoice", "PAYMENT INITIATED", False)


@pytest.mark.parametrize("side", ["payer", "payee"])
def test_a_fact_holds_although_the_other_side_objects(side: str) -> None:
    erp = new_erp()
    invoiced(erp)
    body = story_money.payment(1)
    if side == "payer":
        arrives(erp, "payment/resp-pay", outcome_id(2), body, sequence="2,6", result="FAILURE")
    else:
        erp.rules = new_erp(DECLINE).rules
        payload = arrives(erp, "payment/req-pay", request_id(2), body, sequence="1,5")
        assert payload["resp"]["result"] == "FAILURE"
    assert believed(erp) == ("invoice", "PAYMENT INITIATED", True)
    assert believed(erp, PAYMENT) == ("payment", "pay", True)
    disputed = {row["object_id"] for row in erp.state.effects() if row["disputed"]}
    assert disputed == {INVOICE, PAYMENT}


STEPS = (
    ("payment/resp-pay", outcome_id(2), story_money.payment(1), "3,7"),
    ("payment/req-pay-confirmation", request_id(3), story_money.payment_confirmation(1), "2,6"),
    ("payment/resp-pay", outcome_id(4), story_money.payment(2), "2,10"),
    ("payment/req-pay-confirmation", request_id(5), story_money.payment_confirmation(2), "3,9"),
)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_what_is_told_late_of_own_facts_goes_where_it_happened(order: tuple[int, ...]) -> None:
    """The payer hears of its payments after their confirmations, which were sent meanwhile."""
    erp = new_erp()
    invoiced(erp)
    for place in order:
        path, webhook_id, body, sequence = STEPS[place]
        result = "" if is_request(path) else "SUCCESS"
        arrives(erp, path, webhook_id, body, sequence=sequence, result=result)
    assert believed(erp) == ("invoice", "PAID", False)
    for number in (1, 2):
        assert believed(erp, story_money.PAYMENTS[number].object_id)[1] == "ACCEPT"


def test_a_refused_payment_leaves_the_invoice_as_it_was() -> None:
    erp = new_erp()
    invoiced(erp)
    refused = story_money.payment_confirmation(1, response="REJECT", after="ACCEPTED")
    arrives(erp, "payment/req-pay-confirmation", request_id(3), refused, sequence="2,6")
    arrives(erp, "payment/resp-pay", outcome_id(2), story_money.payment(1),
            sequence="3,7", result="SUCCESS")  # fmt: skip
    assert believed(erp) == ("invoice", "ACCEPTED", False)
    assert believed(erp, PAYMENT) == ("payment", "REJECT", False)


FINANCING = {
    "requestFinancing": {
        "initiatorEntity": "SUPPLIER",
        "b2bIds": {"buyerB2BId": "A@BCB"},
        "device": {},
        "financeRequest": {"financingRequestId": "FIN1", "invoices": [{"objectId": "I1"}]},
    },
    "shareBid": {"device": {}, "bid": {"financingRequestId": "FIN1", "bidDetails": []}},
    "respondBid": {"device": {}, "bidResponse": {"financingRequestId": "FIN1", "responses": []}},
}


@pytest.mark.parametrize("name", FINANCING)
def test_calls_for_bids_have_an_id_of_their_own(name: str) -> None:
    erp = new_erp()
    body = FINANCING[name]
    payload = arrives(erp, f"finance/{name}", request_id(1), body, sequence="1,4")
    assert payload["resp"]["result"] == "SUCCESS"
    assert ("b2bIds" in payload) == ("b2bIds" in body)
    assert believed(erp, "FIN1") == ("finance", name, False)
    answer = f"finance/resp{name[0].upper()}{name[1:]}"
    arrives(erp, answer, outcome_id(2), body, sequence="2,5", result="SUCCESS")
    arrives(erp, answer, copy_id(3), body, sequence="2,5", result="SUCCESS")
    assert believed(erp, "FIN1") == ("finance", name, False)
    assert len(erp.documents()) == 1


def test_a_declined_call_is_no_fact() -> None:
    erp = new_erp(DECLINE)
    body = FINANCING["requestFinancing"]
    arrives(erp, "finance/requestFinancing", request_id(1), body, sequence="1,4")
    assert erp.documents() == []


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("/api/v0/finance/respondBid", True),
        ("/api/v0/finance/respRespondBid", False),
        ("/api/v0/payment/resp-pay", False),
        ("/api/v0/payment/req-pay", True),
    ],
)
def test_requests_and_outcomes_are_told_apart(path: str, asks: bool) -> None:
    assert is_request(path) == asks


def test_a_withdrawal_that_is_declined_stands_all_the_same() -> None:
    erp = new_erp(DECLINE)
    body = story.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="Raised twice"
    )
    payload = arrives(erp, "purchase-order/req-status-change", request_id(1), body, sequence="3")
    assert payload["resp"]["result"] == "FAILURE"
    assert believed(erp, story.OBJECT_ID) == ("purchase-order", "CANCELLED", True)


def test_a_document_that_is_only_shown_is_not_moved() -> None:
    """Lenders see an invoice whole; what became of it since is not undone by an old copy."""
    erp = new_erp()
    invoiced(erp)
    arrives(erp, "payment/req-pay", request_id(2), story_money.payment(1), sequence="1,5")
    shown = {
        "objectId": INVOICE,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "statusTransition": {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"},
    }
    asked = {"device": {}, "b2bIds": story.message("x", {})["b2bIds"]}
    asked["financeRequest"] = {"financingRequestId": "FIN1", "invoices": [shown]}
    arrives(erp, "finance/respRequestFinancing", outcome_id(9), asked,
            sequence="3,9", result="SUCCESS")  # fmt: skip
    assert believed(erp) == ("invoice", "PAYMENT INITIATED", False)
    assert believed(erp, "FIN1") == ("finance", "requestFinancing", False)
