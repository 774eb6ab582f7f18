"""Secrets at rest: sealed for one place, under the newest of several keys."""

import os
from random import Random

import pytest

from hundi.kernel.sealing import (
    BadKeysError,
    Keyring,
    SealError,
    is_sealed,
    key_id_of,
    keyring_from,
    new_key,
)

RANDOM = Random(1).randbytes
OLD, NEW = new_key(RANDOM), new_key(RANDOM)
SECRET, PLACE = "whsec_abc", "client/CEK1/webhook_secret"


def test_what_is_sealed_opens_at_its_place_only() -> None:
    keyring = keyring_from(NEW)
    sealed = keyring.seal(SECRET, PLACE, random=RANDOM)
    assert is_sealed(sealed)
    assert SECRET not in sealed
    assert keyring.open(sealed, PLACE) == SECRET
    for elsewhere in ("client/CEK2/webhook_secret", "client/CEK1/previous_secret"):
        with pytest.raises(SealError, match="moved there"):
            keyring.open(sealed, elsewhere)


def test_the_same_secret_is_never_sealed_alike() -> None:
    keyring = keyring_from(NEW)
    assert len({keyring.seal(SECRET, PLACE, random=os.urandom) for _ in range(50)}) == 50


def test_every_changed_character_is_found() -> None:
    keyring = keyring_from(NEW)
    sealed = keyring.seal(SECRET, PLACE, random=RANDOM)
    for place in range(len("sealed1."), len(sealed)):
        changed = sealed[:place] + chr(ord(sealed[place]) ^ 1) + sealed[place + 1 :]
        with pytest.raises(SealError) as refused:
            keyring.open(changed, PLACE)
        assert SECRET not in str(refused.value)
    for cut in ("sealed1.", sealed[:20], sealed[:-1], sealed + "="):
        with pytest.raises(SealError):
            keyring.open(cut, PLACE)


def test_the_first_key_seals_and_all_open() -> None:
    before = keyring_from(OLD).seal(SECRET, PLACE, random=RANDOM)
    both = keyring_from(f"{NEW},\n {OLD}")
    assert both.open(before, PLACE) == SECRET
    after = both.seal(SECRET, PLACE, random=RANDOM)
    assert key_id_of(after) == both.newest == keyring_from(NEW).newest
    with pytest.raises(SealError, match=key_id_of(before)):
        keyring_from(NEW).open(before, PLACE)


def test_long_ones_are_opened_and_not_remembered() -> None:
    keyring, long = keyring_from(NEW), "x" * 100_000
    sealed = keyring.seal(long, PLACE, random=RANDOM)
    assert keyring.open(sealed, PLACE) == long
    assert keyring._remembered.cache_info().currsize == 0
    short = keyring.seal(SECRET, PLACE, random=RANDOM)
    assert [keyring.open(short, PLACE) for _ in range(3)] == [SECRET] * 3
    assert keyring._remembered.cache_info().hits == 2


def test_without_a_key_clear_texts_open_and_nothing_is_sealed() -> None:
    assert Keyring().open(SECRET, PLACE) == SECRET
    with pytest.raises(SealError, match="hundi secrets key"):
        keyring_from(" ").seal(SECRET, PLACE, random=RANDOM)


@pytest.mark.parametrize(
    "text",
    ["hunter2-hunter2", NEW[:-1], NEW + "A", NEW.replace("hsk_", ""), f"{NEW} {NEW}", NEW[:-1] + "é",
     NEW[:-1] + "/", " ".join(new_key(os.urandom) for _ in range(17)), NEW[:-1] + "B"],
)  # fmt: skip
def test_keys_that_are_none_are_refused_and_not_shown(text: str) -> None:
    with pytest.raises(BadKeysError) as refused:
        keyring_from(text)
    assert text[4:30] not in str(refused.value)
