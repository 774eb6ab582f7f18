"""The books when all is paid: the order line by line, and the account between the two businesses."""

from typing import Any

from hundi.cli.scenes.table import Table

LINES = {
    "1": ("3200.000", "3208.750", "12.150", "3196.600"),
    "2": ("2000.000", "1964.250", "45.500", "1918.750"),
    "3": ("2400.000", "2400.000", "0.000", "2400.000"),
}
"""Of each line: ordered, invoiced, credited, and what stays with the buyer."""
TOTALS = {
    "ordered": "1459969.00",
    "invoiced": "1454509.00",
    "credited": "14159.00",
    "settled": "1440350.00",
    "due": "0.00",
}
_COLUMNS = ("ordered", "invoiced", "credited", "net")


def balanced(table: Table) -> None:
    """What was ordered, invoiced, credited and paid; and that nobody owes anything."""
    table.told.scene("Ordered, invoiced, credited, paid: the network's books")
    order = table.names.of(table.stories.orders.OBJECT_ID)
    for actor in (table.buyer, table.supplier):
        view = actor.read(f"/documents/purchase-order/{order}")["threeWay"]
        lines = {line["serialno"]: tuple(line[c] for c in _COLUMNS) for line in view["lines"]}
        table.told.check(
            f"{actor.short} reads the lines (ordered, invoiced, credited, kept) as",
            expected=LINES,
            seen=lines,
        )
        totals = {name: view["totals"][name] for name in TOTALS}
        table.told.check(f"{actor.short} reads the totals as", expected=TOTALS, seen=totals)
    mine = table.supplier.read(f"/accounts/{table.buyer.b2b_id}")
    theirs = table.buyer.read(f"/accounts/{table.supplier.b2b_id}")
    for actor, account in ((table.supplier, mine), (table.buyer, theirs)):
        table.told.check(f"{actor.short}'s balance", expected="0.00", seen=account["balance"])
    _statement(table)


def _statement(table: Table) -> None:
    """The supplier's statement, line by line, down to nothing."""
    lines: list[Any] = table.supplier.read(f"/accounts/{table.buyer.b2b_id}/statement")["lines"]
    for line in lines:
        table.told.line(
            f"  {line['what']:<20}{line['debit']:>12}{line['credit']:>12}{line['balance']:>14}"
        )
    last = lines[-1]["balance"] if lines else ""
    table.told.check("the statement ends at", expected="0.00", seen=last)
