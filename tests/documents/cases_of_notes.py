"""Credit and debit notes: the story's, rows m and n, caps, and what is answered to them."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story, story_supplies
from tests.documents.bodies import SECOND_UNIT, Body, line, put
from tests.documents.cases import Case, Finding
from tests.documents.supplies import INVOICE_AT, bill, invoice, note_of, small, stored

SENT, REVIEW, ACCEPTED = "SENT TO BUYER", "UNDER REVIEW", "ACCEPTED"
NOTE = story_supplies.credit_note()
ON_1 = NOTE["cdNote"]["precedingInvoiceDetails"]
ON_2 = [{"invoiceNumber": story_supplies.INVOICES[2].number, "invoiceDate": "2025-12-05"}]
CREDITED = {"credited": 1_415_900}
TOTAL = "cdNoteValueDetails.totalCDNoteValue"


def at(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the note."""
    return tuple((code, f"cdNote.{path}") for code in codes)


def _sent(name: str, why: str, body: Body, *findings: Finding, **more: Any) -> Case:
    return Case(name=name, why=why, body=body, type="cd-note", findings=findings, **more)


def _worth(total: str, **changes: Any) -> Body:
    """A note of one untaxed line, by default on invoice 1."""
    given = {"precedingInvoiceDetails": ON_1, **changes}
    return note_of(small(taxable=total, value=total, rate="0"), **given)


_STORY = (
    _sent("story-credit-note", "12.150 kg short, 45.500 kg sent back.", NOTE,
          held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("row-m-over-the-cap", "Row m: a paisa more than is left of the invoice.",
          _worth("702848.01"), *at(TOTAL, "NOTE-OVER-CAP"),
          held={INVOICE_AT: invoice(due=70_284_800, **CREDITED)}),
    _sent("row-n-all-of-it-after-a-payment", "Row n: what has been paid does not matter.",
          _worth("702848.00"),
          held={INVOICE_AT: invoice("PARTIALLY PAID", due=30_260_600, cash=40_000_000,
                                    notes=1_415_900, **CREDITED)}),
    _sent("cap-raised-by-a-debit-note", "100.00 more was asked, 100.00 more is given back.",
          _worth("702948.00"),
          held={INVOICE_AT: invoice(due=70_294_800, debit_notes=-10_000, **CREDITED)}),
    _sent("debit-note", "A debit note has no cap.", _worth("900000.00", noteType="DEBIT"),
          held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("rate-difference", "Quantity and price are nothing, the value is all.",
          note_of(bill(
              [line(taxable="2500.00", value="2625.00", rate="5", quantity="0", price="0",
                    figures={"IGST": "125.00"})],
              taxable="2500.00", total="2625.00", figures={"IGST": "125.00"}))),
    _sent("commercial-note", "No GST is given back: nil tax passes.",
          note_of(small(taxable="2500.00", value="2500.00", rate="5"))),
    _sent("tax-of-a-line-is-not-asked", "17 where 18 % is 180.00: the invoice was wrong too.",
          note_of(small(taxable="1000.00", value="1017.00", figures={"IGST": "17.00"}))),
    _sent("tax-shown-and-left-out", "180.00 of tax is given back too: 1180.00.",
          note_of(small(taxable="1000.00", value="1000.00", figures={"IGST": "180.00"})),
          *at("itemLists[0].totalItemValue", "SUM-LINE-VALUE"), *at(TOTAL, "SUM-TOTAL")),
    _sent("tax-shown-under-reverse-charge", "The buyer has paid the tax himself.",
          note_of(small(taxable="1000.00", value="1000.00", figures={"IGST": "180.00"}),
                  transactionDetails__reverseChargeTax="YES")),
    _sent("tax-shown-kind-not-told", "It may be an export, which bears none.",
          note_of(small(taxable="1000.00", value="1000.00", figures={"IGST": "180.00"}),
                  transactionDetails__supplyType="")),
    _sent("no-preceding-invoice", "A rebate for a year names none.", _worth(
        "1000.00", precedingInvoiceDetails=[])),
    _sent("invoice-off-the-network", "Real, and the network sets no cap.", _worth("900000.00"),
          *at("precedingInvoiceDetails[0]", "NOTE-INVOICE-UNKNOWN")),
    _sent("shared-over-two-invoices", "717007.00 of the first, the rest of the second.",
          _worth("1000000.00", precedingInvoiceDetails=[*ON_1, *ON_2]),
          held={INVOICE_AT: invoice(due=71_700_700),
                "cdNote.precedingInvoiceDetails[1]": invoice(which=2, due=73_750_200)}),
    _sent("more-than-two-invoices-bear", "1454509.00 is all of both.",
          _worth("1454509.01", precedingInvoiceDetails=[*ON_1, *ON_2]),
          *at(TOTAL, "NOTE-OVER-CAP"),
          held={INVOICE_AT: invoice(due=71_700_700),
                "cdNote.precedingInvoiceDetails[1]": invoice(which=2, due=73_750_200)}),
    _sent("shared-with-one-off-the-network", "What the known one does not bear, the other does.",
          _worth("1454509.01", precedingInvoiceDetails=[*ON_1, *ON_2]),
          *at("precedingInvoiceDetails[1]", "NOTE-INVOICE-UNKNOWN"),
          held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("shared-with-one-of-another-year", "The number of the year before is another invoice.",
          _worth("717007.01", precedingInvoiceDetails=[*ON_1, ON_1[0] | {
              "invoiceDate": "2025-03-31"}]),
          *at("precedingInvoiceDetails[1]", "NOTE-INVOICE-UNKNOWN"),
          held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("invoice-named-twice", "By number, and once more: one invoice.",
          _worth("717007.00", precedingInvoiceDetails=[*ON_1, *ON_1]),
          held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("invoice-named-twice-over-the-cap", "Naming it twice does not double it.",
          _worth("717007.01", precedingInvoiceDetails=[*ON_1, *ON_1]),
          *at(TOTAL, "NOTE-OVER-CAP"), held={INVOICE_AT: invoice(due=71_700_700)}),
    _sent("invoice-cancelled", "Nothing is due on it.", _worth("1000.00"),
          *at("precedingInvoiceDetails[0]", "NOTE-INVOICE-STATUS"),
          held={INVOICE_AT: invoice("CANCELLED")}),
    _sent("debit-note-on-a-closed-invoice", "Who would pay it?", _worth("1000.00", noteType="DEBIT"),
          *at("precedingInvoiceDetails[0]", "NOTE-INVOICE-STATUS"),
          held={INVOICE_AT: invoice("CLOSED")}),
    _sent("credit-note-on-a-closed-invoice", "It gives back what was paid.", _worth("1000.00"),
          held={INVOICE_AT: invoice("CLOSED")}),
    _sent("no-total", "What it is worth must be said.",
          put(_worth("1000.00", precedingInvoiceDetails=[]),
              cdNoteValueDetails__totalCDNoteValue=None), *at(TOTAL, "NOTE-AMOUNT")),
    _sent("total-off", "Sums are as exact as an invoice's.",
          put(_worth("1000.00", precedingInvoiceDetails=[]),
              cdNoteValueDetails__totalCDNoteValue=Decimal("1001.01")), *at(TOTAL, "SUM-TOTAL")),
    _sent("note-of-tomorrow", "1 February 2026, sent on 31 January.",
          _worth("1000.00", precedingInvoiceDetails=[],
                 invoiceReferenceDetails={"invoiceDate": "2026-02-01"}),
          *at("invoiceReferenceDetails.invoiceDate", "NOTE-FUTURE")),
    _sent("milestones-miss-the-total", "999.00 planned of 1000.00.",
          _worth("1000.00", precedingInvoiceDetails=[],
                 paymentMilestones=[{"amount": Decimal("999.00")}]),
          *at("paymentMilestones", "NOTE-MILESTONES")),
)  # fmt: skip


def _party(name: str, why: str, *findings: Finding, **changes: Any) -> Case:
    return _sent(name, why, _worth("1000.00", precedingInvoiceDetails=[], **changes), *findings)


def _coded(name: str, why: str, *codes: str, **members: Any) -> Case:
    body = note_of(small(taxable="1000.00", value="1000.00", rate="0", **members))
    return _sent(name, why, body, *at("itemLists[0].hsnCode", *codes))


def _to_itself() -> Body:
    body = _worth("100.00", precedingInvoiceDetails=[])
    buyer = body["cdNote"]["buyerDetails"]
    body["b2bIds"]["supplierB2BId"] = buyer["b2bId"]
    details = {name: value for name, value in buyer.items() if name != "placeOfSupply"}
    return put(body, supplierDetails=details)


_IDENTITY = (
    _coded("hsn-five-digits", "Warned on notes.", "NOTE-HSN", hsnCode="52052"),
    _coded("hsn-of-goods-on-a-service", "Yarn is no service.", "NOTE-SERVICE", isService="YES"),
    _sent("serialno-twice", "Two lines of one number.",
          note_of(bill([line(taxable="100.00", rate="0", value="100.00")] * 2, taxable="200.00",
                       total="200.00")),
          *at("itemLists[0].serialno", "NOTE-LINE-TWICE"),
          *at("itemLists[1].serialno", "NOTE-LINE-TWICE")),
    _sent("same-parties", "Nobody credits himself.", _to_itself(),
          ("NOTE-SAME-PARTIES", "b2bIds.supplierB2BId")),
    _party("other-b2b-id-of-the-business", "The PAN inside the GSTIN is the party's.",
           *at("supplierDetails.b2bId", "NOTE-OTHER-ID"),
           supplierDetails__b2bId=f"{story.SUPPLIER.gstin}@BCB"),
    _party("other-party", "Neither the B2B ID nor the PAN is that of the message.",
           *at("supplierDetails.b2bId", "NOTE-OTHER-PARTY"),
           supplierDetails__b2bId="ZZZCP0702M@BCB", supplierDetails__gstin="29ZZZCP0702M1ZO"),
    _party("other-registration", "Another GSTIN of the same PAN.",
           *at("supplierDetails.gstin", "NOTE-OTHER-GSTIN"), supplierDetails__gstin=SECOND_UNIT),
    _party("gstin-check-character", "The check character is N.",
           *at("supplierDetails.gstin", "NOTE-GSTIN"), supplierDetails__gstin="33ZZZFM3301Q1ZA"),
    _sent("tax-without-gstin", "Nobody gives back a tax that he may not charge.",
          note_of(small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}),
                  supplierDetails__gstin="URP"),
          *at("supplierDetails.gstin", "NOTE-TAX-WITHOUT-GSTIN"),
          gstins={story.SUPPLIER.b2b_id: ()}),
    _sent("halves-between-states", "As wrong as the invoice was: told.",
          note_of(small(taxable="1000.00", value="1180.00",
                        figures={"CGST": "90.00", "SGST": "90.00"})),
          *at("itemLists", "NOTE-TAX-KIND")),
)  # fmt: skip


def _answered(name: str, why: str, body: Body, target: str | None, **more: Any) -> Case:
    given = {"document": _stored(SENT), "stored": NOTE, "target": target} | more
    return Case(name=name, why=why, body=body, type="cd-note", message="req-confirm", **given)


def _stored(status: str, agreed: int | None = None) -> Any:
    return stored(status, agreed=agreed, number=story_supplies.CREDIT_NOTE.number)


def _answer(response: str, target: str, **changes: Any) -> Body:
    told = story_supplies.note_confirmation(response, target=target, remarks="Seen")
    return put(told, **changes)


_ANSWERS = (
    _answered("confirm-accept", "It counts from now on.", _answer("ACCEPT", ACCEPTED), ACCEPTED),
    _answered("confirm-reject", "Nothing was short.", _answer("REJECT", "REJECTED"), "REJECTED"),
    _answered("confirm-return", "45.000 kg, not 45.500.", _answer("RETURN", REVIEW), REVIEW),
    _answered("confirm-twice", "It has counted.", _answer("ACCEPT", ACCEPTED), None,
              document=_stored(ACCEPTED, 1)),
    _answered("confirm-with-another-number", "Two notes were mixed up.",
              _answer("ACCEPT", ACCEPTED, supplierCDNoteNumber="MYM/CN/25-26/020"), ACCEPTED,
              findings=(("NOTE-NUMBER-MISMATCH", "cdNoteConfirmation.supplierCDNoteNumber"),)),
    _answered("confirm-as-a-debit-note", "It gives back, it does not ask for more.",
              _answer("ACCEPT", ACCEPTED, noteType="DEBIT"), ACCEPTED,
              findings=(("NOTE-TYPE-MISMATCH", "cdNoteConfirmation.noteType"),)),
)  # fmt: skip


def _changed(name: str, why: str, action: str, source: str, *, target: str | None,
             number: str = story_supplies.CREDIT_NOTE.number, **more: Any) -> Case:  # fmt: skip
    told = story_supplies.note_status_change(
        action, source=source, target=target or "CANCELLED", remarks="Plan changed"
    )
    given = {"document": _stored(source), "stored": NOTE, "target": target} | more
    return Case(name=name, why=why, body=put(told, supplierCDNoteNumber=number), type="cd-note",
                message="req-status-change", **given)  # fmt: skip


_CHANGES = (
    _changed("status-cancel", "Returned: another one comes.", "CANCEL", REVIEW,
             target="CANCELLED"),
    _changed("status-close", "Filed away; it has counted.", "CLOSE", ACCEPTED, target="CLOSED",
             document=_stored(ACCEPTED, 1)),
    _changed("status-cancel-of-an-accepted-one", "It has counted.", "CANCEL", ACCEPTED,
             target=None, document=_stored(ACCEPTED, 1)),
    _changed("status-change-with-another-number", "Two notes were mixed up.", "CANCEL", SENT,
             target="CANCELLED", number="MYM/CN/25-26/020",
             findings=(("NOTE-NUMBER-MISMATCH", "cdNoteStatus.supplierCDNoteNumber"),)),
)  # fmt: skip

CASES = (*_STORY, *_IDENTITY, *_ANSWERS, *_CHANGES)
