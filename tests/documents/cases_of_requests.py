"""Requests for financing: the story's, its row t, and what else is asked of lenders."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story
from tests.documents.financing_cases import Case, Finding
from tests.documents.financings import ASKED_FOR, ASSIGNED, SECOND, offered, request
from tests.documents.payments import TWO, books, held

_R = "financeRequest__"
OWN = f"financed:{story.SUPPLIER.b2b_id}/FINREQ-2526-0031"
BOOKS = (f"financeRequest.invoices[0]: financed > {OWN} 1",)
OF_THE_BUYER = BOOKS[0].replace(story.SUPPLIER.b2b_id, story.BUYER.b2b_id)


def of(path: str, *codes: str) -> tuple[Finding, ...]:
    return tuple((code, f"financeRequest.{path}") for code in codes)


def _case(**members: Any) -> Case:
    known = {"message": "req-financing", "invoices": [SECOND], "target": "REQUESTED"}
    return Case(**{"body": request(), **known, **members})


_PEOPLE = (
    _case(name="story-request", why="The supplier asks for the due less the tax deducted.",
          books=BOOKS),
    _case(
        name="asked-by-the-buyer", why="Reverse factoring.", books=(OF_THE_BUYER,),
        body=request(**{"initiatorEntity": "BUYER", f"{_R}initiatorB2BId": story.BUYER.b2b_id,
                        f"{_R}financingType": "REVERSE FACTORING"}),
    ),
    _case(
        name="asked-by-a-stranger", why="Not his invoices.",
        body=request(**{f"{_R}initiatorB2BId": "ZZZCX0001X@BCB"}),
        findings=of("initiatorB2BId", "FIN-INITIATOR"),
    ),
    _case(
        name="role-of-the-other", why="The B2B ID decides; the word is told.", books=BOOKS,
        body=request(initiatorEntity="BUYER"),
        findings=(("FIN-INITIATOR-ENTITY", "initiatorEntity"),),
    ),
    _case(
        name="platform-without-lenders", why="Nobody would get it.",
        body=request(**{f"{_R}financeId": [{"faId": "FA-PRETEND"}]}),
        findings=of("financeId[0].financierId", "FIN-NO-LENDER"),
    ),
    _case(
        name="lender-twice", why="One exchange for each lender.",
        body=request(**{f"{_R}financeId": [{"faId": "FA-1", "financierId": ["L-1"]},
                                           {"faId": "FA-2", "financierId": ["L-1"]}]}),
        findings=of("financeId[0].financierId[0]", "FIN-LENDER-TWICE")
        + of("financeId[1].financierId[0]", "FIN-LENDER-TWICE"),
    ),
    _case(
        name="pan-of-another", why="Lenders know businesses by their PAN.",
        body=request(**{f"{_R}b2bPAN__buyerPAN": "ZZZCI2701L"}),
        findings=of("b2bPAN.buyerPAN", "FIN-PAN"),
    ),
    _case(
        name="pans-exchanged", why="Buyer and supplier were mixed up.",
        body=request(**{f"{_R}b2bPAN": {"buyerPAN": story.SUPPLIER.pan,
                                        "supplierPAN": story.BUYER.pan}}),
        findings=of("b2bPAN.buyerPAN", "FIN-PAN") + of("b2bPAN.supplierPAN", "FIN-PAN"),
    ),
)  # fmt: skip

_INVOICES = (
    _case(
        name="row-t-in-an-open-request", why="Row t: the first request is open.",
        invoices=[ASKED_FOR], findings=of("invoices[0].objectId", "FIN-FINANCED"),
    ),
    _case(
        name="row-t-assigned", why="Row t: a bid on it was accepted.", invoices=[ASSIGNED],
        findings=of("invoices[0].objectId", "FIN-FINANCED"),
    ),
    *(
        _case(
            name=f"financing-what-is-{status.lower().replace(' ', '-')}",
            why="Only what is accepted and unpaid.",
            invoices=[held(TWO, status, books(73750200))],
            findings=of("invoices[0].statusTransition.currentStatus", "FIN-NOT-FINANCEABLE"),
        )
        for status in ("SENT TO BUYER", "PAYMENT INITIATED", "PARTIALLY PAID")
    ),
    _case(
        name="offered-twice", why="An invoice is bought once.", invoices=[SECOND, SECOND],
        body=request(**{f"{_R}invoices": [offered(), offered()]}),
        findings=of("invoices[0].objectId", "FIN-INVOICE-TWICE")
        + of("invoices[1].objectId", "FIN-INVOICE-TWICE"),
    ),
    _case(
        name="offered-with-another-number", why="Two invoices were mixed up.",
        body=request(**{f"{_R}invoices": [offered(supplierInvoiceNumber="MYM/25-26/01183")]}),
        findings=of("invoices[0].supplierInvoiceNumber", "FIN-NUMBER-MISMATCH"),
    ),
    _case(
        name="nothing-asked", why="A request is for money.",
        body=request(**{f"{_R}financingRequestAmount": Decimal("0.00")}),
        findings=of("financingRequestAmount", "FIN-ASKED-AMOUNT"),
    ),
    _case(
        name="all-that-is-due-asked", why="To the paisa.", books=BOOKS,
        body=request(**{f"{_R}financingRequestAmount": Decimal("737502.00")}),
    ),
    _case(
        name="a-paisa-more-than-due-asked", why="Nobody buys what is not owed.",
        body=request(**{f"{_R}financingRequestAmount": Decimal("737502.01")}),
        findings=of("financingRequestAmount", "FIN-ASKED-AMOUNT"),
    ),
    _case(
        name="asked-before-the-note", why="A credit note has lowered the due.",
        body=request(**{f"{_R}financingRequestAmount": Decimal("737502.00")}),
        invoices=[held(TWO, "ACCEPTED", books(73750200, notes=100))],
        findings=of("financingRequestAmount", "FIN-ASKED-AMOUNT"),
    ),
    _case(
        name="shown-with-another-total", why="Lenders would buy what nobody owes.",
        accepted={"valueDetails__totalInvoiceValue": Decimal("737502.00")},
        body=request(**{f"{_R}invoices": [
            offered(valueDetails__totalInvoiceValue=Decimal("737502.01"))]}),
        findings=of("invoices[0].valueDetails.totalInvoiceValue", "FIN-COPY-TOTAL")
        + of("invoices[0].valueDetails", "FIN-COPY"),
    ),
    _case(
        name="shown-with-another-account", why="Told to all, and taken.", books=BOOKS,
        accepted={"supplierBankAccountDetails__ifsc": "FICT0000034"},
        findings=of("invoices[0].supplierBankAccountDetails", "FIN-COPY"),
    ),
    _case(
        name="shown-with-remarks-of-its-own", why="What does not matter to lenders may differ.",
        accepted={"einvoiceResponse": "other", "ts": "2025-12-05T11:00:00+05:30"}, books=BOOKS,
    ),
)  # fmt: skip

CASES = (*_PEOPLE, *_INVOICES)
