"""What the processor times of a stretch say of its bottleneck."""

import os

import pytest

from bench.stage import Stretch
from proof.parts.curve import limit

IDLE = {"api0": 0.2, "dispatcher1": 0.1, "database": 0.2, "bench": 0.3, "machine": 0.8, "stolen": 0}
FULL = {"machine": float(os.cpu_count() or 1)}


@pytest.mark.parametrize(
    ("used", "processes", "told"),
    [
        ({}, 1, "waiting"),
        ({"bench": 0.95}, 1, "load generator"),
        ({"api0": 0.97}, 1, "processes of api0"),
        ({"api0": 0.97}, 2, "waiting"),
        ({"dispatcher1": 0.97}, 2, "processes of dispatcher1"),
        (FULL, 1, "other programs"),
        ({"database": FULL["machine"], **FULL}, 4, "most of them used by database"),
    ],
)
def test_the_limit_is_told_from_processor_times(
    used: dict[str, float], processes: int, told: str
) -> None:
    stretch = Stretch(0.0, 1.0, IDLE | used, None, ran_out=False)
    assert told in limit(stretch, processes=processes)
