"""Ids: a time, a version, and nothing lost of the randomness."""

from hypothesis import given
from hypothesis import strategies as st

from hundi.kernel.identity import uuid7_hex


@given(st.integers(0, 2**57), st.binary(min_size=10, max_size=10))
def test_a_uuid_has_its_time_its_version_and_all_random_bits_but_six(
    now: int, random: bytes
) -> None:
    digits = uuid7_hex(now, lambda _: random)
    assert len(digits) == 32
    value, bits = int(digits, 16), int.from_bytes(random, "big")
    assert digits == f"{value:032X}"
    assert value >> 80 == now // 1000 & (1 << 48) - 1
    assert value >> 76 & 0xF == 7
    assert value >> 64 & 0xFFF == bits >> 68
    assert value >> 62 & 0b11 == 0b10
    assert value & (1 << 62) - 1 == bits & (1 << 62) - 1
