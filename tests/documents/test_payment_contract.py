"""Payments in code are the contract's: members, words, examples, paths and life cycle."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import yaml

from hundi.documents import invoice_bodies, payment, payment_bodies, shapes
from hundi.documents.payment import LIFE_CYCLE, PAYMENT
from hundi.exchange.definition import Effect, MessageType, Touches, VersionRule
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import RefusedError
from hundi.kernel.fields import Group
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from hundi.simulator import story_money
from tests.documents.contracted import Schemas, every_member_is_required
from tests.documents.payments import bend
from tests.house.sources import ROOT

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-payment.yaml").read_text(encoding="utf-8"))
SCHEMAS = Schemas(CONTRACT)
EXAMPLES = CONTRACT["components"]["examples"]
CYCLE = CONTRACT["x-lifecycle"]["payment"]
PAIRS: dict[type[Group], tuple[str, ...]] = {
    shapes.Device: ("Device",),
    shapes.GeoCodeTag: ("GeoCodeTag",),
    shapes.B2BIds: ("B2BIds",),
    shapes.AdditionalInfo: ("AdditionalInfo",),
    invoice_bodies.InvoiceVersion: ("InvoiceObjectVersion",),
    invoice_bodies.StatusTransition: ("StatusTransition",),
    payment_bodies.PaymentAmount: ("PaymentAmount",),
    payment_bodies.AmountSplit: ("AmountSplit",),
    payment_bodies.InvoicePaymentAmount: ("InvoicePaymentAmount",),
    payment_bodies.InvoiceAmount: ("InvoiceAmount",),
    payment_bodies.PayeeAccount: ("PaySupplierBankAccountDetails",),
    payment_bodies.Share: ("InvoicePayInfo",),
    payment_bodies.Payment: ("Payment",),
    payment_bodies.ConfirmedInvoice: ("ConfirmedInvoiceInfo",),
    payment_bodies.PaymentConfirmation: ("PaymentConfirmation",),
    payment_bodies.PayBody: ("PayInvoicesRequest",),
    payment_bodies.PayConfirmationBody: ("PaymentConfirmationRequest",),
}
EACH = [(body, name) for body, names in PAIRS.items() for name in names]
REQUESTS = {"req-pay": "PayInvoicesRequest", "req-pay-confirmation": "PaymentConfirmationRequest"}
_encoder = msgspec.json.Encoder(decimal_format="number")
messages = pytest.mark.parametrize("message", payment.MESSAGES, ids=lambda one: one.name)


def test_every_object_of_the_bodies_is_compared() -> None:
    own = {
        one
        for one in vars(payment_bodies).values()
        if isinstance(one, type) and issubclass(one, Group)
        if one.__module__ == payment_bodies.__name__
    }
    assert own <= set(PAIRS)


@pytest.mark.parametrize(("body", "name"), EACH)
def test_members_are_the_contracts(body: type[Group], name: str) -> None:
    SCHEMAS.members_are_the_same(body, name)
    SCHEMAS.types_are_the_same(body, name)


@pytest.mark.parametrize("body", PAIRS)
def test_what_the_network_acts_on_is_closed(body: type[Group]) -> None:
    SCHEMAS.closed_like(body, PAIRS[body])


def example(message: MessageType) -> dict[str, Any]:
    value: dict[str, Any] = EXAMPLES[REQUESTS[message.name]]["value"]
    return value


@messages
def test_the_contracts_example_passes_without_findings(message: MessageType) -> None:
    told = example(message)
    body = read(msgspec.json.encode(told), message.body)
    pay = payment.MESSAGES[0]
    stored = DocumentView(
        status="DELIVERED", version=1, agreed_version=None, number="SBIN225025000123",
        body=read(msgspec.json.encode(example(pay)), pay.body),
    )  # fmt: skip
    moved, invoice = message.touches(body)
    known = RuleContext(
        today=date(2025, 2, 1),
        parties={b2b: Party(b2b, b2b, b2b, "", ()) for b2b in told["b2bIds"].values()},
        document=None if message is pay else stored,
        held={invoice.path: DocumentView(
            status=invoice.current_status or "", version=1, agreed_version=1,
            number="INV-2025-0042", balances={"due": Balance(debit=177000)},
        )},
    )  # fmt: skip
    assert not [fault for rule in message.rules for fault in rule(body, known)]
    assert not [fault for rule in message.body_rules for fault in rule(body)]
    assert moved.object_id == told[message.subject]["objectId"]


@messages
def test_what_a_message_touches(message: MessageType) -> None:
    """The payment is moved without versions; its invoices are held with the sender's view."""
    told = example(message)[message.subject]
    moved, invoice = message.touches(read(msgspec.json.encode(example(message)), message.body))
    assert (moved.type, moved.how, moved.path) == ("payment", Touches.MOVES, message.subject)
    assert moved.number == told.get("utr", told["objectId"])
    assert [moved.claim, moved.current_version, moved.new_status] == [None, None, None]
    [(name, [info])] = [(name, value) for name, value in told.items() if isinstance(value, list)]
    assert (invoice.type, invoice.how) == ("invoice", Touches.HOLDS)
    assert (invoice.path, invoice.transition) == (
        f"{message.subject}.{name}[0]",
        "statusTransition",
    )
    assert (invoice.current_status, invoice.new_status) == tuple(info["statusTransition"].values())
    assert (invoice.current_version, invoice.new_version) == (1, 1)
    assert (invoice.number, invoice.required) == (info["supplierInvoiceNumber"], True)


@messages
def test_paths_and_parties_are_the_contracts(message: MessageType) -> None:
    operation = CONTRACT["paths"][message.path]["post"]
    assert operation["x-actor"] == message.sender
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith(f"/{REQUESTS[message.name]}")
    webhooks = {one["post"]["x-path"].lstrip("/") for one in CONTRACT["webhooks"].values()}
    assert {message.forward, message.inform} <= webhooks
    assert message.subject in SCHEMAS.schemas[REQUESTS[message.name]]["required"]


@messages
def test_a_request_without_a_required_member_is_refused(message: MessageType) -> None:
    every_member_is_required(example(message), message)


_SHARE = "payment__invoicesPayInfos__0__"
REFUSED = [
    ("payment__objectId", "INV" + "1" * 32, "SHAPE-PATTERN"),
    ("payment__ts", "2025-12-19", "SHAPE-PATTERN"),
    ("payment__type", "OFFLINE", "SHAPE-VALUE"),
    ("payment__mode", "RTGS", "SHAPE-VALUE"),
    ("payment__utr", 'A"B', "SHAPE-PATTERN"),
    ("payment__currency", "USD", "SHAPE-VALUE"),
    ("payment__paymentAmount__netPaidAmount", Decimal("-0.01"), "SHAPE-RANGE"),
    ("payment__paymentAmount__totalAmount", Decimal("400242.001"), "SHAPE-PRECISION"),
    ("payment__invoicesPayInfos", [], "SHAPE-LENGTH"),
    (f"{_SHARE}invoicePaymentAmount__splits__0__value", Decimal("-1.00"), "SHAPE-RANGE"),
    (f"{_SHARE}invoicePaymentAmount__splits__0__value", "242.00", "SHAPE-TYPE"),
    (f"{_SHARE}supplierBankAccountDetails__ifsc", "FICT1000033", "SHAPE-PATTERN"),
    (f"{_SHARE}supplierBankAccountDetails__maskedAccountNumber", "X" * 35, "SHAPE-LENGTH"),
    (f"{_SHARE}supplierBankAccountDetails__businessVPA", "acme", "SHAPE-PATTERN"),
    (f"{_SHARE}statusTransition__newStatus", "PAYING", "SHAPE-VALUE"),
]


@pytest.mark.parametrize(("member", "value", "code"), REFUSED)
def test_a_member_that_cannot_be_is_refused(member: str, value: object, code: str) -> None:
    body = bend(story_money.payment(1), **{member: value})
    with pytest.raises(RefusedError) as refused:
        read(_encoder.encode(body), payment_bodies.PayBody)
    (fault,) = refused.value.faults
    assert fault.code == code
    assert member.rsplit("__", maxsplit=1)[-1] in fault.path


GUARDS = {"result SUCCESS": "SUCCESS", "result FAILURE": "FAILURE"}
"""The contract's guard on the outcome is the action of the move in code."""


def test_the_life_cycle_is_the_contracts() -> None:
    told = {
        (source, row["to"], row["by"], row["via"], row.get("action", GUARDS.get(row.get("guard"))))
        for row in CYCLE["transitions"]
        for source in row["from"]
    }
    opened = ("", CYCLE["initial"], "buyer", "req-pay", None)
    rows = [(m.source, m.target, m.by, m.on, m.action) for m in LIFE_CYCLE]
    assert set(rows) == told | {opened}
    assert len(rows) == len(told) + 1


def test_final_states_are_the_contracts_and_all_are_reached() -> None:
    targets = {move.target for move in LIFE_CYCLE}
    assert targets - {move.source for move in LIFE_CYCLE} == set(CYCLE["final"])
    reached = {PAYMENT.initial}
    while more := {m.target for m in LIFE_CYCLE if m.source in reached} - reached:
        reached |= more
    assert reached == targets | {PAYMENT.initial}


def test_every_row_is_walked_and_no_other_move_exists() -> None:
    calls = {(m.on, m.action) for m in LIFE_CYCLE} | {("req-pay", "ACCEPT")}
    rows = {(m.on, m.action, m.source): m for m in LIFE_CYCLE}
    for status in {m.source for m in LIFE_CYCLE} | set(CYCLE["final"]):
        for on, action in calls:
            view = DocumentView(status=status, version=1, agreed_version=None, number="U")
            found = PAYMENT.move(on=on, action=action, view=view)
            assert found is rows.get((on, action, status))


def test_all_are_facts_and_versions_stay() -> None:
    assert {move.effect for move in LIFE_CYCLE} == {Effect.FACT}
    for move in LIFE_CYCLE:
        assert (move.version is VersionRule.FIRST) == (move.on == "req-pay")
        assert move.version in {VersionRule.FIRST, VersionRule.KEEP}


def test_a_move_is_made_by_the_sender_of_its_message() -> None:
    senders = {one.name: one.sender for one in payment.MESSAGES} | {"resp-pay": "platform"}
    assert all(move.by == senders[move.on] for move in LIFE_CYCLE)
    assert {move.on for move in LIFE_CYCLE} == set(senders)


def test_the_contract_ties_rejecting_to_the_type() -> None:
    """The contract ties REJECT to OFFPLATFORM by if and then; in code a rule says so."""
    tied = CONTRACT["components"]["schemas"]["PaymentConfirmation"]
    assert tied["if"]["properties"]["supplierResponse"]["const"] == "REJECT"
    assert tied["then"]["properties"]["type"]["const"] == "OFFPLATFORM"
