"""What counts as absent, and any damage to a body: the slow walk agrees with the fast reading."""

import json
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from hundi.kernel import faulty, parsing
from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.reading import Figure, read
from tests.kernel.reading_sample import Body, at, dumped, faults, good, with_value, without

# What counts as absent


@pytest.mark.parametrize(
    "path",
    [
        "order.tag",
        "order.version",
        "order.urgent",
        "order.names",
        "order.address.addressLine2",
        *(
            f"order.itemLists[0].{name}"
            for name in ("unitPrice", "gstRate", "bestBefore", "hsnCode", "addresses")
        ),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["alone", "after the slow reading"])
def test_an_empty_text_in_an_optional_member_means_absent(path: str, elsewhere: bool) -> None:
    tree = json.loads(with_value(path, ""), parse_float=Decimal)
    if elsewhere:
        # White space keeps the empty group from the fast reading's eye.
        tree["order"]["tag"] = {}
        raw = dumped(tree).replace(b'"tag":{},', b'"tag":{ },')
    else:
        raw = dumped(tree)
    holder: object = read(raw, Body)
    for step in path.replace("[0]", ".0").split("."):
        holder = holder[0] if isinstance(holder, list) else getattr(holder, step)
    assert holder is UNSET


def test_an_empty_text_in_a_required_member_is_a_text() -> None:
    assert (
        read(with_value("order.itemLists[0].serialno", ""), Body).order.itemLists[0].serialno == ""
    )
    assert read(with_value("order.address.addressLine1", ""), Body).order.address.addressLine1 == ""
    (fault,) = faults(with_value("order.address.pincode", ""))
    assert fault.code == "SHAPE-PATTERN"


@pytest.mark.parametrize("empty", [b"{}", b"{ }", b"{\n}"])
def test_an_empty_optional_group_means_absent(empty: bytes) -> None:
    raw = with_value("order.tag", "HERE").replace(b'"HERE"', empty)
    assert read(raw, Body).order.tag is UNSET


def test_an_empty_optional_array_is_absent_only_where_it_would_be_too_short() -> None:
    assert read(with_value("order.names", []), Body).order.names is UNSET
    assert (
        read(with_value("order.itemLists[0].addresses", []), Body).order.itemLists[0].addresses
        == []
    )


def test_a_group_that_is_never_empty_reports_its_members() -> None:
    found = faults(with_value("order.version", {}))
    assert [(f.code, f.path) for f in found] == [
        ("SHAPE-MISSING", "order.version.currentVersion"),
        ("SHAPE-MISSING", "order.version.newVersion"),
    ]


@pytest.mark.parametrize("empty", [{}, {"floor": 3}])
def test_an_emptiable_group_may_be_empty_although_it_is_required(empty: object) -> None:
    address = read(with_value("order.address", empty), Body).order.address
    assert address.empty
    assert address.addressLine1 is UNSET


def test_an_emptiable_group_is_complete_or_empty() -> None:
    assert not read(dumped(good()), Body).order.address.empty
    (fault,) = faults(with_value("order.address", {"addressLine2": "Unit 9", "pincode": "400001"}))
    assert (fault.code, fault.path) == ("SHAPE-MISSING", "order.address.addressLine1")
    found = faults(with_value("order.itemLists[0].addresses", [{}, {"addressLine2": "Unit 9"}]))
    assert [f.path for f in found] == [
        "order.itemLists[0].addresses[1].addressLine1",
        "order.itemLists[0].addresses[1].pincode",
    ]


# Any damage


def members(tree: object, path: str = "") -> Iterator[str]:
    """The path of every member of every object in a tree."""
    children = tree.items() if isinstance(tree, dict) else []
    for name, child in children:
        here = f"{path}.{name}".removeprefix(".")
        yield here
        yield from members(child, here)
    for index, child in enumerate(tree if isinstance(tree, list) else []):
        yield from members(child, f"{path}[{index}]")


ALL = sorted(members(good()))
OPTIONAL = (".tag", ".version", ".urgent", ".names", ".addressLine2", ".colour")
MAY_BE_EMPTY = (
    {"order.tag.name", "order.tag.value"},
    {f"order.address.{name}" for name in ("addressLine1", "addressLine2", "pincode")},
)
LINE_REQUIRED = (".serialno", ".quantity")


def needed(path: str) -> bool:
    """Whether the sample's member at a path is required, told from the path alone."""
    if path.startswith("order.itemLists[") and path.count(".") == 2:
        return path.endswith(LINE_REQUIRED)
    return path == "device.tag" or not path.endswith(OPTIONAL)


@given(st.sets(st.sampled_from(ALL)))
def test_dropped_members_are_reported_exactly(paths: set[str]) -> None:
    # A member inside a dropped one is gone with it.
    top = {p for p in paths if not any(p.startswith((q + ".", q + "[")) for q in paths)}
    emptied = [group for group in MAY_BE_EMPTY if group <= top]
    wanted = {path for path in top if needed(path)}.difference(*emptied)
    if not wanted:
        assert read(without(*top), Body)
        return
    found = faults(without(*top))
    assert {f.path for f in found} == wanted
    assert {f.code for f in found} == {"SHAPE-MISSING"}


NUMBERS = (0, -1, 10**18, Decimal("0.5"), Decimal("1E-7"))
TEXTS = ("", "0", "x" * 10_001, "2025-02-30", "GEOCODE", "CLOSE")
CONTAINERS = ([], {}, [None], [""], [{}], {"tag": {}}, {"name": ""})
odd = st.sampled_from((None, True, *NUMBERS, *TEXTS, *CONTAINERS))


@given(st.dictionaries(st.sampled_from(ALL), odd, min_size=1, max_size=4))
def test_the_slow_walk_refuses_what_msgspec_refuses_and_nothing_else(
    damage: dict[str, object],
) -> None:
    tree = good()
    for path in sorted(damage, key=len, reverse=True):
        parent, name = at(tree, path)
        parent[name] = damage[path]
    found = list(faulty.shape_faults(parsing.parse(dumped(tree)), msgspec.inspect.type_info(Body)))
    assert converts(tree) == (not found)
    # The last resort, for a fault that only msgspec sees, has an empty path.
    assert all(fault.path for fault in outcome(dumped(tree)))


def outcome(raw: bytes) -> tuple[Fault, ...]:
    try:
        read(raw, Body)
    except RefusedError as refused:
        return refused.faults
    return ()


def converts(tree: object) -> bool:
    """Whether msgspec takes a tree, with figures checked in another way than the reader does."""

    def figure(kind: type[Figure], value: object) -> Figure:
        if type(value) not in (int, Decimal) or not kind.least <= value <= kind.most:  # type: ignore[operator]
            raise ValueError
        if round(Decimal(str(value)), kind.places) != value:
            raise ValueError
        return kind(value)  # type: ignore[arg-type]

    try:
        msgspec.convert(tree, Body, dec_hook=figure)
    except msgspec.ValidationError:
        return False
    return True
