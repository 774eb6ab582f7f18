"""What the ERP believes about a document: its journal's order, undoing, amendments."""

import json

import pytest

from hundi.simulator.erp import Erp
from hundi.simulator.webhook import Webhook
from tests.simulator.messages import (
    API,
    NOW,
    PARTIES,
    asked,
    body,
    copy_id,
    headers,
    new_erp,
    outcome_id,
    request_id,
    subject,
    told,
    webhook,
)


def believed(erp: Erp) -> tuple[int, str] | None:
    held = erp.held("PUR1")
    return None if held is None else (held.version, held.status)


def test_undoing_brings_back_what_was_believed_before() -> None:
    erp = new_erp()
    asked(erp, 1)
    asked(erp, 2, "req-edit", version=2, before="UNDER REVIEW", sequence=3)
    assert believed(erp) == (2, "SENT TO SUPPLIER")
    told(erp, copy_id(2), "resp-edit", result="FAILURE", version=2, sequence=4)
    assert believed(erp) == (1, "SENT TO SUPPLIER")


def test_undoing_an_exchange_leaves_later_ones_alone() -> None:
    erp = new_erp()
    asked(erp, 1)
    asked(erp, 2, "req-edit", version=2, sequence=3)
    asked(erp, 3, "req-edit", version=3, sequence=5)
    told(erp, copy_id(2), "resp-edit", result="FAILURE", version=2, sequence=4)
    assert believed(erp) == (3, "SENT TO SUPPLIER")


def test_the_journal_s_order_decides_not_the_order_of_arrival() -> None:
    erp = new_erp()
    asked(erp, 1, sequence=1)
    asked(erp, 3, "req-edit", version=2, sequence=5)
    told(
        erp,
        outcome_id(2),
        "resp-confirm",
        before="SENT TO SUPPLIER",
        status="UNDER REVIEW",
        sequence=4,
    )
    assert believed(erp) == (2, "SENT TO SUPPLIER")


@pytest.mark.parametrize("sequence", ["", "x", "-1", "٣", "9" * 40])
def test_without_a_journal_number_the_order_of_arrival_decides(sequence: str) -> None:
    erp = new_erp()
    asked(erp, 1, sequence=9)
    raw = body(subject(version=2))
    signed = headers(request_id(2), raw) | {"hundi-sequence": sequence}
    erp.receive(Webhook(API + "req-edit", signed, raw), now=NOW)
    assert believed(erp) == (2, "SENT TO SUPPLIER")


def amended(erp: Erp) -> None:
    """Accepted at version 1, then version 2 proposed."""
    asked(erp, 1, sequence=1)
    accept = {"before": "SENT TO SUPPLIER", "status": "ACCEPTED", "supplierResponse": "ACCEPT"}
    told(erp, outcome_id(2), "resp-confirm", sequence=4, **accept)
    asked(erp, 3, "req-edit", version=2, before="ACCEPTED", sequence=5)
    assert believed(erp) == (2, "SENT TO SUPPLIER")


def test_refusing_an_amendment_brings_back_the_accepted_version() -> None:
    erp = new_erp()
    amended(erp)
    reject = {"before": "SENT TO SUPPLIER", "status": "ACCEPTED", "supplierResponse": "REJECT"}
    told(erp, outcome_id(4), "resp-confirm", version=2, sequence=8, **reject)
    assert believed(erp) == (1, "ACCEPTED")


def test_closing_over_an_amendment_brings_back_the_accepted_version() -> None:
    erp = new_erp()
    amended(erp)
    close = {"before": "SENT TO SUPPLIER", "status": "CLOSED", "buyerAction": "CLOSE"}
    asked(erp, 4, "req-status-change", version=2, sequence=7, **close)
    assert believed(erp) == (1, "CLOSED")


def test_accepting_an_amendment_agrees_on_it() -> None:
    erp = new_erp()
    amended(erp)
    accept = {"before": "SENT TO SUPPLIER", "status": "ACCEPTED", "supplierResponse": "ACCEPT"}
    told(erp, outcome_id(4), "resp-confirm", version=2, sequence=8, **accept)
    held = erp.held("PUR1")
    assert held is not None
    assert (held.version, held.agreed, held.status) == (2, 2, "ACCEPTED")


def test_two_authors_may_use_one_object_id() -> None:
    erp = new_erp()
    for number, buyer in enumerate(("ONE@BCB", "TWO@BCB"), 1):
        raw = body(subject(version=number), parties={**PARTIES, "buyerB2BId": buyer})
        erp.receive(webhook("req-send", request_id(number), raw), now=NOW)
    assert [held.version for held in erp.documents()] == [1, 2]


def test_one_document_whatever_the_spelling_of_its_parties() -> None:
    erp = new_erp()
    asked(erp, 1)
    turned = dict(reversed(PARTIES.items()))
    raw = body(subject(version=2), parties=turned).replace(b": ", b":")
    erp.receive(webhook("req-edit", request_id(2), raw, sequence=2), now=NOW)
    assert [(held.version, held.b2b_ids) for held in erp.documents()] == [
        (2, json.dumps(PARTIES, separators=(",", ":")))
    ]
