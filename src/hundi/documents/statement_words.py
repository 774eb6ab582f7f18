"""What a line of a statement is called, by the account that stands against what is due. Pure."""

from hundi.documents import invoice_ledger

_SPLIT = invoice_ledger.split_account("")
_WORDS = {
    invoice_ledger.BILLED: "invoice accepted",
    invoice_ledger.ADVANCES: "advance",
    invoice_ledger.NOTES: "credit note",
    invoice_ledger.DEBIT_NOTES: "debit note",
    invoice_ledger.NOTES_AHEAD: "note accepted before the invoice",
    invoice_ledger.CASH: "payment",
    invoice_ledger.ROUNDING: "rounding",
    invoice_ledger.WAIVED: "waived",
}


def what_of(account: str) -> str:
    """The word for a line: `invoice accepted`, `payment`; of a payment's split its name, `TDS`."""
    return _WORDS.get(account, account.removeprefix(_SPLIT))
