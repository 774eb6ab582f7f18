"""Write the golden financing messages anew: `python -m tests.documents.write_golden_financing`."""

from pathlib import Path

from tests.documents import cases_of_bids, cases_of_requests
from tests.documents.financing_cases import Case
from tests.documents.golden_files import replace, text

FOLDER = Path(__file__).parent / "golden_financing"
ALL: tuple[Case, ...] = (*cases_of_requests.CASES, *cases_of_bids.CASES)


def texts() -> dict[str, str]:
    """The files by their names."""
    return {case.name: text(case.as_json()) for case in ALL}


if __name__ == "__main__":
    replace(FOLDER, texts())
