"""Write the golden examples anew: `python -m tests.documents.write_golden`.

They are checked in, so that a change of a rule or of the story shows as a change of an example.
"""

from pathlib import Path

from tests.documents import (
    cases_of_billing,
    cases_of_charges,
    cases_of_figures,
    cases_of_invoices,
    cases_of_notes,
    cases_of_parties,
    cases_of_supplies,
    cases_of_taxes,
    cases_of_the_story,
)
from tests.documents.bodies import subject_of
from tests.documents.cases import Case
from tests.documents.golden_files import text

FOLDER = Path(__file__).parent / "golden"
ALL: tuple[Case, ...] = (
    *cases_of_the_story.CASES,
    *cases_of_taxes.CASES,
    *cases_of_charges.CASES,
    *cases_of_figures.CASES,
    *cases_of_parties.CASES,
    *cases_of_invoices.CASES,
    *cases_of_billing.CASES,
    *cases_of_supplies.CASES,
    *cases_of_notes.CASES,
)


def text_of(case: Case) -> str:
    """The file's text; a long one has no indents."""
    lines = case.body[subject_of(case.body)].get("itemLists", ())
    indent = 1 if len(lines) <= 3 else 0
    return text(case.as_json(), indent=indent)


def write() -> None:
    """Replace the files of every folder."""
    for old in FOLDER.glob("*/*.json"):
        old.unlink()
    for case in ALL:
        folder = FOLDER / case.type
        folder.mkdir(exist_ok=True)
        (folder / f"{case.name}.json").write_text(text_of(case), encoding="utf-8")


if __name__ == "__main__":
    write()
