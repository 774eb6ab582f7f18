"""What the lines of a statement are called."""

import pytest

from hundi.documents.statement_words import what_of


@pytest.mark.parametrize(
    ("account", "word"),
    [
        ("billed", "invoice accepted"),
        ("cash", "payment"),
        ("notes", "credit note"),
        ("debit notes", "debit note"),
        ("split:TDS", "TDS"),
        ("split:GST-TDS", "GST-TDS"),
        ("waived", "waived"),
        ("something new", "something new"),
    ],
)
def test_a_line_is_called_by_what_stands_against_it(account: str, word: str) -> None:
    assert what_of(account) == word
