"""A small body with one of everything that a declaration can say, for the tests of the reader."""

import json
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import pytest
from msgspec import UNSET, Meta, UnsetType

from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.reading import (
    Amount,
    DateText,
    Emptiable,
    Group,
    InstantText,
    Price,
    Quantity,
    Rate,
    ShortText,
    Strict,
    Text,
    VersionNumber,
    read,
)

PINCODE = Meta(pattern=r"^[1-9][0-9]{5}\Z", extra={"wanted": "a pincode of six digits"})


class Tag(Group, kw_only=True):
    name: Annotated[str, Meta(min_length=1, max_length=8)]
    value: Annotated[str, Meta(min_length=1)]


class Device(Group, kw_only=True):
    never_empty: ClassVar[bool] = True

    tag: Tag


class Version(Strict, kw_only=True):
    never_empty: ClassVar[bool] = True

    currentVersion: VersionNumber
    newVersion: VersionNumber


class Address(Emptiable, kw_only=True):
    required_unless_empty: ClassVar[tuple[str, ...]] = ("addressLine1", "pincode")

    addressLine1: ShortText | UnsetType = UNSET
    addressLine2: ShortText | UnsetType = UNSET
    pincode: Annotated[str, PINCODE] | UnsetType = UNSET


class Line(Group, kw_only=True):
    serialno: ShortText
    quantity: Quantity
    unitPrice: Price | UnsetType = UNSET
    gstRate: Rate | UnsetType = UNSET
    total: Amount | UnsetType = UNSET
    bestBefore: DateText | UnsetType = UNSET
    hsnCode: Annotated[str, Meta(pattern=r"^[0-9]{4,8}\Z")] | UnsetType = UNSET
    addresses: list[Address] | UnsetType = UNSET


class Order(Group, kw_only=True):
    objectVersion: Version
    ts: InstantText
    address: Address
    itemLists: list[Line]
    tag: Tag | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    urgent: bool | UnsetType = UNSET
    names: Annotated[list[Text], Meta(min_length=1, max_length=2)] | UnsetType = UNSET


class Body(Strict, kw_only=True):
    device: Device
    action: Literal["CANCEL", "CLOSE"]
    order: Order
    remarks: Text


def good() -> dict[str, object]:
    """A body without a fault and with every member; a fresh tree each time."""
    line = {
        "serialno": "1",
        "quantity": 12.5,
        "unitPrice": 0.000001,
        "gstRate": 18,
        "total": -0.01,
        "bestBefore": "2024-02-29",
        "hsnCode": "4802",
        "addresses": [],
    }
    address = {"addressLine1": "4 Harbour Street", "addressLine2": "Unit 9", "pincode": "400001"}
    version = {"currentVersion": 1, "newVersion": 1}
    tag = {"name": "GEOCODE", "value": "12.9716,77.5946"}
    order = {
        "objectVersion": version,
        "ts": "2025-01-16T09:00:00+05:30",
        "address": address,
        "itemLists": [line, {"serialno": "2", "quantity": 0}],
        "tag": tag,
        "version": version,
        "urgent": False,
        "names": ["a"],
    }
    tree = {"device": {"tag": tag}, "action": "CLOSE", "order": order, "remarks": ""}
    return json.loads(json.dumps(tree), parse_float=Decimal)


def dumped(tree: object) -> bytes:
    if isinstance(tree, dict):
        return b"{%b}" % b",".join(
            json.dumps(k).encode() + b":" + dumped(v) for k, v in tree.items()
        )
    if isinstance(tree, list):
        return b"[%b]" % b",".join(map(dumped, tree))
    return str(tree).encode() if isinstance(tree, Decimal) else json.dumps(tree).encode()


def at(tree: object, path: str) -> tuple[dict[str, object], str]:
    """The object that holds the member at a path such as `order.itemLists[0].total`, and its name."""
    *parents, last = path.replace("[", ".").replace("]", "").split(".")
    for step in parents:
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]  # type: ignore[index]
    assert isinstance(tree, dict)
    return tree, last


def with_value(path: str, value: object) -> bytes:
    tree = good()
    parent, name = at(tree, path)
    parent[name] = value
    return dumped(tree)


def without(*paths: str) -> bytes:
    tree = good()
    for path in paths:
        parent, name = at(tree, path)
        del parent[name]
    return dumped(tree)


def faults(raw: bytes) -> tuple[Fault, ...]:
    with pytest.raises(RefusedError) as caught:
        read(raw, Body)
    return caught.value.faults
