"""Fault codes are unique, documented and exercised: partners write programs against them."""

import re
from pathlib import Path

from hundi.kernel.faults import Code
from tests.house.generator import generate
from tests.house.sources import ROOT

SHAPE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")
FEWEST_WORDS = 4


def test_a_code_means_one_thing() -> None:
    by_name: dict[str, Code] = {}
    for code in generate.codes():
        assert by_name.setdefault(code.name, code) is code, f"{code.name} is declared twice"


def test_every_declared_code_is_listed() -> None:
    """A code that its module leaves out of CODES would be missing from the reference page."""
    listed = set(generate.codes())
    hidden = [
        f"{module.__name__}: {value.name}"
        for module in generate.modules()
        for value in vars(module).values()
        if isinstance(value, Code) and value not in listed
    ]
    assert not hidden


def test_a_code_is_stable_text_with_a_sentence() -> None:
    for code in generate.codes():
        assert SHAPE.fullmatch(code.name), code
        assert len(code.meaning.split()) >= FEWEST_WORDS, code
        assert code.meaning.endswith("."), code


def test_every_code_is_exercised() -> None:
    """Each code stands in some test or golden example outside this folder."""
    told = set().union(*(_codes_in(path) for path in (ROOT / "tests").rglob("*.*")))
    assert not sorted({code.name for code in generate.codes()} - told)


def _codes_in(path: Path) -> set[str]:
    if path.suffix not in {".py", ".json", ".yaml"} or path.parent.name == "house":
        return set()
    return {found.group() for found in SHAPE.finditer(path.read_text(encoding="utf-8"))}
