"""The fuzzer's targets without the fuzzer: what it begins from, and what once broke one."""

from random import Random

import pytest

from proof.fuzzing.bending import bent
from proof.fuzzing.targets import BY_NAME, CASES, TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_the_fuzzer_begins_from_breaks_nothing(target: Target) -> None:
    seeds = list(target.seeds())
    assert seeds
    for seed in seeds:
        target.run(seed)
        if target.of_json:
            target.run(bent(seed, Random(len(seed))) or b"")


def test_what_once_broke_a_target_breaks_it_no_more() -> None:
    cases = list(CASES.glob("*/*"))
    assert cases
    for case in cases:
        BY_NAME[case.parent.name].run(case.read_bytes())
