"""Financing in code is the contract's: members, words, examples, paths and life cycle."""

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest
import yaml

from hundi.documents import financing, financing_bodies, invoice_bodies, shapes
from hundi.documents.financing import BID, FINANCING_MESSAGES, FINANCING_REQUEST
from hundi.exchange.definition import (
    DocumentType,
    DocumentView,
    Effect,
    MessageType,
    Party,
    RuleContext,
    Touches,
    VersionRule,
)
from hundi.kernel.faults import RefusedError
from hundi.kernel.fields import Group
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from tests.documents.contracted import Schemas
from tests.house.sources import ROOT

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-financing.yaml").read_text(encoding="utf-8"))
SCHEMAS = Schemas(CONTRACT)
EXAMPLES = CONTRACT["components"]["examples"]
CYCLE = CONTRACT["x-lifecycle"]["financing-request"]
PAIRS: dict[type[Group], str] = {
    shapes.B2BIds: "B2BIds",
    shapes.Device: "Device",
    financing_bodies.FinanceProvider: "FinanceProvider",
    financing_bodies.PartyPans: "B2BPan",
    financing_bodies.FinanceRequest: "FinanceRequest",
    financing_bodies.FinancingBody: "RequestFinancingRequest",
    financing_bodies.InvoiceFinDetail: "InvoiceFinDetail",
    financing_bodies.BidDetail: "BidDetail",
    financing_bodies.Bid: "Bid",
    financing_bodies.ShareBidBody: "ShareBidRequest",
    financing_bodies.BidDecision: "BidDecision",
    financing_bodies.BidResponse: "BidResponse",
    financing_bodies.RespondBidBody: "RespondBidRequest",
    invoice_bodies.Invoice: "Invoice",
    invoice_bodies.InvoiceVersion: "InvoiceObjectVersion",
    invoice_bodies.StatusTransition: "StatusTransition",
}
REQUESTS = {
    "req-financing": "RequestFinancingRequest",
    "share-bid": "ShareBidRequest",
    "respond-bid": "RespondBidRequest",
}
messages = pytest.mark.parametrize("message", FINANCING_MESSAGES, ids=lambda one: one.name)
[ASK, SHARE, ANSWER] = FINANCING_MESSAGES


def test_every_object_of_the_bodies_is_compared() -> None:
    own = {
        one
        for one in vars(financing_bodies).values()
        if isinstance(one, type) and issubclass(one, Group)
        if one.__module__ == financing_bodies.__name__
    }
    assert own <= set(PAIRS)


@pytest.mark.parametrize(("body", "name"), PAIRS.items())
def test_members_are_the_contracts(body: type[Group], name: str) -> None:
    SCHEMAS.members_are_the_same(body, name)
    SCHEMAS.types_are_the_same(body, name)
    if body.__module__ == financing_bodies.__name__:
        SCHEMAS.closed_like(body, (name,))  # of an invoice the invoice's own contract says more


def example(message: MessageType) -> dict[str, Any]:
    value: dict[str, Any] = EXAMPLES[REQUESTS[message.name]]["value"]
    return value


def typed(message: MessageType) -> Any:
    return read(msgspec.json.encode(example(message)), message.body)


def view(status: str, body: object, *, number: str = "", **nets: int) -> DocumentView:
    accounts = {name.replace("_", " "): Balance(debit=max(net, 0), credit=max(-net, 0))
                for name, net in nets.items()}  # fmt: skip
    return DocumentView(
        status=status, version=1, agreed_version=1, number=number, balances=accounts, body=body
    )


def known(message: MessageType) -> RuleContext:
    """What the network has when the contract's example comes."""
    ask: financing_bodies.FinancingBody = typed(ASK)
    ids = (ask.b2bIds.buyerB2BId, ask.b2bIds.supplierB2BId)
    invoice = msgspec.structs.replace(
        view("ACCEPTED", None, number="INV-2025-0042", due=177000, billed=-177000), body=None
    )
    return RuleContext(
        today=date(2025, 2, 1),
        parties={b2b: Party(b2b, b2b, b2b, b2b.removesuffix("@BCB"), ()) for b2b in ids},
        document=None if message is ASK else view("BIDDING", ask, open_bids=1),
        held={
            "financeRequest.invoices[0]": invoice,
            "bidResponse.responses[0]": view("OFFERED", typed(SHARE)),
        },
    )


@messages
def test_the_contracts_example_passes_without_findings(message: MessageType) -> None:
    body = typed(message)
    assert not [fault for rule in message.rules for fault in rule(body, known(message))]
    assert not [fault for rule in message.body_rules for fault in rule(body)]


@messages
def test_paths_are_the_contracts(message: MessageType) -> None:
    operation = CONTRACT["paths"][message.path]["post"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith(f"/{REQUESTS[message.name]}")
    webhooks = {one["post"]["x-path"].lstrip("/") for one in CONTRACT["webhooks"].values()}
    assert {message.forward, message.inform} <= webhooks
    assert message.subject in SCHEMAS.schemas[REQUESTS[message.name]]["required"]


@messages
def test_a_request_without_a_required_member_is_refused(message: MessageType) -> None:
    told, needed = example(message), {one.name for one in msgspec.structs.fields(message.body)}
    assert set(told) <= needed
    for name in SCHEMAS.schemas[REQUESTS[message.name]]["required"]:
        rest = {one: value for one, value in told.items() if one != name}
        with pytest.raises(RefusedError) as refused:
            read(msgspec.json.encode(rest), message.body)
        assert [fault.path for fault in refused.value.faults] == [name]


def test_what_the_messages_touch() -> None:
    [request, invoice] = ASK.touches(typed(ASK))
    assert (request.type, request.object_id) == ("financing-request", "FINREQ-2025-0001")
    assert (invoice.type, invoice.how, invoice.number) == (
        "invoice",
        Touches.HOLDS,
        "INV-2025-0042",
    )
    assert (invoice.current_status, invoice.new_status) == ("ACCEPTED", "ACCEPTED")
    for message, path in ((SHARE, "bid.bidDetails[0]"), (ANSWER, "bidResponse.responses[0]")):
        [request, bid] = message.touches(typed(message))
        assert (request.object_id, request.how) == ("FINREQ-2025-0001", Touches.MOVES)
        assert (bid.type, bid.object_id, bid.path) == ("bid", "BID-0001", path)


def test_who_is_asked_and_answered() -> None:
    path = "financeRequest.financeId[0].financierId"
    assert financing.lenders(typed(ASK)) == (("LENDER07", f"{path}[0]"), ("LENDER11", f"{path}[1]"))
    assert financing.bidder(typed(SHARE)) == "LENDER07"
    answer = typed(ANSWER)
    assert financing.answered_lenders(answer) == (
        ("LENDER07", "bidResponse.responses[0].financierId"),
    )
    assert financing.decisions(answer) == {"bidResponse.responses[0]": "ACCEPT"}


def test_a_message_without_a_bid_is_of_nobody() -> None:
    body = read(msgspec.json.encode(example(SHARE) | {"bid": {}}), SHARE.body)
    assert financing.bidder(body) == ""
    [request] = SHARE.touches(body)
    assert request.object_id == ""


def test_bids_that_are_not_named_end_with_an_acceptance() -> None:
    held = {
        "bidResponse.responses[0]": view("OFFERED", None),
        **{
            f"bid/{name}": msgspec.structs.replace(view(status, None), object_id=name)
            for name, status in (
                ("BID-0001", "OFFERED"),
                ("BID-2", "OFFERED"),
                ("BID-3", "EXPIRED"),
            )
        },
    }
    context = replace(known(ANSWER), held=held)
    assert financing.refused_too(typed(ANSWER), context) == ("bid/BID-2",)
    assert financing.refused_too(refusal(), context) == ()


def test_an_acceptance_keeps_the_financing_and_a_refusal_frees_it() -> None:
    assert [ASK.resolves(typed(ASK)), SHARE.resolves(typed(SHARE))] == [None, None]
    assert ANSWER.resolves(typed(ANSWER)) is True
    assert ANSWER.resolves(refusal()) is False


def refusal() -> Any:
    """The contract's answer turned round."""
    told = example(ANSWER)
    [decision] = told["bidResponse"]["responses"]
    refused = told["bidResponse"] | {"responses": [decision | {"response": "REJECT"}]}
    return read(msgspec.json.encode(told | {"bidResponse": refused}), ANSWER.body)


def test_the_life_cycle_of_a_request_is_the_contracts() -> None:
    """The contract's "buyer or supplier" is the initiator; no call brings the end of time."""
    told = {
        (source, row["to"], row["by"], row["via"] or financing.TIMEOUT, row.get("action"))
        for row in CYCLE["transitions"]
        for source in row["from"]
    }
    opened = ("", CYCLE["initial"], "initiator", "req-financing", None)
    rows = [(m.source, m.target, m.by, m.on, m.action) for m in FINANCING_REQUEST.moves]
    assert set(rows) == told | {opened}
    assert len(rows) == len(told) + 1


@pytest.mark.parametrize(
    ("kind", "final"),
    [(FINANCING_REQUEST, set(CYCLE["final"])), (BID, {"ACCEPTED", "REFUSED", "EXPIRED"})],
    ids=["request", "bid"],
)
def test_final_states_and_reachable_ones(kind: DocumentType, final: set[str]) -> None:
    targets = {move.target for move in kind.moves}
    assert targets - {move.source for move in kind.moves} == final
    reached = {kind.initial}
    while more := {m.target for m in kind.moves if m.source in reached} - reached:
        reached |= more
    assert reached == targets | {kind.initial}
    calls = {(m.on, m.action, m.source): m for m in kind.moves}
    for status in reached:
        for on, action in {(m.on, m.action) for m in kind.moves}:
            found = kind.move(on=on, action=action, view=view(status, None))
            assert found is calls.get((on, action, status))


def test_bids_are_facts_and_keep_nobody_waiting() -> None:
    moves = (*FINANCING_REQUEST.moves, *BID.moves)
    facts = {move.on for move in moves if move.effect is Effect.FACT}
    assert facts == {"share-bid", "expiry"}
    assert all(move.effect is Effect.FACT for move in moves if move.on in facts)
    first = {(move.on, move.source) for move in moves if move.version is VersionRule.FIRST}
    assert first == {("req-financing", ""), ("share-bid", "")}
