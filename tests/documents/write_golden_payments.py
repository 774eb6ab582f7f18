"""Write the golden payments anew: `python -m tests.documents.write_golden_payments`."""

from pathlib import Path

from tests.documents import cases_of_confirmations, cases_of_payments
from tests.documents.golden_files import replace, text
from tests.documents.payment_cases import Case

FOLDER = Path(__file__).parent / "golden_payments"
ALL: tuple[Case, ...] = (*cases_of_payments.CASES, *cases_of_confirmations.CASES)


def texts() -> dict[str, str]:
    """The files by their names."""
    return {case.name: text(case.as_json()) for case in ALL}


if __name__ == "__main__":
    replace(FOLDER, texts())
