"""The story's invoices and rows a to g, what is answered to them, and how they are edited."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story_supplies
from tests.documents.bodies import SECOND_UNIT, Body, amounts, put
from tests.documents.cases import GSTINS, Case
from tests.documents.supplies import DRAWN_BY_1, ORDER_AT, at, order, sent, stored

SENT, REVIEW, ACCEPTED = "SENT TO BUYER", "UNDER REVIEW", "ACCEPTED"
ORDER = {ORDER_AT: order()}
AFTER_1 = {ORDER_AT: order(drawn=DRAWN_BY_1)}
FIRST, SECOND = story_supplies.invoice(1), story_supplies.invoice(2)
TOTAL = "valueDetails.totalInvoiceValue"
OVER_1 = at("itemLists[0].quantity", "INV-OVER-QUANTITY-ODD")


def _halves() -> Body:
    """Row g: every IGST in two halves, the odd paisa with the centre."""
    body = FIRST
    for n, (central, state) in enumerate(
        [("11888.47", "11888.47"), ("4896.57", "4896.56"), ("918.00", "918.00")]
    ):
        figures = body["invoice"]["itemLists"][n]["itemValueDetails"]
        kept = [figure for figure in figures if figure["type"] != "IGST"]
        halves = amounts({"CGST": central, "SGST": state})
        body = put(body, **{f"itemLists__{n}__itemValueDetails": [*kept, *halves]})
    infos = amounts({"CGST": "17703.04", "SGST": "17703.03", "ROUND_OFF": "-0.28"})
    return put(body, valueDetails__valueInfos=infos)


def _derived_price() -> Body:
    """Row f: line 1 as SAP or ERPNext derive its price."""
    return put(
        FIRST,
        itemLists__0__unitPrice=Decimal("294.917"),
        itemLists__0__totalAmt=Decimal("475538.71"),
        itemLists__0__itemValueDetails=amounts({"IGST": "23776.94"}),
    )


_STORY = (
    sent("story-invoice-1", "Part of lines 1 and 2, all of line 3.", FIRST, held=ORDER),
    sent("story-invoice-2", "The rest: line 1 is 8.750 kg over, inside the tolerance.", SECOND,
         *OVER_1, held=AFTER_1),
    sent(
        "row-a-half-even", "Row a: 9793.125 rounded half even, sums as they were.",
        put(FIRST, itemLists__1__totalItemValue=Decimal("205655.62"),
            itemLists__1__itemValueDetails=amounts({"IGST": "9793.12"})),
        held=ORDER,
    ),
    sent(
        "row-b-tax-once-per-document", "Row b: one paisa less than the sum of the lines.",
        put(FIRST, valueDetails__valueInfos=amounts({"IGST": "35406.06", "ROUND_OFF": "-0.27"})),
        held=ORDER,
    ),
    sent(
        "row-c-no-round-off", "Row c: 717007.00 against 717007.28, and no word about it.",
        put(FIRST, valueDetails__valueInfos=amounts({"IGST": "35406.07"})),
        *at(TOTAL, "SUM-TOTAL-ODD"), held=ORDER,
    ),
    sent(
        "row-d-total-off-by-100", "Row d: 1.00 is the tolerance.",
        put(FIRST, valueDetails__totalInvoiceValue=Decimal("717008.00")),
        *at(TOTAL, "SUM-TOTAL-ODD"), held=ORDER,
    ),
    sent(
        "row-e-total-off-by-101", "Row e: 1.01 is beyond it.",
        put(FIRST, valueDetails__totalInvoiceValue=Decimal("717008.01")),
        *at(TOTAL, "SUM-TOTAL"), held=ORDER,
    ),
    sent(
        "tax-shown-and-left-out", "Nobody else pays it: the total is 35406.07 too low.",
        put(FIRST, valueDetails__totalInvoiceValue=Decimal("681601.00"),
            valueDetails__valueInfos=amounts({"IGST": "35406.07", "ROUND_OFF": "-0.21"})),
        *at(TOTAL, "SUM-TOTAL"), held=ORDER,
    ),
    sent("row-f-derived-price", "Row f: taxable by quantity is the order's.", _derived_price(),
         held=ORDER),
    sent("row-g-halves-between-states", "Row g: 33 to 27 takes IGST.", _halves(),
         *at("itemLists", "INV-TAX-KIND"), held=ORDER),
    sent("row-u-other-letters", "Row u: the words are right; the number is claimed a second time.",
         story_supplies.invoice(1, number="mym/25-26/01183"), held=ORDER),
    sent(
        "row-v-second-unit", "Row v: the same number from another GSTIN of the supplier.",
        put(FIRST, supplierDetails__gstin=SECOND_UNIT, poDetails=[]),
        gstins={"ZZZFM3301Q@BCB": (*GSTINS["ZZZFM3301Q@BCB"], SECOND_UNIT)},
    ),
    sent("advance-taken", "100000.00 taken before: 617007.00 is due at acceptance.",
         put(FIRST, advancePaymentDetails={"paidAmount": Decimal("100000.00")}), held=ORDER),
    sent("advance-below-zero", "Nobody pays less than nothing.",
         put(FIRST, advancePaymentDetails={"paidAmount": Decimal("-1.00")}),
         *at("advancePaymentDetails.paidAmount", "INV-ADVANCE"), held=ORDER),
    sent("milestones-miss-the-total", "717006.00 planned, 717007.00 to pay.",
         put(FIRST, paymentMilestones=[{"dueDate": "2026-01-05", "amount": Decimal("717006.00")}]),
         *at("paymentMilestones", "INV-MILESTONES"), held=ORDER),
    sent("invoice-of-tomorrow", "1 February 2026, sent on 31 January.",
         put(FIRST, invoiceReferenceDetails__invoiceDate="2026-02-01"),
         *at("invoiceReferenceDetails.invoiceDate", "INV-FUTURE"), held=ORDER),
    sent("invoice-of-today", "On its day.",
         put(FIRST, invoiceReferenceDetails__invoiceDate="2026-01-31"), held=ORDER),
    sent("date-from-the-moment-it-was-made", "20:00 in London is the next day in India.",
         put(FIRST, invoiceReferenceDetails={}, ts="2026-01-31T20:00:00Z"),
         *at("invoiceReferenceDetails.invoiceDate", "INV-FUTURE"), held=ORDER),
    sent("no-total", "What is to be paid must be said.",
         put(FIRST, valueDetails__totalInvoiceValue=None), *at(TOTAL, "INV-AMOUNT"), held=ORDER),
)  # fmt: skip


def _edit(*, irn: str = "", number: str | None = None) -> Body:
    return story_supplies.invoice(1, versions=(1, 2), current_status=REVIEW, irn=irn, number=number)


def _edited(name: str, why: str, body: Body, *findings: Any, **more: Any) -> Case:
    given = {"document": stored(REVIEW), "stored": story_supplies.invoice(1, irn=""),
             "held": {ORDER_AT: order(drawn=DRAWN_BY_1)}, "target": SENT} | more  # fmt: skip
    return Case(name=name, why=why, body=body, type="invoice", message="req-edit-invoice",
                findings=findings, **given)  # fmt: skip


_EDITS = (
    _edited("edit-of-itself", "Its own draw is not counted twice: line 3 is billed in full.",
            _edit()),
    _edited("edit-of-a-registered-one", "With its IRN it stands in the registry.",
            _edit(irn=story_supplies.INVOICES[1].irn),
            *at("eInvoiceInfo.irnNumber", "INV-REGISTERED"), stored=FIRST),
    _edited("edit-that-registers", "The IRN comes with the edit: it was none before.",
            _edit(irn=story_supplies.INVOICES[1].irn)),
    _edited("edit-with-another-number", "A new number is a new invoice.",
            _edit(number="MYM/25-26/01184"), *at("supplierInvoiceNumber", "INV-NUMBER-CHANGED")),
    _edited("edit-below-its-notes", "717007.00 when notes of 717007.01 stand against it.",
            _edit(), *at("valueDetails.totalInvoiceValue", "INV-BELOW-NOTES"),
            document=stored(REVIEW, drawn={"credited": 71_700_701})),
    _edited("edit-down-to-its-notes", "717007.00, and notes of as much.", _edit(),
            document=stored(REVIEW, drawn={"credited": 71_700_700})),
    _edited("edit-of-an-accepted-one", "What was accepted is mended by a note.", _edit(),
            document=stored(ACCEPTED, agreed=1), target=None),
)  # fmt: skip


def _answered(
    response: str, wanted: str, *, name: str, why: str, body: Body | None = None, **more: Any
) -> Case:
    told = body or story_supplies.invoice_confirmation(response, target=wanted, remarks="Seen")
    given = {"document": stored(SENT), "stored": FIRST, "target": wanted} | more
    return Case(name=name, why=why, body=told, type="invoice", message="req-confirm-invoice",
                **given)  # fmt: skip


_OTHER_NUMBER = put(
    story_supplies.invoice_confirmation("ACCEPT", target=ACCEPTED, remarks="Seen"),
    supplierInvoiceNumber="MYM/25-26/01184",
)
_ANSWERS = (
    _answered("ACCEPT", ACCEPTED, name="confirm-accept", why="Goods received on 20 November."),
    _answered("REJECT", "REJECTED", name="confirm-reject", why="Nothing was received."),
    _answered("RETURN", REVIEW, name="confirm-return", why="Accepting in part is RETURN."),
    _answered(
        "ACCEPT", ACCEPTED, name="confirm-with-another-number", why="Two invoices were mixed up.",
        body=_OTHER_NUMBER,
        findings=(("INV-NUMBER-MISMATCH", "invoiceConfirmation.supplierInvoiceNumber"),),
    ),
    _answered(
        "ACCEPT", ACCEPTED, name="confirm-twice", why="It is accepted already.",
        document=stored(ACCEPTED, agreed=1), target=None,
    ),
)  # fmt: skip


def _changed(
    action: str, source: str, target: str | None, *, name: str, why: str, **more: Any
) -> Case:
    told = story_supplies.invoice_status_change(
        action, source=source, target=target or "CLOSED", remarks="Plan changed"
    )
    given = {"document": stored(source), "body": told, "target": target} | more
    return Case(name=name, why=why, type="invoice", message="req-status-change-invoice", **given)


_CHANGES = (
    _changed("CANCEL", SENT, "CANCELLED", name="status-cancel", why="Raised by mistake."),
    _changed("CANCEL", "REJECTED", "CANCELLED", name="status-cancel-of-a-rejected-one",
             why="A rejected invoice can only be cancelled."),
    _changed("CLOSE", "PARTIALLY PAID", "CLOSED", name="status-close",
             why="The supplier waives the rest.",
             document=stored("PARTIALLY PAID", agreed=1, drawn={"due": 60})),
    _changed("CLOSE", ACCEPTED, "CLOSED", name="status-close-of-a-financed-one",
             why="A lender counts on it.", findings=(("INV-FINANCED", "invoiceStatus.supplierAction"),),
             document=stored(ACCEPTED, agreed=1, drawn={"financed": 1})),
    _changed("CANCEL", ACCEPTED, None, name="status-cancel-of-an-accepted-one",
             why="What was accepted is mended by a note."),
    _changed("CLOSE", "PAYMENT INITIATED", None, name="status-close-while-a-payment-waits",
             why="The payment is confirmed or refused first."),
    _changed(
        "CANCEL", SENT, "CANCELLED", name="status-change-with-another-number",
        why="Two invoices were mixed up.",
        body=put(
            story_supplies.invoice_status_change(
                "CANCEL", source=SENT, target="CANCELLED", remarks="Raised by mistake"
            ),
            supplierInvoiceNumber="MYM/25-26/01184",
        ),
        findings=(("INV-NUMBER-MISMATCH", "invoiceStatus.supplierInvoiceNumber"),),
    ),
)  # fmt: skip

CASES = (*_STORY, *_EDITS, *_ANSWERS, *_CHANGES)
