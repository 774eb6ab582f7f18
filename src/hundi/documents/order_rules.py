"""The trade rules of a purchase order: what is refused, what is warned about. Pure.

Orders come before the tax is due, so tax kind and tax amounts are warned about, never refused.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import UnsetType

from hundi.documents import sums, totals
from hundi.documents.order_bodies import ConfirmBody, Order, OrderBody, StatusChangeBody
from hundi.documents.shapes import BuyerDetails, LineItem, SupplierDetails
from hundi.documents.sums import Line, line_of
from hundi.exchange.definition import Party, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import Money
from hundi.kernel.tax_ids import UNREGISTERED, gstin_fault, pan_inside

LIVE_INVOICES = "live invoices"
"""Account of an order that counts its live invoices."""
TAXABLE_DRAWN = "taxable"
"""Account of an order: taxable value of its live invoices, in paise."""
DRAWN = "drawn"
"""Account of an order that stands against the others: what was drawn in all."""


def line_account(serialno: str) -> str:
    """Account of an order: quantity invoiced of a line, in thousandths of its unit."""
    return f"line:{serialno} quantity"


SAME_PARTIES = Code("PO-SAME-PARTIES", Kind.RULE, "Buyer and supplier are the same B2B ID.")
OTHER_PARTY = Code("PO-OTHER-PARTY", Kind.RULE, "The order names another party than the message.")
OTHER_ID = Code("PO-OTHER-ID", Kind.WARNING, "The order names another B2B ID of the same business.")
OTHER_GSTIN = Code(
    "PO-OTHER-GSTIN", Kind.WARNING, "The GSTIN is not one that the network knows of the party."
)
GSTIN = Code("PO-GSTIN", Kind.RULE, "The GSTIN is malformed or its check character is wrong.")
TAX_WITHOUT_GSTIN = Code(
    "PO-TAX-WITHOUT-GSTIN", Kind.RULE, "Tax is charged by a supplier without a GSTIN."
)
TAX_KIND = Code("PO-TAX-KIND", Kind.WARNING, "IGST against CGST and SGST does not fit the states.")
HSN = Code("PO-HSN", Kind.WARNING, "An HSN has 4, 6 or 8 digits; that of a service starts with 99.")
LINE_TWICE = Code("PO-LINE-TWICE", Kind.WARNING, "Two lines have the same serialno.")
DELIVERY_DATE = Code("PO-DELIVERY-DATE", Kind.WARNING, "Delivery is due before the order date.")
MILESTONES = Code(
    "PO-MILESTONES", Kind.WARNING, "The payment milestones do not make the order's total."
)
NUMBER_CHANGED = Code("PO-NUMBER-CHANGED", Kind.RULE, "An edit keeps the order's number.")
NUMBER_MISMATCH = Code("PO-NUMBER-MISMATCH", Kind.RULE, "The order has another number.")
BELOW_INVOICED = Code(
    "PO-BELOW-INVOICED", Kind.RULE, "A line is lowered below what is invoiced already."
)
CODES = (
    SAME_PARTIES, OTHER_PARTY, OTHER_ID, OTHER_GSTIN, GSTIN, TAX_WITHOUT_GSTIN, TAX_KIND, HSN,
    LINE_TWICE, DELIVERY_DATE, MILESTONES, NUMBER_CHANGED, NUMBER_MISMATCH, BELOW_INVOICED,
)  # fmt: skip

_ROOT = "purchaseOrder"


def parties(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """The order's parties are the message's, by B2B ID or by the PAN inside the GSTIN."""
    order, ids = body.purchaseOrder, body.b2bIds
    if ids.buyerB2BId == ids.supplierB2BId:
        detail = f"Buyer and supplier are both {ids.buyerB2BId}. Name two parties."
        yield SAME_PARTIES.at("b2bIds.supplierB2BId", detail, b2bId=ids.buyerB2BId)
    for name, details, b2b_id in (
        ("supplierDetails", order.supplierDetails, ids.supplierB2BId),
        ("buyerDetails", order.buyerDetails, ids.buyerB2BId),
    ):
        yield from _party(f"{_ROOT}.{name}", details, context.parties[b2b_id])


def _party(path: str, details: SupplierDetails | BuyerDetails, party: Party) -> Iterator[Fault]:
    gstin = "" if isinstance(details.gstin, UnsetType) else details.gstin
    trouble = gstin_fault(gstin) if gstin not in UNREGISTERED else None
    if trouble is not None:
        yield GSTIN.at(f"{path}.gstin", trouble, gstin=gstin)
    same_pan = pan_inside(gstin) == party.pan
    if details.b2bId != party.b2b_id:
        code = OTHER_ID if same_pan else OTHER_PARTY
        detail = f"The message is for {party.b2b_id}, this names {details.b2bId}. Name the same."
        yield code.at(f"{path}.b2bId", detail, message=party.b2b_id, order=details.b2bId)
    elif (
        gstin not in UNREGISTERED
        and trouble is None
        and _unfamiliar(gstin, party, same_pan=same_pan)
    ):
        known = ", ".join(party.gstins) or f"PAN {party.pan[:2]}…{party.pan[-1]}"
        detail = f"{gstin} is not known of {party.b2b_id}; the network knows {known}."
        yield OTHER_GSTIN.at(f"{path}.gstin", detail, order=gstin, known=list(party.gstins))


def _unfamiliar(gstin: str, party: Party, *, same_pan: bool) -> bool:
    if party.gstins:
        return gstin not in party.gstins
    return pan_inside(gstin) is not None and not same_pan


def figures(body: OrderBody) -> Iterator[Fault]:
    """Taxes, lines and totals; every line is taken apart once."""
    order = body.purchaseOrder
    lines = [line_of(i, f"{_ROOT}.itemLists[{n}]") for n, i in enumerate(order.itemLists)]
    yield from _tax_identity(order, lines)
    yield from _each_line(order, lines)
    yield from _totals(order, lines)


def _tax_identity(order: Order, lines: Sequence[Line]) -> Iterator[Fault]:
    """No GSTIN, no tax; and the kind of tax follows supplier's state and place of supply."""
    charged = totals.levied(lines, sums.by_type(order.poValueDetails.valueInfos))
    supplier = order.supplierDetails
    gstin = "" if isinstance(supplier.gstin, UnsetType) else supplier.gstin
    place = _place_of_supply(order)
    if gstin in UNREGISTERED and charged:
        detail = (
            f"The supplier has no GSTIN and may charge no tax; this charges {_listed(charged)}."
            " Give the GSTIN, or no tax."
        )
        yield TAX_WITHOUT_GSTIN.at(f"{_ROOT}.supplierDetails.gstin", detail, **_texts(charged))
    elif gstin not in UNREGISTERED and place is not None:
        yield from _tax_kind(gstin[:2], place, charged)


def _listed(amounts: dict[str, Money]) -> str:
    return ", ".join(f"{label} {amount.text()}" for label, amount in amounts.items())


def _texts(amounts: dict[str, Money]) -> dict[str, str]:
    return {label: amount.text() for label, amount in amounts.items()}


def _place_of_supply(order: Order) -> str | None:
    buyer = order.buyerDetails
    for stated in (buyer.placeOfSupply, buyer.stateCode):
        if isinstance(stated, str) and len(stated) == 2 and stated.isdigit():
            return stated
    return None


def _tax_kind(state: str, place: str, charged: dict[str, Money]) -> Iterator[Fault]:
    between = state != place
    kinds = ("CGST", "SGST") if between else ("IGST",)
    wrong = {kind: charged[kind] for kind in kinds if kind in charged}
    if wrong:
        right = "IGST" if between else "CGST and SGST"
        detail = f"A supply from state {state} to {place} takes {right}, not {_listed(wrong)}."
        facts = {"supplier": state, "placeOfSupply": place, **_texts(wrong)}
        yield TAX_KIND.at(f"{_ROOT}.itemLists", detail, **facts)


def _each_line(order: Order, lines: Sequence[Line]) -> Iterator[Fault]:
    """Each line's own sums, its HSN and its number."""
    for item, line in zip(order.itemLists, lines, strict=True):
        yield from sums.quantity_times_price(item, line.path)
        yield from sums.taxable_of(line)
        yield from sums.tax_of(line)
        yield from sums.line_value(line)
        yield from _hsn(item, line.path)
    counted = Counter(item.serialno for item in order.itemLists)
    for place, item in enumerate(order.itemLists):
        count = counted[item.serialno]
        if count > 1:
            detail = f"{count} lines have the serialno {item.serialno}."
            path = f"{_ROOT}.itemLists[{place}].serialno"
            yield LINE_TWICE.at(path, detail, serialno=item.serialno, lines=count)


def _hsn(item: LineItem, path: str) -> Iterator[Fault]:
    hsn = item.hsnCode or ""
    service = isinstance(item.isService, str) and item.isService.upper() == "YES"
    if hsn and len(hsn) not in {4, 6, 8}:
        detail = f"{hsn} has {len(hsn)} digits; 4, 6 or 8 are used."
        yield HSN.at(f"{path}.hsnCode", detail, hsnCode=hsn, digits=len(hsn))
    elif hsn and service and not hsn.startswith("99"):
        detail = f"{hsn} is not a service; those start with 99."
        yield HSN.at(f"{path}.hsnCode", detail, hsnCode=hsn)


def _totals(order: Order, lines: Sequence[Line]) -> Iterator[Fault]:
    value = order.poValueDetails
    root = f"{_ROOT}.poValueDetails"
    yield from totals.totals_of(
        lines,
        totals.Totals(
            taxable=sums.money(value.assessmentValue),
            total=sums.money(value.totalPOValue),
            labelled=sums.by_type(value.valueInfos),
            taxable_path=f"{root}.assessmentValue",
            total_path=f"{root}.totalPOValue",
            labelled_path=f"{root}.valueInfos",
        ),
    )


def dates(body: OrderBody) -> Iterator[Fault]:
    """Delivery before the order is odd; so are milestones that miss the total."""
    order = body.purchaseOrder
    if order.deliveryDate < order.orderDate:
        detail = f"Delivery on {order.deliveryDate} is before the order of {order.orderDate}."
        yield DELIVERY_DATE.at(
            f"{_ROOT}.deliveryDate", detail, delivery=order.deliveryDate, order=order.orderDate
        )
    amounts = [m.amount for m in order.paymentMilestones if isinstance(m.amount, Decimal)]
    total = sums.money(order.poValueDetails.totalPOValue)
    if amounts and total is not None:
        together = sums.sum_of(Money.of(a) for a in amounts)
        if together != total:
            detail = f"The milestones make {together.text()}, the order's total is {total.text()}."
            yield MILESTONES.at(
                f"{_ROOT}.paymentMilestones", detail, stated=total.text(), sum=together.text()
            )


def edit_keeps_the_number(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """The number is the order's name in the buyer's books; a new number is a new order."""
    number = body.purchaseOrder.buyerPONumber
    if context.document is not None and number != context.document.number:
        detail = f"The order's number is {context.document.number}, not {number}. An edit keeps it."
        yield NUMBER_CHANGED.at(
            f"{_ROOT}.buyerPONumber", detail, number=context.document.number, stated=number
        )


def no_line_below_invoiced(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """An amendment may not lower a line below what invoices have taken of it (in thousandths).

    A line that already stands over the order, within tolerance, is not lowered by keeping it. A
    line that is left out is lowered to nothing; lines of the same serialno count together.
    """
    if context.document is None:
        return
    asked, places = _quantities(body)
    in_force = context.document.body  # None where it was erased
    ordered = {} if in_force is None else _quantities(in_force)[0]
    for account, balance in context.document.balances.items():
        serialno = account.removeprefix("line:").removesuffix(" quantity")
        if account != line_account(serialno):
            continue
        invoiced = Decimal(balance.taken).scaleb(-3)
        floor = min(invoiced, ordered.get(serialno, invoiced))
        quantity = asked.get(serialno, Decimal(0))
        if quantity < floor:
            path = f"{_ROOT}.itemLists{places.get(serialno, '')}"
            detail = (
                f"{invoiced} of line {serialno} are invoiced, {quantity:f} is asked."
                f" Ask for {floor} or more."
            )
            facts = {"invoiced": str(invoiced), "asked": f"{quantity:f}", "least": str(floor)}
            yield BELOW_INVOICED.at(path, detail, **facts)


def _quantities(body: OrderBody) -> tuple[dict[str, Decimal], dict[str, str]]:
    """What is ordered by serialno, and where the line stands."""
    asked: dict[str, Decimal] = {}
    places: dict[str, str] = {}
    for place, item in enumerate(body.purchaseOrder.itemLists):
        asked[item.serialno] = asked.get(item.serialno, Decimal(0)) + item.quantity
        places.setdefault(item.serialno, f"[{place}].quantity")
    return asked, places


def confirmation_names_the_order(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """The number in the confirmation is the order's."""
    yield from _names(body.poConfirmation.buyerPONumber, "poConfirmation", context)


def status_change_names_the_order(body: StatusChangeBody, context: RuleContext) -> Iterator[Fault]:
    """The number in the status change is the order's."""
    yield from _names(body.poStatus.buyerPONumber, "poStatus", context)


def _names(number: str, root: str, context: RuleContext) -> Iterator[Fault]:
    if context.document is not None and number != context.document.number:
        detail = (
            f"The order's number is {context.document.number}, not {number}. Check which is meant."
        )
        yield NUMBER_MISMATCH.at(
            f"{root}.buyerPONumber", detail, number=context.document.number, stated=number
        )


FIGURES = (figures, dates)
"""Rules that need nothing but the order."""
ORDER = (parties,)
AMENDMENT = (edit_keeps_the_number, no_line_below_invoiced)
