"""Write the golden examples anew: `python -m tests.documents.write_golden`.

They are checked in, so that a change of a rule or of the story shows as a change of an example.
"""

from pathlib import Path

import msgspec

from tests.documents import (
    cases_of_charges,
    cases_of_figures,
    cases_of_parties,
    cases_of_taxes,
    cases_of_the_story,
)
from tests.documents.cases import Case

FOLDER = Path(__file__).parent / "golden"
ALL: tuple[Case, ...] = (
    *cases_of_the_story.CASES,
    *cases_of_taxes.CASES,
    *cases_of_charges.CASES,
    *cases_of_figures.CASES,
    *cases_of_parties.CASES,
)

_encoder = msgspec.json.Encoder(decimal_format="number")


def text_of(case: Case) -> str:
    """The file's text; figures keep their digits."""
    indent = 1 if len(case.body.get("purchaseOrder", {}).get("itemLists", ())) <= 3 else 0
    return msgspec.json.format(_encoder.encode(case.as_json()), indent=indent).decode() + "\n"


def write() -> None:
    """Replace the folder's files."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for case in ALL:
        (FOLDER / f"{case.name}.json").write_text(text_of(case), encoding="utf-8")


if __name__ == "__main__":
    write()
