"""Members that stand twice, however they are spelled: the fast way counts strings, and misses none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel import parsing
from tests.kernel.test_reading_json import faults


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
    assert {fault.code for fault in faults(raw)} == {"SHAPE-DUPLICATE"}


pairs = st.lists(st.tuples(st.sampled_from("aäb:"), st.sampled_from(["1", '"a"', '":"', "{}"])))


@given(pairs)
def test_names_are_read_once_or_not_at_all(members: list[tuple[str, str]]) -> None:
    raw = "{" + ",".join(f'"{name}" :{value}' for name, value in members) + "}"
    names = [name for name, _ in members]
    assert (parsing.scan(raw.encode()) is not None) is (len(set(names)) == len(names))
