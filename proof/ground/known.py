"""What there is on a network of tenants, and which of its clients may read it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.verdict import Kind
from hundi.onboarding.model import AREA
from proof.ground.tenants import Tenants

MARKED = re.compile(r"[A-Z0-9a-z/@-]*[0-9][A-Z0-9a-z/@-]*")
"""What may be somebody's: an id, a number, an amount."""
DESCRIBED_AS = {"AABCS5678D@BCB": "ZZZCI2701K@BCB", "AAACB1234C@BCB": "ZZZFM3301Q@BCB"}
"""The businesses of the description's examples, and those of a network that stand in for them."""
_LISTED = (("type", "objectId"), ("reqMsgId",), ("webhookId",))
"""Things that stand in lists and feeds, each by its last value."""
_FOREIGN_TO_BUYER = ("financing-request", "bid")


@dataclass(frozen=True, slots=True)
class Thing:
    """Values for the places of a path, and the clients that may read what they lead to."""

    values: Mapping[str, str]
    owners: frozenset[str]


class Known:
    """What there is on the network: documents, exchanges, webhooks, B2B IDs, and the bodies sent."""

    def __init__(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        exchanges = {row["req_msg_id"]: row for row in rows["exchange"]}
        sides = {i: {row["client_id"], row["receiver_client"]} for i, row in exchanges.items()}
        self.things = {
            ("type", "objectId"): [_document(row) for row in rows["document"]],
            ("reqMsgId",): [
                Thing({"reqMsgId": i}, frozenset(owners)) for i, owners in sides.items()
            ],
            ("onboarding", "reqMsgId"): [_call(row) for row in exchanges.values()],
            ("webhookId",): [
                Thing({"webhookId": row["webhook_id"]}, frozenset(sides[row["req_msg_id"]]))
                for row in rows["delivery"]
                if row["req_msg_id"] in sides
            ],
            ("counterpartyB2BId",): [
                Thing({"counterpartyB2BId": row["b2b_id"]}, _partners(row["client_id"]))
                for row in rows["b2b_id"]
            ],
            ("b2bId",): [
                Thing({"b2bId": row["b2b_id"]}, frozenset({row["client_id"]}))
                for row in rows["b2b_id"]
            ],
        }
        stored = {row["body_id"]: bytes(row["bytes"]) for row in rows["body"]}
        self.sent: dict[str, list[tuple[str, bytes]]] = {}
        self._read: list[tuple[frozenset[str], str]] = []
        for row in rows["delivery"]:
            exchange = exchanges.get(row["req_msg_id"])
            if row["kind"] == Kind.REQUEST.value and exchange is not None:
                name = exchange["message"]
                body = stored[row["body_id"]]
                self.sent.setdefault(name, []).append((exchange["client_id"], body))
                sides_of = frozenset(sides[row["req_msg_id"]])
                self._read.append((sides_of, body.decode()))

    def marks(self) -> Mapping[str, frozenset[str]]:
        """Ids, numbers, amounts and accounts, each with the clients that may be shown it.

        Those of bodies are long, with a digit; names of documents, exchanges and webhooks as they are.
        """
        found: dict[str, set[str]] = {}
        for owners, body in self._read:
            for mark in MARKED.findall(body):
                if len(mark) >= 8:
                    found.setdefault(mark, set()).update(owners)
        for places in _LISTED:
            for thing in self.things[places]:
                found.setdefault(thing.values[places[-1]], set()).update(thing.owners)
        return {mark: frozenset(owners) for mark, owners in found.items()}


def _document(row: Mapping[str, Any]) -> Thing:
    """Who may read it: trade is between buyer and supplier, money between the supplier and a lender."""
    if row["type"] not in _FOREIGN_TO_BUYER:
        owners = {"buyer", "supplier"}
    else:
        lender = "a" if row["object_id"].endswith(("/LENDER-A", "BID-A1")) else "b"
        owners = {"supplier", f"lender-{lender}"}
    return Thing({"type": row["type"], "objectId": row["object_id"]}, frozenset(owners))


def _call(row: Mapping[str, Any]) -> Thing:
    """An exchange where onboarding looks for one: there are only its own, each its client's."""
    own = {row["client_id"]} if row["message"].startswith(f"{AREA}/") else set()
    return Thing({"reqMsgId": row["req_msg_id"]}, frozenset(own))


def _partners(client_id: str) -> frozenset[str]:
    """Who has an account with a client."""
    if client_id == "supplier":
        return frozenset({"buyer", "lender-a"})
    return frozenset({"supplier"} if client_id != "stranger" else ())


async def known(net: Tenants) -> Known:
    """What there is now."""
    wanted = ("document", "exchange", "delivery", "body", "b2b_id")
    read = {name: tables.document.metadata.tables[name] for name in wanted}
    return Known({name: await net.trade.rows(sa.select(table)) for name, table in read.items()})
