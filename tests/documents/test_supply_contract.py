"""Invoices and notes in code are the contract's: members, words, examples, paths, what they touch."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import yaml

from hundi.documents import (
    invoice,
    invoice_bodies,
    note,
    note_bodies,
    order_bodies,
    shapes,
    supply_shapes,
)
from hundi.exchange.definition import Ack, MessageType, Touches
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import RefusedError
from hundi.kernel.fields import Group
from hundi.kernel.reading import read
from hundi.simulator import story, story_supplies
from tests.documents.bodies import put, subject_of
from tests.documents.contracted import Schemas, every_member_is_required
from tests.house.sources import ROOT


def contract(name: str) -> Any:
    return yaml.safe_load((ROOT / "contract" / name).read_text(encoding="utf-8"))


CONTRACTS = {"invoice": contract("b2b-invoice.yaml"), "cd-note": contract("b2b-cdnote.yaml")}
ORDERS = contract("b2b-purchase-order.yaml")
SHARED: dict[type[Group], tuple[str, ...]] = {
    shapes.Device: ("Device",),
    shapes.B2BIds: ("B2BIds",),
    shapes.AdditionalInfo: ("AdditionalInfo",),
    shapes.Address: ("Address",),
    shapes.SupplierDetails: ("SupplierDetails",),
    shapes.BuyerDetails: ("BuyerDetails",),
    shapes.PaymentMilestone: ("PaymentMilestone",),
    supply_shapes.BilledLine: ("LineItem",),
    supply_shapes.DispatchDetails: ("DispatchDetails",),
    supply_shapes.ShippingDetails: ("ShippingDetails",),
    supply_shapes.SupplierBankAccount: ("SupplierBankAccountDetails",),
    supply_shapes.AdvancePayment: ("AdvancePaymentDetails",),
    supply_shapes.InvoiceReference: ("InvoiceReferenceDetails",),
    supply_shapes.PrecedingInvoice: ("PrecedingInvoice",),
    supply_shapes.OrderReference: ("PoReference",),
    supply_shapes.ExportDetails: ("ExportDetails",),
    supply_shapes.EwayBill: ("EwayBillDetail",),
    supply_shapes.RecurringPayments: ("RecurringPayments",),
    supply_shapes.EInvoiceInfo: ("EInvoiceInfo",),
}
PAIRS: dict[str, dict[type[Group], tuple[str, ...]]] = {
    "invoice": {
        **SHARED,
        invoice_bodies.InvoiceVersion: ("InvoiceObjectVersion",),
        invoice_bodies.StatusTransition: ("StatusTransition",),
        invoice_bodies.TransactionDetails: ("TransactionDetails",),
        invoice_bodies.InvoiceValue: ("ValueDetails",),
        invoice_bodies.InvoiceFinancing: ("InvoiceFinancingDetails",),
        invoice_bodies.Invoice: ("Invoice",),
        invoice_bodies.Confirmation: ("InvoiceConfirmation",),
        invoice_bodies.StatusChange: ("InvoiceStatusUpdate",),
        invoice_bodies.InvoiceBody: ("CreateInvoiceRequest", "EditInvoiceRequest"),
        invoice_bodies.ConfirmBody: ("ConfirmInvoiceRequest",),
        invoice_bodies.StatusChangeBody: ("StatusChangeInvoiceRequest",),
    },
    "cd-note": {
        **SHARED,
        shapes.ObjectVersion: ("ObjectVersion",),
        note_bodies.StatusTransition: ("CdNoteStatusTransition",),
        note_bodies.TransactionDetails: ("CdNoteTransactionDetails",),
        note_bodies.NoteValue: ("CdNoteValueDetails",),
        note_bodies.Note: ("CdNote",),
        note_bodies.Confirmation: ("CdNoteConfirmation",),
        note_bodies.StatusChange: ("CdNoteStatusChange",),
        note_bodies.NoteBody: ("SendCdNoteRequest",),
        note_bodies.ConfirmBody: ("ConfirmCdNoteRequest",),
        note_bodies.StatusChangeBody: ("ChangeCdNoteStatusRequest",),
    },
}
EACH = [
    (kind, body, name)
    for kind, pairs in PAIRS.items()
    for body, names in pairs.items()
    for name in names
]
REQUESTS = {
    ("invoice", "req-send-invoice"): "CreateInvoiceRequest",
    ("invoice", "req-confirm-invoice"): "ConfirmInvoiceRequest",
    ("invoice", "req-edit-invoice"): "EditInvoiceRequest",
    ("invoice", "req-status-change-invoice"): "StatusChangeInvoiceRequest",
    ("cd-note", "req-send"): "SendCdNoteRequest",
    ("cd-note", "req-confirm"): "ConfirmCdNoteRequest",
    ("cd-note", "req-status-change"): "ChangeCdNoteStatusRequest",
}
MESSAGES = (*invoice.MESSAGES, *note.MESSAGES)
OWN = {"invoice": "supplierInvoiceNumber", "cd-note": "supplierCDNoteNumber"}
messages = pytest.mark.parametrize(
    "message", MESSAGES, ids=lambda one: f"{one.document.name}/{one.name}"
)
_encoder = msgspec.json.Encoder(decimal_format="number")


def schemas(kind: str) -> Schemas:
    return Schemas(CONTRACTS[kind])


def request(message: MessageType) -> str:
    return REQUESTS[message.document.name, message.name]


def example(message: MessageType) -> dict[str, Any]:
    told = CONTRACTS[message.document.name]["components"]["examples"]
    value: dict[str, Any] = told[request(message)]["value"]
    return value


def test_every_object_of_the_bodies_is_compared() -> None:
    declared = {
        one
        for module in (supply_shapes, invoice_bodies, note_bodies)
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Group) and one.__module__ == module.__name__
        if not one.__subclasses__()  # its members are compared in those that inherit them
    }
    assert declared <= {body for pairs in PAIRS.values() for body in pairs}


@pytest.mark.parametrize(("kind", "body", "name"), EACH)
def test_members_are_the_contracts(kind: str, body: type[Group], name: str) -> None:
    schemas(kind).members_are_the_same(body, name)
    schemas(kind).types_are_the_same(body, name)


@pytest.mark.parametrize(("kind", "body"), [(kind, b) for kind, p in PAIRS.items() for b in p])
def test_what_the_network_acts_on_is_closed(kind: str, body: type[Group]) -> None:
    schemas(kind).closed_like(body, PAIRS[kind][body])


def stored_with(message: MessageType) -> DocumentView:
    """The example's own document as it was before the message."""
    creating = invoice.MESSAGES[0] if message.document is invoice.INVOICE else note.MESSAGES[0]
    body = read(msgspec.json.encode(example(creating)), creating.body)
    number = example(creating)[creating.subject][OWN[message.document.name]]
    return DocumentView(status="", version=1, agreed_version=None, number=number, body=body)


def held_by(message: MessageType) -> dict[str, DocumentView]:
    """What the examples refer to, in force: their order, their invoice."""
    orders = ORDERS["components"]["examples"]["SendPurchaseOrderRequest"]["value"]
    order = read(msgspec.json.encode(orders), order_bodies.OrderBody)
    first = invoice.MESSAGES[0]
    billed = read(msgspec.json.encode(example(first)), first.body)
    ids = (order.purchaseOrder.objectId, billed.invoice.objectId)
    known = {"status": "ACCEPTED", "version": 1, "agreed_version": 1}
    views = {
        "invoice.poDetails[0]": DocumentView(
            ref="invoice.poDetails[0]", object_id=ids[0], number="PO-1001", body=order, **known
        ),
        "cdNote.precedingInvoiceDetails[0]": DocumentView(
            ref="cdNote.precedingInvoiceDetails[0]", object_id=ids[1], number="INV-2025-0042",
            body=billed, **known,
        ),
    }  # fmt: skip
    return {path: view for path, view in views.items() if path.startswith(message.subject)}


@messages
def test_the_contracts_example_passes_without_findings(message: MessageType) -> None:
    told = example(message)
    body = read(msgspec.json.encode(told), message.body)
    parties = {
        b2b: Party(b2b, b2b, b2b, b2b.removesuffix("@BCB"), ()) for b2b in told["b2bIds"].values()
    }
    creating = message.name in {"req-send", "req-send-invoice"}
    known = RuleContext(
        today=date(2025, 2, 1), parties=parties, held=held_by(message),
        document=None if creating else stored_with(message),
    )  # fmt: skip
    assert not [fault for rule in message.rules for fault in rule(body, known)]
    assert not [fault for rule in message.body_rules for fault in rule(body)]
    moved, *_ = message.touches(body)
    assert (moved.how, moved.path) == (Touches.MOVES, message.subject)
    assert moved.object_id == told[message.subject]["objectId"]
    assert moved.number == told[message.subject][OWN[message.document.name]]
    assert moved.transition in told[message.subject]
    assert message.ack is Ack.RECEIPT


@messages
def test_paths_and_parties_are_the_contracts(message: MessageType) -> None:
    told = CONTRACTS[message.document.name]
    operation = told["paths"][message.path]["post"]
    assert operation["x-actor"] == message.sender
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith(f"/{request(message)}")
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert answer.endswith("/Ack")
    webhooks = {one["post"]["x-path"].lstrip("/") for one in told["webhooks"].values()}
    assert {message.forward, message.inform} <= webhooks
    assert message.subject in told["components"]["schemas"][request(message)]["required"]


@messages
def test_a_request_without_a_required_member_is_refused(message: MessageType) -> None:
    every_member_is_required(example(message), message)


REFUSED = [
    (story_supplies.invoice(), "objectId", "PUR" + "0" * 32, "SHAPE-PATTERN"),
    (story_supplies.invoice(), "objectVersion__currentVersion", 0, "SHAPE-RANGE"),
    (story_supplies.invoice(), "itemLists__0__hsnCode", "", "SHAPE-PATTERN"),
    (story_supplies.invoice(), "eInvoiceInfo__irnNumber", "12ab", "SHAPE-PATTERN"),
    (story_supplies.invoice(), "advancePaymentDetails__creditDays", -1, "SHAPE-RANGE"),
    (story_supplies.invoice(), "invoiceReferenceDetails__invoiceDate", "2025-02-30", "SHAPE-DATE"),
    (
        story_supplies.invoice_confirmation("PAY", target="PAID", remarks="Now"),
        "objectVersion__newVersion", 1, "SHAPE-VALUE",
    ),
    (
        story_supplies.invoice_status_change(
            "DELETE", source="CREATED", target="CANCELLED", remarks="Now"),
        "objectVersion__newVersion", 1, "SHAPE-VALUE",
    ),
    (story_supplies.credit_note(), "noteType", "CRN", "SHAPE-VALUE"),
    (
        story_supplies.credit_note(),
        "cdNoteValueDetails__totalCDNoteValue", Decimal("-0.01"), "SHAPE-RANGE",
    ),
    (
        story_supplies.note_confirmation("AGREE", target="ACCEPTED", remarks="Yes"),
        "noteType", "CREDIT", "SHAPE-VALUE",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "member", "value", "code"), REFUSED)
def test_a_member_that_cannot_be_is_refused(
    body: dict[str, Any], member: str, value: object, code: str
) -> None:
    """Words that the contract types as text are closed where the network acts on them."""
    bodies = {message.subject: message.body for message in MESSAGES}
    with pytest.raises(RefusedError) as refused:
        read(_encoder.encode(put(body, **{member: value})), bodies[subject_of(body)])
    assert [fault.code for fault in refused.value.faults] == [code]


def claim(body: dict[str, Any]) -> tuple[str | None, str]:
    """The key and the tag that a new invoice or note claims."""
    message = invoice.MESSAGES[0] if "invoice" in body else note.MESSAGES[0]
    moved, *_ = message.touches(read(_encoder.encode(body), message.body))
    return moved.claim, moved.claim_tag


FIRST = story_supplies.invoice(1)
GSTIN = story.SUPPLIER.gstin


def test_row_u_letters_do_not_make_another_number() -> None:
    number, irn = claim(FIRST)
    assert number == f"{GSTIN}|invoice|mym/25-26/01183|2025-26"
    assert claim(put(FIRST, supplierInvoiceNumber="mym/25-26/01183")) == (number, irn)


def test_row_v_another_gstin_numbers_for_itself() -> None:
    other, _ = claim(put(FIRST, supplierDetails__gstin="33ZZZFM3301Q2ZM"))
    assert other == "33ZZZFM3301Q2ZM|invoice|mym/25-26/01183|2025-26"


def test_row_w_the_irn_comes_with_the_number() -> None:
    """In any letters: the same registration is the same invoice."""
    irn = story_supplies.INVOICES[1].irn
    assert claim(FIRST)[1] == irn
    assert claim(put(FIRST, eInvoiceInfo__irnNumber=irn.upper()))[1] == irn
    assert claim(put(FIRST, eInvoiceInfo={}))[1] == ""


@pytest.mark.parametrize("gstin", ["", "URP", None])
def test_without_a_gstin_the_b2b_id_numbers(gstin: str | None) -> None:
    number, _ = claim(put(FIRST, supplierDetails__gstin=gstin))
    assert number == f"{story.SUPPLIER.b2b_id}|invoice|mym/25-26/01183|2025-26"


@pytest.mark.parametrize(
    ("reference", "ts", "year"),
    [
        ({"invoiceDate": "2026-03-31"}, "2026-04-02T10:00:00+05:30", "2025-26"),
        ({}, "2026-03-31T18:29:59Z", "2025-26"),
        ({}, "2026-03-31T18:30:00Z", "2026-27"),
        ({"invoiceDate": ""}, "2026-04-01T00:00:00+05:30", "2026-27"),
        ({}, "9999-12-31T23:00:00-10:00", "9999-00"),
        ({}, "0001-01-01T00:00:00+14:00", "0-01"),
    ],
)
def test_the_financial_year_is_indias(reference: Any, ts: str, year: str) -> None:
    """By the invoice's date, or by the moment it was made, read in India."""
    number, _ = claim(put(FIRST, invoiceReferenceDetails=reference, ts=ts))
    assert (number or "").endswith(f"|{year}")


def test_credit_and_debit_notes_are_numbered_apart() -> None:
    note_body = story_supplies.credit_note()
    assert claim(note_body)[0] == f"{GSTIN}|credit note|mym/cn/25-26/019|2025-26"
    assert claim(put(note_body, noteType="DEBIT"))[0] == (
        f"{GSTIN}|debit note|mym/cn/25-26/019|2025-26"
    )


def test_an_invoice_holds_its_orders_by_id_or_by_number() -> None:
    named = [
        {"objectId": "PUR" + "A" * 32, "buyerPONumber": "P1", "orderDate": "2025-11-03"},
        {"buyerPONumber": "P2", "orderDate": "2025-11-03"},
        {"buyerPONumber": "P3"},
        {},
    ]
    send = invoice.MESSAGES[0]
    body = read(_encoder.encode(put(FIRST, poDetails=named)), send.body)
    _, *held = send.touches(body)
    years = ("2025-26", "2024-25", "2023-24")
    assert [(one.object_id, one.claims, one.path) for one in held] == [
        ("PUR" + "A" * 32, (), "invoice.poDetails[0]"),
        ("", (f"{story.BUYER.b2b_id}|P2|2025-26",), "invoice.poDetails[1]"),
        ("", tuple(f"{story.BUYER.b2b_id}|P3|{year}" for year in years), "invoice.poDetails[2]"),
    ]
    assert {(one.type, one.how) for one in held} == {("purchase-order", Touches.HOLDS)}
    assert not any(one.required or one.current_version or one.current_status for one in held)


def test_a_note_holds_its_invoices_by_id_or_by_number() -> None:
    id_ = story_supplies.INVOICES[2].object_id
    named = [
        {"invoiceNumber": "MYM/25-26/01183", "invoiceDate": "2025-11-17"},
        {"invoiceNumber": "MYM/25-26/01274", "otherReference": id_},
        {"invoiceNumber": "MYM/25-26/01275"},
        {"otherReference": "as agreed on the phone"},
    ]
    send = note.MESSAGES[0]
    body = put(story_supplies.credit_note(), precedingInvoiceDetails=named)
    _, *held = send.touches(read(_encoder.encode(body), send.body))
    known = claim(FIRST)[0]
    undated = [
        known.replace("01183", "01275").replace("2025-26", y) for y in ("2025-26", "2024-25")
    ]
    assert [(one.object_id, one.claims[:2]) for one in held] == [
        ("", (known,)), (id_, ()), ("", tuple(undated)),
    ]  # fmt: skip
    assert [one.path for one in held] == [f"cdNote.precedingInvoiceDetails[{n}]" for n in range(3)]
