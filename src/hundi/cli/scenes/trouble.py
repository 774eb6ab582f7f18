"""Orders that go other ways: withdrawn, declined by a system, sent to one that is down."""

import secrets

from hundi.cli.scenes.ordering import CHANGE, SEND, SENT
from hundi.cli.scenes.table import Table


def withdrawn(table: Table) -> None:
    """The buyer takes an order back before the supplier's system has taken it."""
    order = _named("0418")
    place = ("purchase-order", order["object_id"])
    table.told.scene("An order is withdrawn before the supplier's system has taken it")
    table.supplier.answer_by([{"do": {"answer": "pending", "retryAfter": 60}}])
    sent = table.send(table.buyer, SEND, table.stories.orders.order(1, **order))
    table.until("the supplier's ERP asked for time", lambda: table.attempts(sent) > 0)
    table.supplier.answer_by([])
    cancel = table.stories.orders.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="Raised twice", **order
    )
    table.step(table.buyer, CHANGE, cancel, becomes={place: (1, "CANCELLED")})
    ended = table.buyer.read(f"/exchanges/{sent}")["state"]
    table.told.check("the send was given up", expected="ABANDONED", seen=ended)


def declined(table: Table) -> None:
    """The supplier's system says no; the buyer sends the order again."""
    order = _named("0419")
    place = ("purchase-order", order["object_id"])
    table.told.scene("An order is declined by the supplier's system, and sent again")
    refusal = {"answer": "decline", "code": "ERP-CREDIT-HOLD", "detail": "Buyer is on hold"}
    table.supplier.answer_by([{"do": refusal, "times": 1}])
    body = table.stories.orders.order(1, **order)
    sent = table.send(table.buyer, SEND, body)
    ended = table.ended(sent, table.buyer)
    table.told.line(f"{table.supplier.short}'s system says no: {ended['errorDtl']}")
    seen = f"{ended['state']}, {ended['errorCd']}"
    table.told.check("outcome", expected="DECLINED, ERP-CREDIT-HOLD", seen=seen)
    table.told.check("the order", expected=(1, "CREATED"), seen=table.stands(*place))
    table.step(table.buyer, SEND, body, becomes={place: (1, SENT)})


def down_and_back(table: Table) -> None:
    """Nobody answers for a while; the order waits and arrives."""
    order = _named("0420")
    place = ("purchase-order", order["object_id"])
    table.told.scene("The supplier's system is down, and comes back")
    table.supplier.erp.kill()
    table.told.line(f"{table.supplier.short}'s system is killed.")
    sent = table.send(table.buyer, SEND, table.stories.orders.order(1, **order))
    table.until("a delivery failed", lambda: table.attempts(sent) > 0)
    table.told.check("the order waits", expected=(1, "CREATED"), seen=table.stands(*place))
    table.supplier.come_up()
    table.told.line(f"{table.supplier.short}'s system is back.")
    ended = table.ended(sent, table.buyer)
    table.told.check("outcome", expected="SETTLED", seen=ended["state"])
    table.told.check("the order", expected=(1, SENT), seen=table.stands(*place))


def _named(number: str) -> dict[str, str]:
    """ObjectId and number of an order beside the story's."""
    return {
        "object_id": f"PUR{secrets.token_hex(16).upper()}",
        "number": f"ILT/PO/25-26/{number}",
    }
