"""What the two traders decide to send: mostly sensible, now and then nonsense.

A trade `n` is one order with up to three invoices, two notes and four payments on it. Each trader
goes by what its own ERP believes, and by what a refusal has told it since.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from hundi.kernel.faults import Fault
from hundi.simulator.erp import Erp
from tests.simulation import trade
from tests.simulation.lending import Financing
from tests.simulation.trade import Belief, Body, Request, Share

IDEAS = 6
INVOICES, NOTES, PAYMENTS = range(3), range(2), range(4)
STALE = frozenset({"DOC-STALE-STATUS", "DOC-STALE-VERSION"})
AFTER_PAYMENT = ("ACCEPTED", "PAYMENT INITIATED", "PARTIALLY PAID", "PAID")
PAYABLE = frozenset(AFTER_PAYMENT[:3])
OPEN_TO_ANSWERS = frozenset({"SENT TO SUPPLIER", "SENT TO BUYER"})


def invoice_id(n: int, place: int) -> str:
    """ObjectId of an invoice of a trade."""
    return f"INV{n:028d}{place:04d}"


def _note_id(n: int, place: int) -> str:
    return f"CDN{n:028d}{place:04d}"


def _payment_id(n: int, place: int) -> str:
    return f"PMT{n:028d}{place:04d}"


def _number(object_id: str) -> str:
    return f"{object_id[:3]}/{int(object_id[3:31])}/{int(object_id[31:])}"


class Traders:
    """Both traders. `left` tells what is still due and not reserved on an invoice, in paise."""

    def __init__(
        self, random: Random, erps: Mapping[str, Erp], *, left: Callable[[str], int]
    ) -> None:
        self._random = random
        self._erps = erps
        self._left = left
        self._learned: dict[tuple[str, str], tuple[Belief | None, Belief]] = {}
        self._next: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._paid: dict[str, list[Share]] = {}
        self._sent: dict[tuple[str, int], Body] = {}
        self._financing = Financing(random, erps, left=left, sent=self._sent)

    def request(self, n: int) -> Request | None:
        """Something that one of the traders wants to send about a trade, or nothing."""
        deeds = (
            (self._order, 3), (self._order_answer, 5), (self._invoice, 6),
            (self._invoice_answer, 8), (self._invoice_change, 1), (self._note, 3),
            (self._note_answer, 4), (self._note_change, 1), (self._pay, 9), (self._confirm, 9),
            (self._ask, 5), (self._financing.bid, 9), (self._financing.answer, 7),
        )  # fmt: skip
        for deed in self._random.choices([d for d, _ in deeds], [w for _, w in deeds], k=IDEAS):
            found = deed(n)
            if found is not None:
                return found
        return None

    def learn(self, request: Request, faults: tuple[Fault, ...]) -> Request | None:
        """What a refusal says that was missed, or which status comes out; a better request."""
        better = False
        for fault in faults:
            place = next((p for p in sorted(request.about, reverse=True)
                          if fault.path.startswith(p + ".")), None)  # fmt: skip
            if place is None:
                continue
            if "nextVersion" in fault.context:
                self._next[request.about[place]] = int(str(fault.context["nextVersion"]))
            if fault.code in STALE and "status" in fault.context:
                self._missed(request.side, request.about[place], fault)
            elif fault.code == "DOC-WRONG-TARGET" and "invoiceInfos[" in place:
                infos = request.body["paymentConfirmation"]["invoiceInfos"]
                right = fault.detail.removeprefix("This leads to ").partition(", not")[0]
                infos[int(place.rpartition("[")[2][:-1])]["statusTransition"]["newStatus"] = right
                better = True
        return request if better else None

    def _missed(self, side: str, object_id: str, fault: Fault) -> None:
        version, status = fault.context["version"], fault.context["status"]
        assert isinstance(version, int)
        before = self._by_erp(side, object_id)
        agreed = before.agreed if before is not None else None
        told = Belief(object_id, version, str(status), agreed)
        self._learned[side, object_id] = (before, told)

    def _by_erp(self, side: str, object_id: str) -> Belief | None:
        held = self._erps[side].held(object_id)
        if held is None:
            return None
        return Belief(object_id, held.version, held.status, held.agreed)

    def _believes(self, side: str, object_id: str) -> Belief | None:
        """What a side believes; what it learned counts until its ERP says something new."""
        held = self._by_erp(side, object_id)
        before, told = self._learned.get((side, object_id), (None, None))
        if told is not None and before == held:
            held = told
        if held is not None and self._random.random() < 0.07:
            held = trade.muddled(held, self._random)
        return held

    def _draft(self, object_id: str) -> Belief:
        """A document that the other side may not have held yet."""
        version = self._next.get(object_id, 1) + self._random.choice((0, 0, 0, 0, 0, 1))
        return Belief(object_id, version, "CREATED", None)

    def _rarely(self, chance: float) -> bool:
        return self._random.random() < chance

    def _order(self, n: int) -> Request | None:
        object_id = f"O{n}"
        held = self._believes("buyer", object_id)
        quantity = self._random.choice((600, 1000, 1000, 1200))
        if held is None:
            draft = self._draft(object_id)
            if self._rarely(0.1):
                return trade.order_change(draft, "CANCEL")
            versions = (draft.version, draft.version)
            return trade.order(object_id, versions=versions, status="CREATED", quantity=quantity)
        if self._rarely(0.05):
            return trade.order_change(held, self._random.choice(("CANCEL", "CLOSE")))
        if self._rarely(0.1) or held.status == "UNDER REVIEW":
            versions = (held.version, held.version + self._random.choice((1, 1, 1, 2)))
            return trade.order(object_id, versions=versions, status=held.status, quantity=quantity)
        return None

    def _order_answer(self, n: int) -> Request | None:
        held = self._believes("supplier", f"O{n}")
        if held is None or (held.status not in OPEN_TO_ANSWERS and not self._rarely(0.1)):
            return None
        return trade.order_answer(held, self._answer())

    def _answer(self) -> str:
        return self._random.choice(("ACCEPT",) * 8 + ("REJECT", "RETURN"))

    def _invoice(self, n: int) -> Request | None:
        object_id = invoice_id(n, self._random.choice(INVOICES))
        held = self._believes("supplier", object_id)
        ordered = self._by_erp("supplier", f"O{n}")
        if (ordered is None or ordered.agreed is None) and not self._rarely(0.1):
            return None
        new = None
        if held is None:
            held = self._draft(object_id)
            new = held.version
            if self._rarely(0.1):
                return trade.invoice_change(held, _number(object_id), "CANCEL")
        elif held.status not in {"SENT TO BUYER", "UNDER REVIEW"} and not self._rarely(0.1):
            return None
        quantity = self._random.choice((50, 300, 500, 500, 1051))
        request = trade.invoice(
            held,
            _number(object_id),
            new=new or held.version + self._random.choice((1, 1, 2)),
            orders=[] if self._rarely(0.2) else [f"O{n}"],
            quantity=quantity,
            paid=500 if self._rarely(0.2) else 0,
        )
        subject = request.body["invoice"]
        self._sent[object_id, subject["objectVersion"]["newVersion"]] = subject
        return request

    def _invoice_answer(self, n: int) -> Request | None:
        held = self._believes("buyer", invoice_id(n, self._random.choice(INVOICES)))
        if held is None or (held.status not in OPEN_TO_ANSWERS and not self._rarely(0.05)):
            return None
        return trade.invoice_answer(held, _number(held.object_id), self._answer())

    def _invoice_change(self, n: int) -> Request | None:
        held = self._believes("supplier", invoice_id(n, self._random.choice(INVOICES)))
        if held is None or not self._rarely(0.3):
            return None
        action = self._random.choice(("CANCEL", "CLOSE"))
        return trade.invoice_change(held, _number(held.object_id), action)

    def _ask(self, n: int) -> Request | None:
        held = self._believes("supplier", invoice_id(n, self._random.choice(INVOICES)))
        if held is None or (held.status != "ACCEPTED" and not self._rarely(0.1)):
            return None
        return self._financing.ask(n, held)

    def _note(self, n: int) -> Request | None:
        object_id = _note_id(n, self._random.choice(NOTES))
        held = self._believes("supplier", object_id)
        on = self._random.choice(INVOICES)
        odd = held is not None or self._by_erp("supplier", invoice_id(n, on)) is None
        if odd and not self._rarely(0.05):
            return None
        kind = self._kinds.setdefault(object_id, self._random.choice(("CREDIT", "CREDIT", "DEBIT")))
        return trade.note(
            held or self._draft(object_id),
            _number(object_id),
            kind=kind,
            on=_number(invoice_id(n, on)),
            quantity=self._random.choice((1, 20, 300)),
        )

    def _note_answer(self, n: int) -> Request | None:
        held = self._believes("buyer", _note_id(n, self._random.choice(NOTES)))
        if held is None or (held.status not in OPEN_TO_ANSWERS and not self._rarely(0.05)):
            return None
        return trade.note_answer(
            held, _number(held.object_id), kind=self._kind(held), action=self._answer()
        )

    def _note_change(self, n: int) -> Request | None:
        held = self._believes("supplier", _note_id(n, self._random.choice(NOTES)))
        if held is None:
            return None
        action = self._random.choice(("CANCEL", "CLOSE"))
        return trade.note_change(
            held, _number(held.object_id), kind=self._kind(held), action=action
        )

    def _kind(self, held: Belief) -> str:
        other = "DEBIT" if self._kinds[held.object_id] == "CREDIT" else "CREDIT"
        return other if self._rarely(0.05) else self._kinds[held.object_id]

    def _pay(self, n: int) -> Request | None:
        """A new payment, or one that was told before and is told again."""
        object_id = _payment_id(n, self._random.choice(PAYMENTS))
        if object_id in self._paid:
            held = self._erps["buyer"].held(object_id)
            again = (held is not None and held.disputed) or self._rarely(0.1)
            return self._payment_again(object_id) if again else None
        known = [self._believes("buyer", invoice_id(n, place)) for place in INVOICES]
        payable = [
            b for b in known if b is not None and (b.status in PAYABLE or self._rarely(0.05))
        ]
        if not payable:
            return None
        chosen = self._random.sample(payable, min(len(payable), self._random.choice((1, 1, 2))))
        self._paid[object_id] = [self._share(one) for one in chosen]
        return trade.payment(object_id, self._paid[object_id])

    def _payment_again(self, object_id: str) -> Request:
        shares = self._paid[object_id]
        now = [self._believes("buyer", one.held.object_id) or one.held for one in shares]
        again = [replace(one, held=held) for one, held in zip(shares, now, strict=True)]
        return trade.payment(object_id, again)

    def _named_by(self, payment: Belief) -> list[str]:
        return [one.held.object_id for one in self._paid[payment.object_id]]

    def _share(self, held: Belief) -> Share:
        left = self._left(held.object_id)
        paise = self._random.choice((left, left, left // 2, left // 3, left + 100, left + 101))
        off = self._random.choice((0, 0, min(paise, 50_00)))
        return Share(held, _number(held.object_id), paise, off)

    def _confirm(self, n: int) -> Request | None:
        held = self._believes("supplier", _payment_id(n, self._random.choice(PAYMENTS)))
        if held is None or (held.status != "pay" and not self._rarely(0.05)):
            return None
        found = [self._believes("supplier", one) for one in self._named_by(held)]
        invoices = [
            (one, _number(one.object_id), self._random.choice(AFTER_PAYMENT))
            for one in found
            if one is not None
        ]
        action = self._random.choice(("ACCEPT", "ACCEPT", "REJECT"))
        return trade.payment_answer(held.object_id, invoices, action) if invoices else None
