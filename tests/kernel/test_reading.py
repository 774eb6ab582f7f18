"""Typed bodies: every fault is told with its path, all of them at once."""

from decimal import Decimal

import pytest

from hundi.kernel.faults import Kind
from hundi.kernel.reading import CODES, Amount, Group, Quantity, Rate, read
from tests.kernel.reading_sample import Body, Line, dumped, faults, good, with_value, without


def test_a_clean_body_is_read() -> None:
    body = read(dumped(good()), Body)
    line = body.order.itemLists[0]
    assert isinstance(line, Line)
    assert (line.quantity, line.unitPrice) == (Decimal("12.5"), Decimal("0.000001"))
    assert {type(line.quantity), type(line.gstRate), type(line.total)} == {Quantity, Rate, Amount}
    assert type(body.order.itemLists[1].quantity) is Quantity
    assert body.order.ts == "2025-01-16T09:00:00+05:30"


REFUSED = [
    ("device", {}, "SHAPE-MISSING", "device.tag is missing. Send it with a name and a value."),
    ("device", None, "SHAPE-TYPE", "device is null. Send an object."),
    ("device", [], "SHAPE-TYPE", "device is an array. Send an object."),
    ("device.tag.name", "", "SHAPE-LENGTH", "device.tag.name has 0 characters. Send at least 1."),
    (
        "device.tag.name",
        "x" * 9,
        "SHAPE-LENGTH",
        "device.tag.name has 9 characters. Send at most 8.",
    ),
    ("device.tag.name", 3, "SHAPE-TYPE", "device.tag.name is a number. Send text."),
    ("action", "OPEN", "SHAPE-VALUE", 'action is "OPEN". Send one of CANCEL, CLOSE.'),
    ("action", "", "SHAPE-VALUE", 'action is "". Send one of CANCEL, CLOSE.'),
    ("action", 7, "SHAPE-TYPE", "action is a number. Send one of CANCEL, CLOSE."),
    ("acton", "CLOSE", "SHAPE-UNKNOWN", "acton is not known here. Did you mean action?"),
    ("xyz", 1, "SHAPE-UNKNOWN", "xyz is not known here. Leave it out."),
    ("order", "", "SHAPE-TYPE", "order is text. Send an object."),
    ("order.itemLists", {}, "SHAPE-TYPE", "order.itemLists is an object. Send an array."),
    ("order.itemLists", "", "SHAPE-TYPE", "order.itemLists is text. Send an array."),
    ("order.names", ["a"] * 3, "SHAPE-LENGTH", "order.names has 3 elements. Send at most 2."),
    ("order.urgent", "true", "SHAPE-TYPE", "order.urgent is text. Send true or false."),
    ("order.urgent", 0, "SHAPE-TYPE", "order.urgent is a number. Send true or false."),
    (
        "order.urgent",
        None,
        "SHAPE-TYPE",
        "order.urgent is null. Send true or false or leave it out.",
    ),
    (
        "order.objectVersion.newVersion",
        "2",
        "SHAPE-TYPE",
        "order.objectVersion.newVersion is text. Send a whole number without quotes.",
    ),
    (
        "order.objectVersion.newVersion",
        Decimal("2.0"),
        "SHAPE-TYPE",
        "order.objectVersion.newVersion is not a whole number. Send it without point and exponent.",
    ),
    (
        "order.objectVersion.newVersion",
        True,
        "SHAPE-TYPE",
        "order.objectVersion.newVersion is true or false. Send a whole number.",
    ),
    (
        "order.objectVersion.newVersion",
        -1,
        "SHAPE-RANGE",
        "order.objectVersion.newVersion is -1. Send at least 0.",
    ),
    (
        "order.objectVersion.newVersion",
        99999999999999999999,
        "SHAPE-RANGE",
        "order.objectVersion.newVersion is 99999999999999999999. Send at most 2147483647.",
    ),
    ("order.version.newVersion", 2**31, "SHAPE-RANGE", None),
    (
        "order.objectVersion.versions",
        1,
        "SHAPE-UNKNOWN",
        "order.objectVersion.versions is not known here. Did you mean newVersion?",
    ),
    ("order.ts", "2025-01-16", "SHAPE-PATTERN", None),
    ("order.ts", "2025-01-16T09:00:00", "SHAPE-PATTERN", None),
    ("order.ts", "2025-01-16 09:00:00Z", "SHAPE-PATTERN", None),
    ("order.ts", "2025-01-16T09:00:00Z\n", "SHAPE-PATTERN", None),
    ("order.ts", "", "SHAPE-PATTERN", None),
    ("order.ts", "2025-02-30T09:00:00Z", "SHAPE-DATE", None),
    ("order.ts", "2025-01-16T24:00:00Z", "SHAPE-DATE", None),
    ("order.ts", "2025-01-16T09:60:00Z", "SHAPE-DATE", None),
    ("order.ts", "2025-01-16T09:00:00+24:00", "SHAPE-DATE", None),
    (
        "order.itemLists[0].bestBefore",
        "2025-02-30",
        "SHAPE-DATE",
        "order.itemLists[0].bestBefore is 2025-02-30, which does not exist. Send a date such as 2025-01-31.",
    ),
    ("order.itemLists[0].bestBefore", "2023-02-29", "SHAPE-DATE", None),
    ("order.itemLists[0].bestBefore", "1900-02-29", "SHAPE-DATE", None),
    ("order.itemLists[0].bestBefore", "0000-01-01", "SHAPE-DATE", None),
    ("order.itemLists[0].bestBefore", "2025-13-01", "SHAPE-DATE", None),
    ("order.itemLists[0].bestBefore", "2025-1-1", "SHAPE-PATTERN", None),
    ("order.itemLists[0].bestBefore", "31/01/2025", "SHAPE-PATTERN", None),
    ("order.itemLists[0].bestBefore", "٢٠٢٥-01-01", "SHAPE-PATTERN", None),
    ("order.itemLists[0].hsnCode", "48A2", "SHAPE-PATTERN", None),
    (
        "order.address.pincode",
        "040001",
        "SHAPE-PATTERN",
        'order.address.pincode is "040001". Send a pincode of six digits.',
    ),
    (
        "order.itemLists[1].quantity",
        "12.30",
        "SHAPE-TYPE",
        "order.itemLists[1].quantity is text. Send a number without quotes.",
    ),
    ("order.itemLists[1].quantity", "NaN", "SHAPE-TYPE", None),
    ("order.itemLists[1].quantity", True, "SHAPE-TYPE", None),
    ("order.itemLists[1].quantity", None, "SHAPE-TYPE", None),
    ("order.itemLists[1].quantity", -1, "SHAPE-RANGE", None),
    (
        "order.itemLists[1].quantity",
        Decimal("0.0001"),
        "SHAPE-PRECISION",
        "order.itemLists[1].quantity is 0.0001. Round it to 3 decimals.",
    ),
    ("order.itemLists[0].unitPrice", Decimal("0.0000001"), "SHAPE-PRECISION", None),
    ("order.itemLists[0].gstRate", Decimal("1000.001"), "SHAPE-RANGE", None),
    ("order.itemLists[0].total", Decimal("1.001"), "SHAPE-PRECISION", None),
    ("order.itemLists[0].total", Decimal("1E-3"), "SHAPE-PRECISION", None),
    (
        "order.itemLists[0].total",
        10**15 + 1,
        "SHAPE-RANGE",
        "order.itemLists[0].total is 1000000000000001. Send a number from -1000000000000000 to 1000000000000000.",
    ),
    ("order.itemLists[0].total", Decimal("-1E16"), "SHAPE-RANGE", None),
    (
        "remarks",
        "x" * 10_001,
        "SHAPE-LENGTH",
        "remarks has 10,001 characters. Send at most 10,000.",
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "code", "detail"), REFUSED, ids=[f"{p}={str(v)[:20]}" for p, v, *_ in REFUSED]
)
def test_one_fault_is_told_at_its_path(
    path: str, value: object, code: str, detail: str | None
) -> None:
    (fault,) = faults(with_value(path, value))
    assert (fault.code, fault.kind) == (code, Kind.SHAPE)
    assert fault.path == ("device.tag" if code == "SHAPE-MISSING" else path)
    assert fault.detail.startswith(fault.path)
    assert detail in (None, fault.detail)


@pytest.mark.parametrize("number", ["100", "100.00", "1E+2", "100.000000", "-0.0", "0E-9"])
def test_zeros_at_the_end_are_no_decimals(number: str) -> None:
    raw = with_value("order.itemLists[0].total", Decimal(number))
    assert read(raw, Body).order.itemLists[0].total == Decimal(number)


def test_missing_members_are_told_by_what_to_send() -> None:
    assert [f.detail for f in faults(b"{}")] == [
        "device is missing. Send it with a tag.",
        "action is missing. Send it as one of CANCEL, CLOSE.",
        "order is missing. Send it with an objectVersion, a ts, an address and an itemLists.",
        "remarks is missing. Send it as text.",
    ]
    raw = without("order.ts", "order.address", "order.itemLists")
    assert [f.detail for f in faults(raw)] == [
        "order.ts is missing. Send it as a moment such as 2025-01-31T10:30:00+05:30.",
        "order.address is missing. Send it as an object, {} if there is nothing in it.",
        "order.itemLists is missing. Send it as an array, [] if there is nothing in it.",
    ]


def test_faults_of_json_and_of_shape_are_told_together() -> None:
    raw = b'{"device":{"tag":{"name":"a","name":"b"}},"action":NaN,"remarks":1E99,"stray":1}'
    assert [(f.code, f.path) for f in faults(raw)] == [
        ("SHAPE-DUPLICATE", "device.tag.name"),
        ("SHAPE-NAN", "action"),
        ("SHAPE-NUMBER", "remarks"),
        ("SHAPE-MISSING", "device.tag.value"),
        ("SHAPE-MISSING", "order"),
        ("SHAPE-UNKNOWN", "stray"),
    ]


def test_what_cannot_be_parsed_is_not_searched_for_missing_members() -> None:
    assert [f.code for f in faults(b'{"device":')] == ["SHAPE-JSON"]
    assert [f.code for f in faults(b"[]")] == ["SHAPE-OBJECT"]


def test_at_most_a_hundred_faults_are_told() -> None:
    assert len(faults(with_value("order.itemLists", [{"serialno": 1}] * 500))) == 100
    assert len(faults(dumped(good() | {f"x{i}": 1 for i in range(300)}))) == 100


def test_long_hostile_names_and_values_are_cut() -> None:
    found = faults(dumped(good() | {"k" * 100_000: 1, "action": "v" * 100_000}))
    assert [f.code for f in found] == ["SHAPE-VALUE", "SHAPE-UNKNOWN"]
    assert all(len(f.path) + len(f.detail) < 250 for f in found)


def test_unknown_members_are_carried_where_the_group_allows_them() -> None:
    assert read(with_value("order.colour", {"any": ["thing", None, ""]}), Body)
    assert read(with_value("order.itemLists[0].colour", None), Body)


# Declarations against the conventions


class BareDecimal(Group, kw_only=True):
    total: Decimal


class Nullable(Group, kw_only=True):
    name: str | None


class Mapped(Group, kw_only=True):
    names: list[dict[str, str]]


class Holder(Group, kw_only=True):
    lines: list[BareDecimal]


@pytest.mark.parametrize("body_type", [BareDecimal, Nullable, Mapped, Holder])
def test_a_declaration_that_cannot_be_checked_is_a_programming_error(
    body_type: type[Group],
) -> None:
    with pytest.raises(TypeError, match="bodies cannot hold"):
        read(b"{}", body_type)


def test_the_codes_are_unique_and_of_the_shape_stage() -> None:
    names = [code.name for code in CODES]
    assert len(set(names)) == len(names)
    assert all(c.kind is Kind.SHAPE and c.name.startswith("SHAPE-") and c.meaning for c in CODES)
