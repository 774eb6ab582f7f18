"""What supplier and lenders send each other about the financing of invoices."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random

from hundi.simulator import story_financing
from hundi.simulator.erp import Erp
from hundi.simulator.story_financing import LENDERS, Lender
from tests.simulation.trade import Belief, Body, Request

SIDES = {lender.financier_id.lower(): lender for lender in LENDERS}
REQUESTS = range(2)


def _request_id(n: int, place: int) -> str:
    return f"FIN-{n}-{place}"


def _bid_id(request_id: str, lender: Lender) -> str:
    return f"BID-{request_id}-{lender.financier_id}"


class Financing:
    """Who asks, who bids, who answers. `sent` are invoices as they were sent, by id and version."""

    def __init__(
        self,
        random: Random,
        erps: Mapping[str, Erp],
        *,
        left: Callable[[str], int],
        sent: Mapping[tuple[str, int], Body],
    ) -> None:
        self._random = random
        self._erps = erps
        self._left = left
        self._sent = sent
        self._asked: dict[str, tuple[str, Decimal]] = {}

    def ask(self, n: int, held: Belief) -> Request | None:
        """`req-financing` for one invoice, of one lender or of both."""
        request_id = _request_id(n, self._random.choice(REQUESTS))
        known = self._erps["supplier"].held(request_id) is not None
        copy = self._sent.get((held.object_id, held.version))
        if copy is None or (known and self._random.random() < 0.9):
            return None
        amount = Decimal(self._left(held.object_id)).scaleb(-2)
        invoice = copy | {
            "objectVersion": {"currentVersion": held.version, "newVersion": held.version},
            "statusTransition": {"currentStatus": held.status, "newStatus": held.status},
        }
        body = story_financing.financing_request([invoice], request_id=request_id)
        asked = body["financeRequest"]
        asked["financingRequestAmount"] = amount
        lenders = self._random.choice(([0, 1], [0, 1], [0], [1]))
        asked["financeId"][0]["financierId"] = [LENDERS[one].financier_id for one in lenders]
        if not known:
            self._asked[request_id] = (held.object_id, amount)
        about = {"financeRequest.invoices[0]": held.object_id}
        return Request(
            side="supplier", path="financing-request/req-financing", body=body, about=about
        )

    def bid(self, n: int) -> Request | None:
        """`share-bid` of a lender who has heard of the request."""
        side = self._random.choice(tuple(SIDES))
        request_id = _request_id(n, self._random.choice(REQUESTS))
        if self._erps[side].held(request_id) is None or request_id not in self._asked:
            return None
        lender, (invoice, amount) = SIDES[side], self._asked[request_id]
        body = story_financing.bid(lender, invoice, request_id=request_id)
        body["bid"]["financingRequestAmount"] = amount
        [detail] = body["bid"]["bidDetails"]
        detail |= {"bidId": _bid_id(request_id, lender), "approvedAmount": amount}
        detail["invoiceFinDetails"][0] |= {
            "approvedAmount": amount, "financingRequestAmount": amount,
        }  # fmt: skip
        return Request(side=side, path="bid/share-bid", body=body)

    def answer(self, n: int) -> Request | None:
        """`respond-bid` to bids that the supplier's ERP holds; one is taken, or none."""
        request_id = _request_id(n, self._random.choice(REQUESTS))
        bids = [
            lender
            for lender in LENDERS
            if self._erps["supplier"].held(f"{request_id}/{lender.financier_id}") is not None
        ]
        if not bids or request_id not in self._asked:
            return None
        taken = self._random.choice([*bids, *bids, None])
        decisions = [(one, "ACCEPT" if one is taken else "REJECT") for one in bids]
        return Request(
            side="supplier",
            path="financing-request/respond-bid",
            body=self._answered(request_id, decisions),
        )

    def _answered(self, request_id: str, decisions: Sequence[tuple[Lender, str]]) -> Body:
        body = story_financing.bid_response(decisions, request_id=request_id)
        _, amount = self._asked[request_id]
        for told, (lender, _) in zip(body["bidResponse"]["responses"], decisions, strict=True):
            told["bidId"] = _bid_id(request_id, lender)
            if "acceptedAmount" in told:
                told["acceptedAmount"] = amount
        return body
