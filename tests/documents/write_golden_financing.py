"""Write the golden financing messages anew: `python -m tests.documents.write_golden_financing`."""

from pathlib import Path

import msgspec

from tests.documents import cases_of_bids, cases_of_requests
from tests.documents.financing_cases import Case

FOLDER = Path(__file__).parent / "golden_financing"
ALL: tuple[Case, ...] = (*cases_of_requests.CASES, *cases_of_bids.CASES)

_encoder = msgspec.json.Encoder(decimal_format="number")


def text_of(case: Case) -> str:
    """The file's text; figures keep their digits."""
    return msgspec.json.format(_encoder.encode(case.as_json()), indent=1).decode() + "\n"


def write() -> None:
    """Replace the folder's files."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for case in ALL:
        (FOLDER / f"{case.name}.json").write_text(text_of(case), encoding="utf-8")


if __name__ == "__main__":
    write()
