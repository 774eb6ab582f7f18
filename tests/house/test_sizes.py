"""Files and functions stay short enough to be read in one go."""

from pathlib import PurePath
from statistics import median

import pytest

from tests.house.sources import PRODUCT, Source, length, sources

FILE_LINES = 400
FUNCTION_LINES = 40
HEART = {"definition.py", "accept.py", "settle.py"}
HEART_LINES = 500
"""The road in one go: what a message is, how it is accepted, how it settles."""
MEDIAN_LINES = 10
EVERYWHERE = (PRODUCT, "tests", "bench", "proof", "deploy", "docs")
VAGUE = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


@pytest.mark.parametrize("source", sources(*EVERYWHERE), ids=lambda source: source.name)
def test_file_is_short(source: Source) -> None:
    assert source.lines < FILE_LINES


def test_the_heart_of_the_road_is_short() -> None:
    places = {f"src/hundi/exchange/{name}" for name in HEART}
    heart = [source for source in sources(PRODUCT) if source.name in places]
    assert len(heart) == len(HEART)
    assert sum(source.lines for source in heart) < HEART_LINES


@pytest.mark.parametrize("source", sources(*EVERYWHERE), ids=lambda source: source.name)
def test_functions_are_short(source: Source) -> None:
    long = {f.name: length(f) for f in source.functions() if length(f) > FUNCTION_LINES}
    assert not long


def test_most_functions_are_very_short() -> None:
    assert median(length(f) for s in sources(PRODUCT) for f in s.functions()) < MEDIAN_LINES


@pytest.mark.parametrize("source", sources(*EVERYWHERE), ids=lambda source: source.name)
def test_the_name_says_what_is_inside(source: Source) -> None:
    assert not VAGUE & set(PurePath(source.name).with_suffix("").parts)
