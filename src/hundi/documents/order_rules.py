"""The trade rules of a purchase order: what is refused, what is warned about. Pure.

Orders come before the tax is due, so tax kind and tax amounts are warned about, never refused.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hundi.documents import sums
from hundi.documents.erased import erased
from hundi.documents.line_rules import each_line, milestones_make_the_total
from hundi.documents.order_bodies import ConfirmBody, Order, OrderBody, StatusChangeBody
from hundi.documents.parties_named import number_is_its_own, number_is_kept, parties_named
from hundi.documents.strictness import LINE_TAX_OF_ORDERS, Strictness
from hundi.documents.sums import line_of
from hundi.documents.tax_kinds import Supply, tax_identity
from hundi.documents.totals import Totals, charged, taxes_of, totals_of, totals_told
from hundi.exchange.views import DocumentView, RuleContext
from hundi.kernel.clock import financial_year
from hundi.kernel.faults import Code, Fault, Kind
from hundi.ledger.model import Unit

LIVE_INVOICES = "live invoices"
"""Account of an order that counts its live invoices."""
TAXABLE_DRAWN = "taxable"
"""Account of an order: taxable value of its live invoices, in paise."""


def drawn_account(unit: Unit) -> str:
    """Account of an order that stands against those of one unit: what was drawn in all."""
    return f"drawn {unit.value.lower()}"


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
YEAR_CHANGED = Code(
    "PO-YEAR-CHANGED", Kind.RULE, "An amendment keeps the financial year of the agreed order."
)
NUMBER_MISMATCH = Code("PO-NUMBER-MISMATCH", Kind.RULE, "The order has another number.")
BELOW_INVOICED = Code(
    "PO-BELOW-INVOICED", Kind.RULE, "A line is lowered below what is invoiced already."
)
CODES = (
    SAME_PARTIES, OTHER_PARTY, OTHER_ID, OTHER_GSTIN, GSTIN, TAX_WITHOUT_GSTIN, TAX_KIND, HSN,
    LINE_TWICE, DELIVERY_DATE, MILESTONES, NUMBER_CHANGED, YEAR_CHANGED, NUMBER_MISMATCH,
    BELOW_INVOICED,
)  # fmt: skip

_ROOT = "purchaseOrder"
STRICTNESS = Strictness(
    noun="order",
    root=_ROOT,
    same_parties=SAME_PARTIES,
    other_party=OTHER_PARTY,
    other_id=OTHER_ID,
    other_gstin=OTHER_GSTIN,
    gstin=GSTIN,
    tax_without_gstin=TAX_WITHOUT_GSTIN,
    tax_kind=TAX_KIND,
    tax_kind_unsure=TAX_KIND,
    hsn=HSN,
    service=HSN,
    line_twice=LINE_TWICE,
    milestones=MILESTONES,
    number_mismatch=NUMBER_MISMATCH,
    line_tax=LINE_TAX_OF_ORDERS,
)


def parties(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """The order's parties are the message's."""
    order = body.purchaseOrder
    yield from parties_named(
        body.b2bIds,
        supplier=order.supplierDetails,
        buyer=order.buyerDetails,
        context=context,
        codes=STRICTNESS,
    )


def figures(body: OrderBody) -> Iterator[Fault]:
    """Taxes, lines and totals; every line is taken apart once."""
    order = body.purchaseOrder
    lines = [line_of(i, f"{_ROOT}.itemLists[{n}]") for n, i in enumerate(order.itemLists)]
    stated = _stated(order)
    supply = Supply(
        supplier=order.supplierDetails,
        buyer=order.buyerDetails,
        charged=charged(lines, stated),
    )
    yield from tax_identity(supply, STRICTNESS)
    yield from each_line(order.itemLists, lines, STRICTNESS)
    yield from taxes_of(lines, stated, STRICTNESS.line_tax)
    yield from totals_of(lines, stated)


def _stated(order: Order) -> Totals:
    """The totals that the order states."""
    value = order.poValueDetails
    return totals_told(
        taxable=sums.money(value.assessmentValue),
        total=sums.money(value.totalPOValue),
        infos=value.valueInfos,
        root=f"{_ROOT}.poValueDetails",
        total_member="totalPOValue",
    )


def dates(body: OrderBody) -> Iterator[Fault]:
    """Delivery before the order is odd; so are milestones that miss the total."""
    order = body.purchaseOrder
    if order.deliveryDate < order.orderDate:
        detail = f"Delivery on {order.deliveryDate} is before the order of {order.orderDate}."
        yield DELIVERY_DATE.at(
            f"{_ROOT}.deliveryDate", detail, delivery=order.deliveryDate, order=order.orderDate
        )
    total = sums.money(order.poValueDetails.totalPOValue)
    yield from milestones_make_the_total(order.paymentMilestones, total, STRICTNESS)


def edit_keeps_the_number(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """The number is the order's name in the buyer's books; a new number is a new order."""
    number, path = body.purchaseOrder.buyerPONumber, f"{_ROOT}.buyerPONumber"
    yield from number_is_kept(number, path, context=context, noun="order", code=NUMBER_CHANGED)


def edit_keeps_the_year(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """An agreed order is known by its number in its financial year, while an amendment is asked."""
    document = context.document
    if document is None or document.agreed_version is None or document.body is None:
        return
    agreed, asked = (
        date.fromisoformat(one.purchaseOrder.orderDate) for one in (document.body, body)
    )
    if financial_year(agreed) != financial_year(asked):
        detail = (
            f"The order agreed on is of {agreed}, another financial year than {asked}. Keep the"
            " year, or send a new order."
        )
        facts = {"agreed": agreed.isoformat(), "asked": asked.isoformat()}
        yield YEAR_CHANGED.at(f"{_ROOT}.orderDate", detail, **facts)


def no_line_below_invoiced(body: OrderBody, context: RuleContext) -> Iterator[Fault]:
    """An amendment may not lower a line below what invoices have taken of it (in thousandths).

    A line that already stands over the order, within tolerance, is not lowered by keeping it. A
    line that is left out is lowered to nothing; lines of the same serialno count together. An open
    quantity may stay open; one that is to be counted is as much as was invoiced at least.
    """
    if context.document is not None:
        yield from _lowered(context.document, body, advice="Ask for {least} or more.")


def accepts_no_line_below_invoiced(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """The same when the amendment is accepted: what was in force could be billed until now."""
    document, path = context.document, "poConfirmation.supplierResponse"
    if document is None or body.poConfirmation.supplierResponse != "ACCEPT":
        return
    if document.agreed_version in {None, document.version}:
        return
    proposed: OrderBody | None = document.proposed
    if proposed is None:
        yield erased(
            path, what=f"The amendment of {document.number}", advice="Return it, or reject it."
        )
        return
    advice = "Return the amendment and have {least} or more asked, or cancel the invoice."
    for fault in _lowered(document, proposed, advice=advice):
        yield replace(fault, path=path)


def _lowered(document: DocumentView, body: OrderBody, *, advice: str) -> Iterator[Fault]:
    asked, places = _quantities(body)
    in_force = document.body  # None where it was erased
    ordered = {} if in_force is None else _quantities(in_force)[0]
    for account, balance in document.balances.items():
        serialno = account.removeprefix("line:").removesuffix(" quantity")
        if account != line_account(serialno):
            continue
        invoiced = Decimal(balance.taken).scaleb(-3)
        before = ordered.get(serialno, invoiced)
        quantity = asked.get(serialno, Decimal(0))
        if not before and not quantity and serialno in asked:
            continue
        floor = min(invoiced, before) if before else invoiced
        if quantity < floor:
            path = f"{_ROOT}.itemLists{places.get(serialno, '')}"
            detail = (
                f"{invoiced} of line {serialno} are invoiced, {quantity:f} is asked."
                f" {advice.format(least=floor)}"
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
    number, path = body.poConfirmation.buyerPONumber, "poConfirmation.buyerPONumber"
    yield from number_is_its_own(number, path, context=context, codes=STRICTNESS)


def status_change_names_the_order(body: StatusChangeBody, context: RuleContext) -> Iterator[Fault]:
    """The number in the status change is the order's."""
    number, path = body.poStatus.buyerPONumber, "poStatus.buyerPONumber"
    yield from number_is_its_own(number, path, context=context, codes=STRICTNESS)


FIGURES = (figures, dates)
"""Rules that need nothing but the order."""
ORDER = (parties,)
CONFIRMED = (confirmation_names_the_order, accepts_no_line_below_invoiced)
AMENDMENT = (edit_keeps_the_number, edit_keeps_the_year, no_line_below_invoiced)
