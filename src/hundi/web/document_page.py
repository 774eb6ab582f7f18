"""A document's page: what the road tells of it, and what its words add.

An order shows what was invoiced, credited and paid of it, line by line; an invoice shows its clocks.
What takes rows is read inside the transaction, what takes time is worked out after it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hundi.documents.clocks import Clocks, after_acceptance, before_acceptance, terms_of
from hundi.documents.invoice import INVOICE
from hundi.documents.invoice import SENT as INVOICE_SENT
from hundi.documents.invoice_ledger import BOOKED, DUE
from hundi.documents.note import ACCEPTED as NOTE_ACCEPTED
from hundi.documents.note import CLOSED as NOTE_CLOSED
from hundi.documents.note import NOTE
from hundi.documents.order_draws import OrderBook, book_of
from hundi.documents.purchase_order import PURCHASE_ORDER
from hundi.documents.three_way import Billed, Line, ThreeWay, Totals, three_way
from hundi.exchange.bodies import Stored, stored, typed
from hundi.exchange.definition import MessageType
from hundi.exchange.document import from_row
from hundi.exchange.queries import Json, document
from hundi.exchange.relations import MOST, named_by, naming
from hundi.kernel.clock import indian_date
from hundi.ledger.model import NOTHING, Books, Key, document_key
from hundi.ledger.operations import balances, held_by
from hundi.parties.model import NOTHING_SETTLED
from hundi.parties.trade_settings import settings_by_entity
from hundi.store.engine import Row, Transaction

_COUNTING_NOTES = frozenset({NOTE_ACCEPTED, NOTE_CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """An agreed order with the documents that its three-way view is made of, as they are stored.

    `bodies` may lack some that were erased or would be too much together; `whole` says whether all
    documents are here. `drawn` is what each invoice has booked on its orders, where it has several.
    """

    order: Row
    invoices: Sequence[Row]
    notes: Sequence[Row]
    others: Sequence[Row]
    books: Books
    drawn: Mapping[Key, Mapping[str, Mapping[str, int]]]
    bodies: Stored
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    """A page as far as the database tells it."""

    page: Json
    clocks: Clocks | None
    order: OrderFile | None


async def read_page(
    tx: Transaction,
    client_id: str,
    *,
    messages: Mapping[str, MessageType],
    type_: str,
    object_id: str,
    author: str,
) -> PageFile:
    """Read what a page needs. Raises RefusedError as `queries.document` does."""
    found = await document(tx, client_id, messages, type_=type_, object_id=object_id, author=author)
    kind, order, clocks = found.row["type"], None, None
    if kind == PURCHASE_ORDER.name and found.row["agreed_body_id"] is not None:
        order = await _order_file(tx, found.mine, found.row)
    if kind == INVOICE.name:
        clocks = await _clocks(tx, found.row)
    return PageFile(page=found.shown, clocks=clocks, order=order)


def shown(found: PageFile, messages: Mapping[str, MessageType]) -> Json:
    """The page as it goes out; an order with many lines takes its time."""
    page = dict(found.page)
    if found.clocks is not None:
        page["clocks"] = clocks_shown(found.clocks)
    if found.order is not None:
        page["threeWay"] = _three_way(found.order, messages)
    return page


async def _order_file(tx: Transaction, mine: Sequence[str], order: Row) -> OrderFile:
    """The order's live invoices, their notes that count, and further orders that they bill."""
    naming_it = await naming(tx, mine, [document_key(order)], kind=INVOICE.name)
    invoices = [row for row in naming_it[:MOST] if _is_live(row)]
    keys = [document_key(row) for row in invoices]
    beside = await naming(tx, mine, keys, kind=NOTE.name)
    notes = {document_key(row): row for row in beside[:MOST] if row["status"] in _COUNTING_NOTES}
    named = await named_by(tx, mine, keys, kind=PURCHASE_ORDER.name, limit=2 * MOST + 2)
    others = {document_key(row): row for row in named if row["agreed_body_id"] is not None}
    others.pop(document_key(order), None)
    rows = (*others.values(), *invoices, *notes.values())
    ids = [order["agreed_body_id"], *(_body_id(row) for row in rows)]
    bodies = await stored(tx, ids)
    return OrderFile(
        order=order,
        invoices=invoices,
        notes=list(notes.values()),
        others=list(others.values()),
        books=await balances(tx, keys),
        drawn=await _drawn(tx, keys) if others else {},
        bodies=bodies,
        whole=(
            max(len(naming_it), len(beside), len(named) // 2) <= MOST and set(ids) <= bodies.keys()
        ),
    )


async def _drawn(tx: Transaction, invoices: Collection[Key]) -> dict[Key, dict[str, Counter[str]]]:
    """What invoices have booked on orders, by their objectId and account, debits above zero."""
    found: dict[Key, dict[str, Counter[str]]] = {}
    for invoice, transfers in (await held_by(tx, invoices)).items():
        orders = found.setdefault(invoice, {})
        for one in transfers:
            accounts = orders.setdefault(one.key[2], Counter())
            accounts[one.debit] += one.amount
            accounts[one.credit] -= one.amount
    return found


def _is_live(row: Row) -> bool:
    """Whether an invoice counts: it is under way or agreed, and its reader may know what it says."""
    waits = row["status"] != INVOICE.initial or row["open_exchange"] is not None
    return waits and row["status"] not in INVOICE.released and bool(row["content_seen"])


def _body_id(row: Row) -> str:
    """The body in force of an order, the current one of other documents."""
    agreed: str | None = row["agreed_body_id"]
    current: str = row["body_id"]
    return agreed if row["type"] == PURCHASE_ORDER.name and agreed is not None else current


def _three_way(found: OrderFile, messages: Mapping[str, MessageType]) -> Json | None:
    """The view as it is shown; None where the order itself was erased."""
    bodies = typed(found.bodies, messages)
    if found.order["agreed_body_id"] not in bodies:
        return None

    def book(row: Row) -> OrderBook:
        return book_of(from_row(row).view(body=bodies[_body_id(row)]))

    view = three_way(
        book(found.order),
        [book(row) for row in found.others if _body_id(row) in bodies],
        invoices=[
            Billed(
                invoice=bodies[row["body_id"]].invoice,
                accounts=found.books.of(document_key(row)),
                drawn=found.drawn.get(document_key(row), {}),
            )
            for row in found.invoices
            if row["body_id"] in bodies
        ],
        notes=[bodies[row["body_id"]].cdNote for row in found.notes if row["body_id"] in bodies],
    )
    return _view_shown(view, more=not found.whole)


def _view_shown(view: ThreeWay, *, more: bool) -> Json:
    lines = [_line_shown(serialno, line) for serialno, line in view.lines.items()]
    return {"lines": lines, "totals": _totals_shown(view.totals), "more": more}


def _line_shown(serialno: str, line: Line) -> Json:
    return {
        "serialno": serialno,
        "ordered": f"{line.ordered:.3f}",
        "freeOrdered": f"{line.free_ordered:.3f}",
        "invoiced": f"{line.invoiced:.3f}",
        "freeInvoiced": f"{line.free_invoiced:.3f}",
        "credited": f"{line.credited:.3f}",
        "net": f"{line.net:.3f}",
        "taxableOrdered": line.taxable_ordered.text(),
        "taxableInvoiced": line.taxable_invoiced.text(),
    }


def _totals_shown(totals: Totals) -> Json:
    return {
        "taxableOrdered": totals.taxable_ordered.text(),
        "taxableInvoiced": totals.taxable_invoiced.text(),
        "taxableNotOrdered": totals.not_ordered.text(),
        "ordered": totals.ordered.text(),
        "invoiced": totals.invoiced.text(),
        "credited": totals.credited.text(),
        "debited": totals.debited.text(),
        "settled": totals.settled.text(),
        "due": totals.due.text(),
    }


async def _clocks(tx: Transaction, row: Row) -> Clocks | None:
    """The clocks of an invoice; None where none runs, or its body was erased."""
    today, status = indian_date(tx.now), row["status"]
    if status not in BOOKED and status != INVOICE_SENT:
        return None
    supplier, buyer = row["author_entity"], row["counterparty_entity"]
    settled = await settings_by_entity(tx, {supplier, buyer})
    if status == INVOICE_SENT:
        sent = indian_date(row["status_at"])
        return before_acceptance(sent=sent, today=today, buyer=settled.get(buyer, NOTHING_SETTLED))
    body = await stored(tx, [row["agreed_body_id"]])
    if not body or row["agreed_at"] is None:
        return None
    [(_, raw)] = body.values()
    books = await balances(tx, [document_key(row)])
    return after_acceptance(
        terms_of(raw),
        accepted=indian_date(row["agreed_at"]),
        today=today,
        supplier=settled.get(supplier, NOTHING_SETTLED),
        owed=books.of(document_key(row)).get(DUE, NOTHING).net > 0,
    )


def clocks_shown(clocks: Clocks) -> Json:
    """The clocks of an invoice as they go out."""
    return {
        "dueDate": day_text(clocks.due),
        "legalDueDate": day_text(clocks.legal),
        "daysOverdue": clocks.overdue,
        "deemedAcceptanceDate": day_text(clocks.silence),
        "warnings": [warning.as_json() for warning in clocks.warnings],
    }


def day_text(day: date | None) -> str | None:
    """A day as it goes out."""
    return None if day is None else day.isoformat()
