"""A name that stands twice in an object: seen by counting strings, without reading the body twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel import parsing
from tests.kernel.test_reading_json import told


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a" :2}',
        b'{"a":":","a" :":"}',
        b'{"b":{"a":"c","a":"c"}}',
        b'{"b":[{"a":[],"a":{}}]}',
        b'{"a":"a","a":"a","b":"\\u0041"}',
    ],
)
def test_a_doubled_member_shows_without_escapes_and_with_them(raw: bytes) -> None:
    assert parsing.scan(raw) is None
    assert {code for code, _ in told(raw)} == {"SHAPE-DUPLICATE"}


pairs = st.lists(st.tuples(st.sampled_from("aäb:"), st.sampled_from(["1", '"a"', '":"', "{}"])))


@given(pairs)
def test_names_are_read_once_or_not_at_all(members: list[tuple[str, str]]) -> None:
    raw = "{" + ",".join(f'"{name}" :{value}' for name, value in members) + "}"
    names = [name for name, _ in members]
    assert (parsing.scan(raw.encode()) is not None) is (len(set(names)) == len(names))
