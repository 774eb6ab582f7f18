"""Bids of the story's lenders and the answers to them, straight and bent."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story_financing
from hundi.simulator.story_financing import LENDER_A, LENDER_B
from tests.documents.bodies import Body
from tests.documents.financing_cases import Case, Finding
from tests.documents.financings import ASSIGNED, bid_a, bid_b, request
from tests.documents.payments import ONE, TWO, bend, books, held

ENTERS, LEAVES = ("bid: open bids > bids 1",), ("bidResponse: bids > open bids 1",)
_ANSWER = "bidResponse__responses__0__"


def of(path: str, *codes: str, place: int = 0) -> tuple[Finding, ...]:
    return tuple((code, f"bid.bidDetails[{place}].{path}") for code in codes)


def answering(path: str, *codes: str, place: int = 0) -> tuple[Finding, ...]:
    return tuple((code, f"bidResponse.responses[{place}].{path}") for code in codes)


def _bid(**members: Any) -> Case:
    known = {"message": "share-bid", "status": "REQUESTED", "asked": request(), "target": "BIDDING"}
    return Case(**{"body": bid_a(), **known, **members})


def _details(*bids: Body) -> Body:
    """Lender A's message with other bids."""
    details = [one["bid"]["bidDetails"][0] for one in bids]
    return bend(bid_a(), bid__bidDetails=details)


def _part(invoice: str, approved: str) -> Body:
    return {"objectId": invoice, "approvedAmount": Decimal(approved)}


_BIDS = (
    _bid(name="story-bid-a", why="All that is asked for.", books=ENTERS),
    _bid(name="story-bid-b", why="Nine tenths, side by side with the first.", body=bid_b(),
         status="BIDDING", open_bids=1, books=ENTERS),
    _bid(name="bid-after-the-end", why="A bid was taken.", status="ACCEPTED", target=None),
    _bid(name="bid-without-parts", why="The parts are optional.", books=ENTERS,
         body=bid_a(invoiceFinDetails=[])),
    _bid(name="bid-without-platform", why="The page marks it optional.", books=ENTERS,
         body=bend(bid_a(), bid__faId=None, bid__financingRequestAmount=None)),
    _bid(name="two-bids-of-one-lender", why="Two prices.", books=ENTERS * 2,
         body=_details(bid_a(), bid_a(bidId="BID-A2", bidValue=Decimal("7.50")))),
    _bid(name="lender-of-level-2", why="Nobody has seen his account.", level=2,
         findings=of("financierId", "FIN-LENDER-LEVEL")),
    _bid(name="twenty-bids-open", why="As many as may be.", status="BIDDING", open_bids=19,
         books=ENTERS),
    _bid(name="more-than-twenty-bids-open", why="One answer must end them all.", status="BIDDING",
         open_bids=20, findings=(("FIN-TOO-MANY-BIDS", "bid.bidDetails"),)),
    _bid(name="no-bid", why="Nothing is offered.", body=bend(bid_a(), bid__bidDetails=None),
         findings=(("FIN-NO-BID", "bid.bidDetails"),)),
    _bid(name="bid-twice", why="One id, one bid.", body=_details(bid_a(), bid_a()),
         findings=of("bidId", "FIN-BID-TWICE") + of("bidId", "FIN-BID-TWICE", place=1)),
    _bid(name="bid-sum-off-by-a-paisa", why="Exact.",
         body=bid_a(approvedAmount=Decimal("736812.99")),
         findings=of("approvedAmount", "FIN-BID-SUM")),
    _bid(name="bid-over-what-is-asked", why="Up to what is asked.",
         body=bid_a(approvedAmount=Decimal("736813.01"),
                    invoiceFinDetails=[_part(TWO, "736813.01")]),
         findings=of("approvedAmount", "FIN-OVER-ASKED")),
    _bid(name="bid-over-its-own-part", why="What it says is asked on the invoice.",
         body=bid_a(invoiceFinDetails=[
             _part(TWO, "736813.00") | {"financingRequestAmount": Decimal("736812.00")}]),
         findings=of("invoiceFinDetails[0].approvedAmount", "FIN-OVER-ASKED")),
    _bid(name="bid-repeats-another-amount", why="Another request was meant.",
         body=bend(bid_a(), bid__financingRequestAmount=Decimal("736814.00")),
         findings=(("FIN-OTHER-ASKED", "bid.financingRequestAmount"),)),
    _bid(name="bid-on-an-invoice-not-offered", why="Invoice 1 is not in the request.",
         body=bid_a(invoiceFinDetails=[_part(ONE, "736813.00")]),
         findings=of("invoiceFinDetails[0].objectId", "FIN-NOT-OFFERED")),
    _bid(name="bid-on-an-invoice-twice", why="One part for each invoice.",
         body=bid_a(invoiceFinDetails=[_part(TWO, "736812.00"), _part(TWO, "1.00")]),
         findings=of("invoiceFinDetails[0].objectId", "FIN-NOT-OFFERED")
         + of("invoiceFinDetails[1].objectId", "FIN-NOT-OFFERED")),
    _bid(name="bid-of-who-was-not-asked", why="Bids are for those who were asked.",
         body=bid_a(financierId="LENDER-C"), findings=of("financierId", "FIN-NOT-ASKED")),
    _bid(name="bid-on-another-platform", why="He was asked elsewhere.",
         body=bend(bid_a(), bid__faId="FA-OTHER"),
         findings=of("financierId", "FIN-NOT-ASKED")),
)  # fmt: skip


def _answer(**members: Any) -> Case:
    known = {
        "message": "respond-bid", "status": "BIDDING", "open_bids": 2, "target": "ACCEPTED",
        "bids": [("OFFERED", bid_a()), ("OFFERED", bid_b())],
        "body": story_financing.bid_response(),
    }  # fmt: skip
    return Case(**{**known, **members})


def _taken(**changes: object) -> Body:
    """BID-A1 alone, with members of its answer changed."""
    body = story_financing.bid_response([(LENDER_A, "ACCEPT")])
    return bend(body, **{f"{_ANSWER}{name}": value for name, value in changes.items()})


_ONE: dict[str, Any] = {"bids": [("OFFERED", bid_a())], "open_bids": 1}
_REFUSED = story_financing.bid_response([(LENDER_A, "REJECT"), (LENDER_B, "REJECT")])
_ANSWERS = (
    _answer(name="story-answer", why="BID-A1 is taken, BID-B1 is told so.", books=LEAVES),
    _answer(name="taken-without-amount", why="At what it approves.", **_ONE,
            body=_taken(acceptedAmount=None), books=LEAVES),
    _answer(name="taken-of-a-lender-of-level-2", why="He cannot be paid.", level=2, **_ONE,
            body=_taken(), findings=answering("financierId", "FIN-LENDER-LEVEL")),
    _answer(name="invoice-paid-by-now", why="There is nothing to lend on any more.", **_ONE,
            body=_taken(), free=[held(TWO, "PAID", books(0))],
            findings=answering("response", "FIN-NOT-FINANCEABLE")),
    _answer(name="invoice-bought-by-now", why="An invoice is financed once.", **_ONE,
            body=_taken(), free=[ASSIGNED], findings=answering("response", "FIN-FINANCED")),
    _answer(name="all-refused", why="Too dear.", body=_REFUSED, target="DECLINED"),
    _answer(name="one-of-two-refused", why="An answer ends the request.",
            bids=[("OFFERED", bid_a())],
            body=story_financing.bid_response([(LENDER_A, "REJECT")]), target="DECLINED",
            findings=(("FIN-LEFT-OPEN", "bidResponse.responses"),)),
    _answer(name="both-taken", why="An invoice has one payee.",
            body=story_financing.bid_response([(LENDER_A, "ACCEPT"), (LENDER_B, "ACCEPT")]),
            findings=answering("response", "FIN-SEVERAL-ACCEPTED")
            + answering("response", "FIN-SEVERAL-ACCEPTED", place=1)),
    _answer(name="answered-twice-in-one-message", why="One answer for a bid.",
            bids=[("OFFERED", bid_a()), ("OFFERED", bid_a())],
            body=story_financing.bid_response([(LENDER_A, "ACCEPT"), (LENDER_A, "REJECT")]),
            findings=answering("bidId", "FIN-BID-TWICE")
            + answering("bidId", "FIN-BID-TWICE", place=1)),
    _answer(name="bid-of-another-lender", why="Two bids were mixed up.", **_ONE,
            body=_taken(financierId="LENDER-B"), findings=answering("bidId", "FIN-OTHER-BID")),
    _answer(name="bid-on-another-request", why="It was offered for other invoices.",
            bids=[("OFFERED", bend(bid_a(), bid__financingRequestId="FINREQ-2526-0030"))],
            body=_taken(), open_bids=1, findings=answering("bidId", "FIN-OTHER-BID")),
    _answer(name="more-taken-than-approved", why="Nobody has offered that.", **_ONE,
            body=_taken(acceptedAmount=Decimal("736813.01")),
            findings=answering("acceptedAmount", "FIN-ACCEPTED-AMOUNT")),
    _answer(name="less-taken-than-approved", why="Told to both sides.", **_ONE, books=LEAVES,
            body=_taken(acceptedAmount=Decimal("700000.00")),
            findings=answering("acceptedAmount", "FIN-ACCEPTED-LESS")),
    _answer(name="refused-with-an-amount", why="A refusal takes nothing.", target="DECLINED",
            body=bend(_REFUSED, **{f"{_ANSWER}acceptedAmount": Decimal("1.00")}),
            findings=answering("acceptedAmount", "FIN-ACCEPTED-AMOUNT")),
    _answer(name="answer-after-the-end", why="The request was answered.", status="ACCEPTED",
            open_bids=0, target=None),
    _answer(name="answer-before-any-bid", why="There is nothing to answer.", status="REQUESTED",
            open_bids=0, target=None),
)  # fmt: skip

CASES = (*_BIDS, *_ANSWERS)
