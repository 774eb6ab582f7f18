"""Invoice 2 is financed: two lenders are asked, both bid, one is taken and the other one is told."""

from functools import partial
from typing import Any

from hundi.cli.actors import Actor
from hundi.cli.scenes.table import Table

ASK, BID, ANSWER = (f"finance/{name}" for name in ("req-financing", "share-bid", "respond-bid"))
REQUEST = "financing-request"


def financed(table: Table) -> None:
    """From the supplier's question to the lender who owns the invoice."""
    story = table.stories.financing
    at_a, at_b = (f"{story.REQUEST_ID}/{lender.financier_id}" for lender in story.LENDERS)
    a, b = (lender.bid_id for lender in story.LENDERS)
    table.told.scene("Two lenders bid on invoice 2, and the supplier takes one of the bids")
    _called(table, ASK, _request(table), told=table.lenders)
    _statuses(table, {at_a: "REQUESTED", at_b: "REQUESTED"})
    for lender, actor in zip(story.LENDERS, table.lenders, strict=True):
        table.told.line(f"{actor.short} approves {lender.approved} at {lender.percent} a year.")
        bid = story.bid(lender, table.stories.supplies.INVOICES[2].object_id)
        ended = table.ended(table.send(actor, BID, bid, to=(table.supplier,)), actor)
        table.told.check("outcome", expected="SETTLED", seen=ended["state"])
    _statuses(table, {at_a: "BIDDING", at_b: "BIDDING", a: "OFFERED", b: "OFFERED"})
    table.told.line("The supplier tries to have it financed a second time.")
    again = _request(table)
    again["financeRequest"]["financingRequestId"] = "FINREQ-AGAIN"
    table.refused(table.supplier, ASK, again, code="FIN-FINANCED", numbers={})
    _called(table, ANSWER, story.bid_response(), told=table.lenders)
    _statuses(table, {at_a: "ACCEPTED", at_b: "DECLINED", a: "ACCEPTED", b: "REFUSED"})
    _believed(table)


def _request(table: Table) -> Any:
    """The supplier's question; the invoice travels whole, for the lenders have never seen it."""
    invoice = table.stories.supplies.invoice(2)["invoice"]
    invoice["statusTransition"] = {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"}
    return table.stories.financing.financing_request([invoice])


def _called(table: Table, path: str, body: Any, *, told: tuple[Actor, ...]) -> None:
    """One call to both lenders: one receipt, two exchanges, one answer when both have ended."""
    receipt = table.send(table.supplier, path, body, to=told)
    ended = table.ended(receipt, table.supplier)
    table.told.check("the receipt", expected="SUCCESS", seen=ended["result"])
    states = [one["state"] for one in ended["exchanges"]]
    table.told.check("its exchanges", expected=["SETTLED"] * len(told), seen=states)


def _statuses(table: Table, expected: dict[str, str]) -> None:
    """Check where requests and bids stand; no message tells their statuses."""
    own = {table.names.of(name): status for name, status in expected.items()}
    listed = table.supplier.read("/documents?limit=200")["documents"]
    seen = {one["objectId"]: one["status"] for one in listed if one["objectId"] in own}
    table.told.check("requests and bids", expected=own, seen=seen)


def _believed(table: Table) -> None:
    """Each lender's system has heard how it ended."""
    for lender, actor in zip(table.stories.financing.LENDERS, table.lenders, strict=True):
        name = f"{table.stories.financing.REQUEST_ID}/{lender.financier_id}"
        own = table.names.of(name)
        table.until(f"{actor.short} hears", partial(_heard, actor, own))
        held = actor.held(own)
        table.told.check(f"{actor.short}'s ERP", expected=(1, "respondBid"), seen=held)


def _heard(actor: Actor, object_id: str) -> bool:
    return actor.held(object_id) == (1, "respondBid")
