"""The reference pages are what `make reference` writes now."""

from tests.house.generator import generate
from tests.house.sources import ROOT


def test_pages_are_up_to_date() -> None:
    folder = ROOT / "docs" / "reference"
    stored = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert stored == generate.pages(), "run `make reference` and commit"
