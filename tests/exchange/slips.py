"""A document type of the tests' own: a slip that a buyer sends and a supplier accepts.

The road knows no document by name, so what holds for slips holds for orders.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hundi.exchange.definition import (
    Ack,
    DocumentType,
    Effect,
    MessageType,
    Move,
    Touched,
    Touches,
    VersionRule,
)
from hundi.exchange.views import RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.fields import Amount, Group, Strict, VersionNumber

BUYER, SUPPLIER, STRANGER = "BUYER@BCB", "SUPPLIER@BCB", "STRANGER@BCB"
ODD = Code("TEST-ODD-TOTAL", Kind.WARNING, "The total of the slip is odd.")


class Ids(Strict, kw_only=True):
    buyerB2BId: str
    supplierB2BId: str


class ObjectVersion(Strict, kw_only=True):
    currentVersion: VersionNumber
    newVersion: VersionNumber


class Transition(Strict, kw_only=True):
    currentStatus: str
    newStatus: str


class Slip(Group, kw_only=True):
    objectId: Annotated[str, Meta(min_length=1, max_length=64)]
    number: str
    action: str | UnsetType = UNSET
    total: Amount | UnsetType = UNSET
    objectVersion: ObjectVersion
    transition: Transition


class Body(Strict, kw_only=True):
    b2bIds: Ids
    slip: Slip


def _move(on: str, source: str, target: str, **how: object) -> Move:
    usual = {"action": None, "by": "buyer", "effect": Effect.PROPOSAL, "version": VersionRule.KEEP}
    return Move(on=on, source=source, target=target, guard=None, **(usual | how))  # type: ignore[arg-type]


SLIP = DocumentType(
    name="slip",
    noun="slip",
    author="buyer",
    initial="CREATED",
    released=frozenset({"CANCELLED"}),
    settled=frozenset(),
    withdrawal="CANCEL",
    shut_by=frozenset({"CANCEL"}),
    guarded=frozenset(),
    derive=None,
    moves=(
        _move("req-send", "CREATED", "SENT", version=VersionRule.FIRST),
        _move("req-edit", "SENT", "SENT", version=VersionRule.NEXT),
        _move(
            "req-confirm", "SENT", "AGREED", action="ACCEPT", by="supplier",
            version=VersionRule.AGREE,
        ),
        _move("req-change", "CREATED", "CANCELLED", action="CANCEL", effect=Effect.FACT),
        _move("req-change", "SENT", "CANCELLED", action="CANCEL"),
        _move("req-pay", "SENT", "SENT", effect=Effect.FACT),
    ),
    stake=None,
)  # fmt: skip


def _touches(body: Body) -> tuple[Touched, ...]:
    slip = body.slip
    return (
        Touched(
            type="slip",
            how=Touches.MOVES,
            object_id=slip.objectId,
            number=slip.number,
            claim=None,
            current_version=slip.objectVersion.currentVersion,
            new_version=slip.objectVersion.newVersion,
            current_status=slip.transition.currentStatus,
            new_status=slip.transition.newStatus,
            path="slip",
            transition="transition",
        ),
    )


def _odd(body: object, _: RuleContext) -> Iterator[Fault]:
    assert isinstance(body, Body)
    if body.slip.total == Amount("1.10"):
        yield ODD.at("slip.total", "The total is 1.10.")


def _message(name: str, sender: str = "buyer") -> MessageType:
    return MessageType(
        name=name,
        document=SLIP,
        path=f"/api/v0/slip/{name}",
        forward=f"api/v0/slip/{name}",
        inform=f"api/v0/slip/{name.replace('req', 'resp')}",
        roles={"buyer": "buyerB2BId", "supplier": "supplierB2BId"},
        sender=sender,
        receiver="supplier" if sender == "buyer" else "buyer",
        body=Body,
        subject="slip",
        informs=("b2bIds", "resp", "slip", "additionalInfos"),
        touches=_touches,
        action=lambda body: body.slip.action or None,
        ack=Ack.ECHO,
        body_rules=(),
        rules=(_odd,),
        reads=False,
        amends=False,
        follows=(),
        postings=lambda *_: (),
        resolves=lambda _: None,
        route=None,
    )


MESSAGES = (
    _message("req-send"),
    _message("req-edit"),
    _message("req-confirm", sender="supplier"),
    _message("req-change"),
    _message("req-pay"),
)


def slip(object_id: str = "S1", **members: object) -> bytes:
    """A body. Members: current, new (versions), source, target (statuses), action, number, total
    (raw JSON), buyer, supplier."""
    is_ = {
        "current": 1, "new": 1, "source": "CREATED", "target": "SENT", "number": f"N-{object_id}",
        "total": b"12.300", "buyer": BUYER, "supplier": SUPPLIER, "action": "",
    } | members  # fmt: skip
    subject = {
        "objectId": object_id,
        "number": is_["number"],
        "action": is_["action"],
        "total": msgspec.Raw(is_["total"]),
        "objectVersion": {"currentVersion": is_["current"], "newVersion": is_["new"]},
        "transition": {"currentStatus": is_["source"], "newStatus": is_["target"]},
    }
    ids = {"buyerB2BId": is_["buyer"], "supplierB2BId": is_["supplier"]}
    return msgspec.json.encode({"b2bIds": ids, "slip": subject})
