"""The strict parser against hostile bodies, and against `json.loads` on harmless ones."""

import json
import time
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hundi.kernel import parsing
from hundi.kernel.faults import Fault, Kind, RefusedError
from hundi.kernel.reading import MAX_BODY, parse

SECONDS = 5
"""Far above what any body needs here, far below what a quadratic step or a huge power would take."""


def faults(raw: bytes, *, max_depth: int = 32) -> tuple[Fault, ...]:
    with pytest.raises(RefusedError) as caught:
        parse(raw, max_depth=max_depth)
    assert all(fault.kind is Kind.SHAPE for fault in caught.value.faults)
    return caught.value.faults


def told(raw: bytes) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for fault in faults(raw)]


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    """An object nested `depth` levels deep, in all."""
    return (opening * (depth - 1) + "{}" + closing * (depth - 1)).encode()


NOT_JSON = [
    b"",
    b" \n\t",
    b"{",
    b"}",
    b'{"a":1}}',
    b'{"a":1} x',
    b'{"a":1}{"a":2}',
    b'{"a":1,}',
    b'{,"a":1}',
    b'{"a" 1}',
    b'{"a":}',
    b"{a:1}",
    b"{'a':1}",
    b'{"a":[1,]}',
    b'{"a":[1 2]}',
    b'{"a":01}',
    b'{"a":-01}',
    b'{"a":+1}',
    b'{"a":1.}',
    b'{"a":.5}',
    b'{"a":1e}',
    b'{"a":1e+}',
    b'{"a":0x10}',
    b'{"a":1_000}',
    b'{"a":--1}',
    b'{"a":-}',
    b'{"a":tru}',
    b'{"a":True}',
    b'{"a":None}',
    b'{"a":nan}',
    b'{"a":inf}',
    b'{"a":"x}',
    b'{"a":"\\x41"}',
    b'{"a":"\\u12"}',
    b'{"a":"\\u00 1"}',
    b'{"a":"\\u+041"}',
    b'{"a":"line\nfeed"}',
    b'{"a":"tab\t"}',
    b'{"a":"\x1f"}',
    b'{"a":1} // said',
    b'{"a":/* said */1}',
    b'{"a":1}\x0c',
    b'{"a":\xc2\xa01}',
    '{"a":\uff11}'.encode(),
    '{"a":\u0661}'.encode(),
    b'{"a":1}\xe2\x80\xa8',
]

NOT_OBJECT = [b"[]", b'[{"a":1}]', b"1", b"1.5", b'"text"', b"null", b"true", b"[" * 20 + b"]" * 20]

NOT_UTF8 = [
    b'{"a":"\xff"}',
    b'{"a":"\xc0\xaf"}',  # overlong /
    b'{"a":"\xc0\x80"}',  # overlong NUL
    b'{"a":"\xe0\x80\x80"}',
    b'{"a":"\xed\xa0\x80"}',  # a surrogate in bytes
    b'{"a":"\xf4\x90\x80\x80"}',  # beyond U+10FFFF
    b'{"a":"\xf8\x88\x80\x80\x80"}',
    b'{"a":"\xe2\x82"}',
    b'{"unknown":{"deep":"\x80"}}',
    b'{"\xff":1}',
    b"\xff\xfe{\x00}\x00",
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":1}\xff',
]

SURROGATES = [
    (rb'{"a":"\uD800"}', "a"),
    (rb'{"a":"\udfff"}', "a"),
    (rb'{"a":"\uDC00\uD800"}', "a"),
    (rb'{"a":{"b":["x","\ud83dx"]}}', "a.b[1]"),
    (rb'{"\ud800":1}', r'["\ud800"]'),
]

NULS = [
    (b'{"a":"\x00"}', ""),
    (b'{"a":1}\x00', ""),
    (b'\x00{"a":1}', ""),
    (b'{\x00"\x00a\x00"\x00:\x001\x00}\x00', ""),
    (rb'{"a":"\u0000"}', "a"),
    (rb'{"a":["x",{"b":"y\u0000z"}]}', "a[1].b"),
    (rb'{"\u0000":1}', r'["\u0000"]'),
    (rb'{"a\u0000":1}', r'["a\u0000"]'),
    (rb'{"a":"\\\u0000"}', "a"),
    ('{"a":"₹\\u0000"}'.encode(), "a"),
]

DUPLICATES = [
    (b'{"a":1,"a":1}', ["a"]),
    (b'{"a":1,"a":2,"a":3}', ["a"]),
    (b'{"a":1,"b":2,"a":1,"b":2}', ["a", "b"]),
    (b'{"a":{"b":[{},{"c":1,"c":2}]}}', ["a.b[1].c"]),
    (rb'{"a":1,"\u0061":2}', ["a"]),
    (b'{"":1,"":2}', ['[""]']),
    (b'{"x":{"a":1,"a":1},"y":{"a":1,"a":1}}', ["x.a", "y.a"]),
]

NUMBERS = [
    b"100000000000000000000",
    b"-100000000000000000000",
    b"9" * 5000,
    b"0.0000000000001",
    b"1.1234567890123",
    b"100000000000000000000.5",
    b"1E+999999999",
    b"1e999999999999999999999999",
    b"-1E-999999999",
    b"1E21",
    b"1E-21",
    b"0E+21",
    b"10E+19",
    b"1.5e-12",
    b"1." + b"0" * 100,
    b"0." + b"9" * 100_000,
]


@pytest.mark.parametrize("raw", NOT_JSON)
def test_what_is_not_json_is_refused_with_its_place(raw: bytes) -> None:
    (fault,) = faults(raw)
    assert (fault.code, fault.path) == ("SHAPE-JSON", "")


def test_the_place_of_a_syntax_error_is_told() -> None:
    (fault,) = faults(b'{\n  "a": 1,\n  "b" 2\n}')
    assert fault.detail == "The body is not JSON: expecting ':' delimiter at line 3, column 7."
    assert fault.context == {"line": 3, "column": 7}


@pytest.mark.parametrize("raw", NOT_OBJECT)
def test_the_top_level_is_an_object(raw: bytes) -> None:
    assert told(raw) == [("SHAPE-OBJECT", "")]


@pytest.mark.parametrize("raw", NOT_UTF8)
def test_bad_utf8_is_refused(raw: bytes) -> None:
    assert told(raw) == [("SHAPE-UTF8", "")]


@pytest.mark.parametrize(("raw", "path"), SURROGATES)
def test_half_a_surrogate_pair_is_refused(raw: bytes, path: str) -> None:
    assert told(raw) == [("SHAPE-UTF8", path)]


@pytest.mark.parametrize(("raw", "path"), NULS)
def test_nul_is_refused_everywhere(raw: bytes, path: str) -> None:
    assert told(raw) == [("SHAPE-NUL", path)]


@pytest.mark.parametrize(("raw", "paths"), DUPLICATES)
def test_every_duplicate_member_is_told(raw: bytes, paths: list[str]) -> None:
    assert told(raw) == [("SHAPE-DUPLICATE", path) for path in paths]


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_and_infinity_are_refused(word: bytes) -> None:
    assert told(b'{"a":{"b":[1,%b]}}' % word) == [("SHAPE-NAN", "a.b[1]")]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_beyond_limits_are_refused_without_computing_them(number: bytes) -> None:
    started = time.process_time()
    assert told(b'{"a":[%b]}' % number) == [("SHAPE-NUMBER", "a[0]")]
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("99999999999999999999", 99999999999999999999),
        ("-99999999999999999999", -99999999999999999999),
        ("12345678901234567.89", Decimal("12345678901234567.89")),
        ("0.123456789012", Decimal("0.123456789012")),
        ("99999999999999999999.999999999999", Decimal("99999999999999999999.999999999999")),
        ("1.50000000000000000000", Decimal("1.5")),
        ("-0.0", Decimal(0)),
        ("1E+19", Decimal(10**19)),
        ("1e2", Decimal(100)),
        ("1.5E-11", Decimal("0.000000000015")),
        ("0.00E-20", Decimal(0)),
        ("1000000E-18", Decimal("0.000000000001")),
    ],
)
def test_numbers_within_limits_are_exact(text: str, value: int | Decimal) -> None:
    read = parse(f'{{"a":{text}}}'.encode())["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("opening", "closing"), [('{"a":', "}"), ('{"a":"]]]}}}","b":', "}"), ('{"a":[[', "]]}")]
)
def test_nesting_has_a_limit(opening: str, closing: str) -> None:
    per_step = opening.replace('"]]]}}}"', "").count("{") + opening.count("[")
    deepest = nested(1 + 9 // per_step, opening, closing)
    assert parse(deepest, max_depth=10)
    deeper = nested(1 + 9 // per_step + 1, opening, closing)
    assert [fault.code for fault in faults(deeper, max_depth=10)] == ["SHAPE-DEPTH"]


def test_brackets_in_texts_are_no_nesting() -> None:
    assert parse(json.dumps({"a": "[{" * 50, 'b"\\': "\\" * 3 + '"' + "[" * 40}).encode())


def test_thirty_two_levels_pass_and_thirty_three_do_not() -> None:
    assert parse(nested(32))
    assert told(nested(33)) == [("SHAPE-DEPTH", "")]


def test_the_number_of_values_has_a_limit() -> None:
    assert parse(b'{"a":[' + b"0," * 99_998 + b"0]}")
    assert told(b'{"a":[' + b"0," * 99_999 + b"0]}") == [("SHAPE-COUNT", "")]
    assert told(b'{"a":[' + b"{}," * 99_999 + b"{}]}") == [("SHAPE-COUNT", "")]


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * MAX_BODY,
        b'{"a":' * (MAX_BODY // 5),
        b'{"a":' + b"[" * (MAX_BODY // 2) + b"]" * (MAX_BODY // 2) + b"}",
        b'{"a":[' + b"[]," * (MAX_BODY // 3),
        b'{"a":[' + b"1," * (MAX_BODY // 2) + b"1]}",
        b'{"a":"' + b'\\"' * (MAX_BODY // 2),
        b'"' * MAX_BODY,
        b"\\" * MAX_BODY,
        b'{"a":' + b"9" * MAX_BODY + b"}",
        b'{"a":0.' + b"0" * MAX_BODY + b"1}",
        b'{"a":1e' + b"9" * MAX_BODY + b"}",
        b'{"' + b"k" * MAX_BODY + b'":1,"' + b"k" * MAX_BODY + b'":1}',
        b'{"a":"' + rb"\ud800" * (MAX_BODY // 6) + b'"}',
        b'{"a":[' + rb'"\u0000",' * (MAX_BODY // 9) + b"1]}",
        b"{" + b'"a":1,' * (MAX_BODY // 6) + b'"a":1}',
        b'{"a":[' + b'{"b":1,"b":1},' * (MAX_BODY // 40) + b"1]}",
        b" " * MAX_BODY,
    ],
    ids=lambda raw: f"{raw[:12]!r}",
)
def test_hostile_bodies_are_refused_quickly_and_briefly(raw: bytes) -> None:
    started = time.process_time()
    found = faults(raw)
    assert time.process_time() - started < SECONDS
    assert len(found) <= 100
    assert sum(len(fault.detail) + len(fault.path) for fault in found) < 100_000


def test_faults_of_all_kinds_are_told_together() -> None:
    raw = rb'{"a":1,"a":NaN,"b":{"c":1E99,"d":"\u0000"},"e":["\ud800"]}'
    assert told(raw) == [
        ("SHAPE-DUPLICATE", "a"),
        ("SHAPE-NAN", "a"),
        ("SHAPE-NUMBER", "b.c"),
        ("SHAPE-NUL", "b.d"),
        ("SHAPE-UTF8", "e[0]"),
    ]


def test_at_most_a_hundred_faults_are_told() -> None:
    assert len(faults(b'{"a":[' + b"NaN," * 500 + b"NaN]}")) == 100


def test_paths_and_sentences_can_always_be_printed() -> None:
    for raw in (rb'{"\ud800\n":NaN}', rb'{"a.b[0]":NaN}', b'{"' + b"k" * 1000 + b'":NaN}'):
        for fault in faults(raw):
            assert len(fault.path) < 60
            json.dumps(fault.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"a":"\\u0000"}',
        rb'{"a":"\\ud800"}',
        rb'{"a":"\ud83d\ude00 \u20b9 \u0001"}',
        '{"a":"😀 ₹ \ufeff \u2028"}'.encode(),
        b' \t\r\n{"a":1}\n',
        b"{}",
        b'{"a":{"a":{"a":[{"a":1},{"a":1}]}}}',
        b'{"":0}',
        b'{"__proto__":1,"constructor":2}',
        b'{"a":"\x7f"}',
    ],
)
def test_odd_but_clean_bodies_are_read(raw: bytes) -> None:
    assert parse(raw) == json.loads(raw)


def has_fault(tree: object) -> bool:
    """Whether a tree holds what JSON text can carry and the reader refuses."""
    if isinstance(tree, dict):
        return any(has_fault(part) for pair in tree.items() for part in pair)
    if isinstance(tree, list):
        return any(map(has_fault, tree))
    return isinstance(tree, str) and ("\x00" in tree or any_half(tree))


def any_half(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


texts = st.text(st.characters(), max_size=8)
numbers = st.integers(-(10**20) + 1, 10**20 - 1) | st.decimals(
    min_value=-(10**15), max_value=10**15, allow_nan=False, places=12
)
leaves = st.none() | st.booleans() | texts | numbers
trees = st.dictionaries(
    texts,
    st.recursive(leaves, lambda t: st.lists(t) | st.dictionaries(texts, t), max_leaves=12),
    max_size=4,
)


def written(tree: object) -> str:
    """JSON text with decimals as exact numbers."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{json.dumps(k)}:{written(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + " ,".join(map(written, tree)) + "]"
    return f"{tree:f}" if isinstance(tree, Decimal) else json.dumps(tree)


@given(trees)
@example({"a": "\x00"})
@example({"\ud83d\ude00": ["\ude00"]})
def test_any_tree_is_read_as_json_loads_reads_it_or_refused(tree: dict[str, object]) -> None:
    raw = written(tree).encode()
    if has_fault(json.loads(raw)):
        assert {code for code, _ in told(raw)} <= {"SHAPE-NUL", "SHAPE-UTF8"}
    else:
        assert parse(raw) == json.loads(raw, parse_float=Decimal)


@given(trees)
def test_the_fast_scan_and_the_exact_judgement_agree(tree: dict[str, object]) -> None:
    raw = written(tree).encode()
    fast = parsing.scan(raw)
    exact, found = parsing.examine(raw)
    if fast is not None:
        assert (exact, found) == (fast, [])
    else:
        # What the fast scan hands over may turn out to be clean, such as an escaped emoji.
        assert found or exact == json.loads(raw, parse_float=Decimal)


@given(st.binary(max_size=60) | st.text('{}[]",:\\u0dD8eE+-.19na \n', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused_and_never_break_the_reader(raw: bytes) -> None:
    tree = outcome(raw)
    assert tree is None or tree == json.loads(raw, parse_float=Decimal)


def outcome(raw: bytes) -> dict[str, object] | None:
    try:
        return parse(raw)
    except RefusedError:
        return None
