"""Financing in code is the contract's: members, words, examples, paths and life cycle."""

from datetime import date
from typing import Any

import msgspec
import pytest
import yaml

from hundi.documents import financing_bodies, invoice_bodies, shapes
from hundi.documents.financing import BID, FINANCING_REQUEST
from hundi.documents.financing import MESSAGES as FINANCING_MESSAGES
from hundi.exchange.definition import LAPSE, DocumentType, Effect, MessageType, Touches, VersionRule
from hundi.exchange.route import Found, Leg, Listed
from hundi.exchange.views import DocumentView, Party, RuleContext
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
        moved={
            ASK.name: ("financeRequest",),
            SHARE.name: ("bid", "bid.bidDetails[0]"),
            ANSWER.name: ("bidResponse", "bidResponse.responses[0]"),
        }[message.name],
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


REQUEST, BID_ID = "FINREQ-2025-0001", "BID-0001"
INITIATOR, AT_7, AT_11 = "AAACB1234C@BCB", "SEVEN@BCB", "ELEVEN@BCB"


def listed(type_: str, object_id: str, status: str, *, lender: str = AT_7) -> Listed:
    author, other = (lender, INITIATOR) if type_ == "bid" else (INITIATOR, lender)
    return Listed(
        key=(author, type_, object_id),
        number=object_id.partition("/")[0],
        status=status,
        author_b2b=author,
        counterparty_b2b=other,
    )


def found(*requests: Listed, mine: str = INITIATOR) -> Found:
    """What look-ups lead to: two lenders have names, and there are these requests."""
    names = {("FA01", "LENDER07"): AT_7, ("FA01", "LENDER11"): AT_11}
    return Found(mine=frozenset({mine}), financiers=names, received=requests, authored=requests)


def legs(message: MessageType, body: Any, known: Found) -> list[Leg]:
    assert message.route is not None
    return [leg for leg in message.route.legs(body, known) if isinstance(leg, Leg)]


def test_each_lender_is_asked_in_an_exchange_of_his_own() -> None:
    seven, eleven = legs(ASK, typed(ASK), found())
    assert (seven.parties["lender"], eleven.parties["lender"]) == (AT_7, AT_11)
    assert seven.paths["lender"] == "financeRequest.financeId[0].financierId[0]"
    request, invoice = seven.touched
    assert (request.type, request.object_id) == ("financing-request", f"{REQUEST}/LENDER07")
    assert (request.how, request.number) == (Touches.MOVES, REQUEST)
    assert (invoice.how, invoice.number) == (Touches.HOLDS, "INV-2025-0042")
    assert (invoice.current_status, invoice.new_status) == ("ACCEPTED", "ACCEPTED")
    assert invoice.between == ("supplier", "buyer")


def test_a_bid_goes_to_who_asked_the_lender() -> None:
    asked = listed("financing-request", f"{REQUEST}/LENDER07", "REQUESTED")
    [leg] = legs(SHARE, typed(SHARE), found(asked, mine=AT_7))
    assert leg.parties == {"initiator": INITIATOR, "lender": AT_7}
    request, bid = leg.touched
    assert (request.object_id, bid.type, bid.object_id) == (f"{REQUEST}/LENDER07", "bid", BID_ID)
    assert bid.path == "bid.bidDetails[0]"


def test_bids_that_are_not_named_end_with_an_acceptance() -> None:
    bids = {name: listed("bid", name, status, lender=AT_11)
            for name, status in (("BID-2", "OFFERED"), ("BID-3", "EXPIRED"))}  # fmt: skip
    seven = msgspec.structs.replace(
        listed("financing-request", f"{REQUEST}/LENDER07", "BIDDING"),
        referring=(listed("bid", BID_ID, "OFFERED"),),
    )
    eleven = msgspec.structs.replace(
        listed("financing-request", f"{REQUEST}/LENDER11", "BIDDING", lender=AT_11),
        referring=tuple(bids.values()),
    )
    taken, refused = legs(ANSWER, typed(ANSWER), found(eleven, seven))
    assert [(one.object_id, one.action) for one in taken.touched] == [
        (f"{REQUEST}/LENDER07", "ACCEPT"),
        (BID_ID, "ACCEPT"),
    ]
    assert taken.touched[0].hastens == (eleven.key, bids["BID-2"].key)
    assert [(one.object_id, one.action) for one in refused.touched] == [
        (f"{REQUEST}/LENDER11", "REJECT"),
        ("BID-2", "REJECT"),
    ]
    assert (taken.follows, refused.follows) == (False, True)
    assert refused.cut is not None
    assert (refused.cut.keep, [one["bidId"] for one in refused.cut.add]) == ((), ["BID-2"])
    [alone] = legs(ANSWER, refusal(), found(eleven, seven))
    assert (alone.action, alone.follows) == ("REJECT", False)


def test_an_acceptance_keeps_the_financing() -> None:
    assert [message.resolves("ACCEPT") for message in FINANCING_MESSAGES] == [None, None, True]
    assert ANSWER.resolves("REJECT") is None  # the request has ended: all that it drew goes back
    assert "DECLINED" in FINANCING_REQUEST.released


def refusal() -> Any:
    """The contract's answer turned round."""
    told = example(ANSWER)
    [decision] = told["bidResponse"]["responses"]
    refused = told["bidResponse"] | {"responses": [decision | {"response": "REJECT"}]}
    return read(msgspec.json.encode(told | {"bidResponse": refused}), ANSWER.body)


def test_the_life_cycle_of_a_request_is_the_contracts() -> None:
    """The contract's "buyer or supplier" is the initiator; no call brings the end of time."""
    told = {
        (source, row["to"], row["by"], row["via"] or LAPSE, row.get("action"))
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


def test_only_the_end_of_time_is_a_fact() -> None:
    moves = (*FINANCING_REQUEST.moves, *BID.moves)
    assert {move.on for move in moves if move.effect is Effect.FACT} == {LAPSE}
    first = {(move.on, move.source) for move in moves if move.version is VersionRule.FIRST}
    assert first == {("req-financing", ""), ("share-bid", "")}
    assert FINANCING_REQUEST.lapses
    assert BID.lapses
