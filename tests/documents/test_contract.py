"""The bodies in code are the contract's: members, required members, closed words, examples."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import inspect

from hundi.documents import order_bodies, shapes
from hundi.documents.purchase_order import MESSAGES
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel import members
from hundi.kernel.faults import RefusedError
from hundi.kernel.fields import Emptiable, Group, Strict
from hundi.kernel.reading import read
from hundi.simulator import story
from tests.documents.bodies import put
from tests.documents.contracted import bare, every_member_is_required, struct
from tests.house.sources import ROOT

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-purchase-order.yaml").read_text(encoding="utf-8"))
SCHEMAS = CONTRACT["components"]["schemas"]
EXAMPLES = CONTRACT["components"]["examples"]
PAIRS: dict[type[Group], tuple[str, ...]] = {
    shapes.Device: ("Device",),
    shapes.GeoCodeTag: ("GeoCodeTag",),
    shapes.B2BIds: ("B2BIds",),
    shapes.AdditionalInfo: ("AdditionalInfo",),
    shapes.Address: ("Address",),
    shapes.ContactNumber: ("ContactNumber",),
    shapes.SupplierDetails: ("SupplierDetails",),
    shapes.BuyerDetails: ("BuyerDetails",),
    shapes.AddressDetail: ("AddressDetail",),
    shapes.TypedAmount: ("TypedAmount",),
    shapes.TypedRate: ("TypedAmount",),
    shapes.BatchDetails: ("BatchDetails",),
    shapes.LineItem: ("LineItem",),
    shapes.ContractReference: ("ContractReference",),
    shapes.AdditionalDocument: ("AdditionalDocument",),
    shapes.PaymentMilestone: ("PaymentMilestone",),
    shapes.ShippingTerms: ("ShippingTermsDetails",),
    shapes.ObjectVersion: ("ObjectVersion",),
    order_bodies.StatusTransition: ("PoStatusTransition", "PoStatusTransitionText"),
    order_bodies.OrderValue: ("PoValueDetails",),
    order_bodies.Order: ("PurchaseOrder",),
    order_bodies.Confirmation: ("PoConfirmation",),
    order_bodies.StatusChange: ("PoStatus",),
    order_bodies.OrderBody: ("SendPurchaseOrderRequest", "EditPurchaseOrderRequest"),
    order_bodies.ConfirmBody: ("ConfirmPurchaseOrderRequest",),
    order_bodies.StatusChangeBody: ("StatusChangePurchaseOrderRequest",),
}
EACH = [(body, name) for body, names in PAIRS.items() for name in names]
REQUESTS = {
    "req-send": "SendPurchaseOrderRequest",
    "req-confirm": "ConfirmPurchaseOrderRequest",
    "req-edit": "EditPurchaseOrderRequest",
    "req-status-change": "StatusChangePurchaseOrderRequest",
}


def test_every_object_of_the_bodies_is_compared() -> None:
    declared = {
        one
        for module in (members, shapes, order_bodies)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Group) and one.__module__ == module.__name__
    }
    assert declared == set(PAIRS)


@pytest.mark.parametrize(("body", "name"), EACH)
def test_members_are_the_contracts(body: type[Group], name: str) -> None:
    assert {one.encode_name for one in struct(body).fields} == set(SCHEMAS[name]["properties"])


@pytest.mark.parametrize(("body", "name"), EACH)
def test_required_members_are_the_contracts(body: type[Group], name: str) -> None:
    """An object that may be `{}` asks for its required members only where it holds anything."""
    needed = {one.encode_name for one in struct(body).fields if one.required}
    if issubclass(body, Emptiable):
        assert not needed
        needed = set(body.required_unless_empty)
    assert needed == set(SCHEMAS[name].get("required", ()))


@pytest.mark.parametrize("body", PAIRS)
def test_what_the_network_acts_on_is_closed(body: type[Group]) -> None:
    """Requests are closed where the contract says so; pages that only echo leave it open."""
    closed = any(SCHEMAS[name].get("additionalProperties") is False for name in PAIRS[body])
    assert issubclass(body, Strict) is closed


@pytest.mark.parametrize(("body", "name"), EACH)
def test_types_of_members_are_the_contracts(body: type[Group], name: str) -> None:
    plain = {inspect.StrType: "string", inspect.IntType: "integer", inspect.CustomType: "number",
             inspect.ListType: "array", inspect.StructType: "object", inspect.LiteralType: "string"}  # fmt: skip
    for one in struct(body).fields:
        told = SCHEMAS[name]["properties"][one.encode_name]
        kind = told.get("type") or SCHEMAS[told["$ref"].rsplit("/", 1)[1]]["type"]
        assert plain[type(bare(one.type))] == kind, one.name


@pytest.mark.parametrize(("body", "name"), EACH)
def test_decimals_are_the_contracts(body: type[Group], name: str) -> None:
    for one in struct(body).fields:
        places = SCHEMAS[name]["properties"][one.encode_name].get("x-decimal-places")
        kind = bare(one.type)
        if places is not None and body is not shapes.TypedRate:
            assert isinstance(kind, inspect.CustomType)
            assert kind.cls.places == places, one.name


@pytest.mark.parametrize(("body", "name"), EACH)
def test_closed_words_are_the_contracts(body: type[Group], name: str) -> None:
    for one in struct(body).fields:
        kind, told = bare(one.type), SCHEMAS[name]["properties"][one.encode_name]
        if "$ref" in told:
            told = SCHEMAS[told["$ref"].rsplit("/", 1)[1]]
        words = told.get("enum") or told.get("x-inferred-values")
        if isinstance(kind, inspect.LiteralType) and words:
            assert set(kind.values) == set(words), one.name


def example(message: MessageType) -> dict[str, Any]:
    value: dict[str, Any] = EXAMPLES[REQUESTS[message.name]]["value"]
    return value


def context(body: dict[str, Any]) -> RuleContext:
    """The parties of an example: their PAN is the B2B ID's, their GSTIN the order's."""
    ids = body["b2bIds"].values()
    return RuleContext(
        today=date(2025, 2, 1),
        parties={b2b: Party(b2b, b2b, b2b, b2b.removesuffix("@BCB"), ()) for b2b in ids},
        document=None,
    )


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_the_contracts_example_passes_without_findings(message: MessageType) -> None:
    told = example(message)
    body = read(msgspec.json.encode(told), message.body)
    stored = DocumentView(
        status="SENT TO SUPPLIER", version=1, agreed_version=None, number="PO-1001"
    )
    known = msgspec.structs.replace(context(told), document=stored)
    assert not [fault for rule in message.rules for fault in rule(body, known)]
    assert not [fault for rule in message.body_rules for fault in rule(body)]
    (touched,) = message.touches(body)
    assert touched.number == "PO-1001"
    assert touched.object_id == told[message.subject]["objectId"]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_paths_and_parties_are_the_contracts(message: MessageType) -> None:
    operation = CONTRACT["paths"][message.path]["post"]
    assert operation["x-actor"] == message.sender
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith(f"/{REQUESTS[message.name]}")
    webhooks = {one["post"]["x-path"] for one in CONTRACT["webhooks"].values()}
    assert {message.forward, message.inform} <= webhooks
    assert message.subject in SCHEMAS[REQUESTS[message.name]]["required"]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_a_request_without_a_required_member_is_refused(message: MessageType) -> None:
    every_member_is_required(example(message), message)


REFUSED = [
    ("orderDate", "2025-02-30", "SHAPE-DATE"),
    ("deliveryDate", "2025-11-31", "SHAPE-DATE"),
    ("ts", "2025-11-03T25:00:00+05:30", "SHAPE-DATE"),
    ("itemLists__0__quantity", Decimal("1.0001"), "SHAPE-PRECISION"),
    ("itemLists__0__quantity", Decimal(-1), "SHAPE-RANGE"),
    ("itemLists__0__freeQuantity", Decimal("0.0001"), "SHAPE-PRECISION"),
    ("itemLists__0__unitPrice", Decimal("1.0000001"), "SHAPE-PRECISION"),
    ("itemLists__0__gstRate", Decimal("5.0001"), "SHAPE-PRECISION"),
    ("itemLists__0__totalAmt", Decimal("895950.001"), "SHAPE-PRECISION"),
    ("itemLists__0__totalItemValue", "928988.15", "SHAPE-TYPE"),
    ("itemLists__0__hsnCode", "520", "SHAPE-PATTERN"),
    ("poValueDetails__totalPOValue", Decimal("1391212.005"), "SHAPE-PRECISION"),
    ("poValueDetails__totalPOValue", Decimal("1E16"), "SHAPE-RANGE"),
    ("paymentMilestones", [{"dueDate": "2026-02-29"}], "SHAPE-DATE"),
    ("buyerDetails__gstin", "urp", "SHAPE-PATTERN"),
]


@pytest.mark.parametrize(("member", "value", "code"), REFUSED)
def test_a_figure_or_day_that_cannot_be_is_refused(member: str, value: object, code: str) -> None:
    """Prices have 6 decimals at most, quantities and rates 3, amounts 2; days exist."""
    order = put(story.order(1), **{member: value})
    with pytest.raises(RefusedError) as refused:
        read(msgspec.json.Encoder(decimal_format="number").encode(order), order_bodies.OrderBody)
    (fault,) = refused.value.faults
    last = member.rsplit("__", maxsplit=1)[-1]
    assert fault.code == code
    assert last in fault.path


def test_a_number_is_claimed_for_the_buyer_and_the_financial_year() -> None:
    send = next(message for message in MESSAGES if message.name == "req-send")
    told = example(send)
    for day, year in (("2025-03-31", "2024-25"), ("2025-04-01", "2025-26")):
        order = told["purchaseOrder"] | {"orderDate": day}
        body = read(msgspec.json.encode(told | {"purchaseOrder": order}), send.body)
        assert [one.claim for one in send.touches(body)] == [f"AABCS5678D@BCB|PO-1001|{year}"]


def test_touched_carries_what_the_sender_believes() -> None:
    edit = next(message for message in MESSAGES if message.name == "req-edit")
    (touched,) = edit.touches(read(msgspec.json.encode(example(edit)), edit.body))
    assert (touched.current_version, touched.new_version) == (1, 2)
    assert (touched.current_status, touched.new_status) == ("UNDER REVIEW", "SENT TO SUPPLIER")
    assert (touched.path, touched.transition) == ("purchaseOrder", "poStatusTransition")
