"""Whether the money of an assigned invoice went to the lender who has bought it. Pure.

Money has moved, so another account is told and not refused. What is told of an account decides in
this order: its number, its branch, its UPI address, the name of who has it. Nobody's UPI address is
known to the network. It is silent only where nothing tells.
"""

from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from hundi.documents.payment_bodies import PayeeAccount, Share
from hundi.exchange.views import DocumentView, Stakeholder
from hundi.kernel.faults import Code, Fault, Kind

PAYEE = Code(
    "PAY-PAYEE",
    Kind.WARNING,
    "The invoice was assigned to a lender and the money went to another account than his.",
)


def paid_past_the_lender(
    share: Share, path: str, *, view: DocumentView, supplier: str
) -> Iterator[Fault]:
    """After an assignment the lender is paid: to the account that he has told, or in his name."""
    account, lender = share.supplierBankAccountDetails, view.stakeholder
    if isinstance(account, UnsetType):
        return
    past = _suppliers(account, view, supplier) if lender is None else _past(account, lender)
    if not past:
        return
    named = account.beneficiaryName or account.maskedAccountNumber or account.businessVPA
    named = named or account.ifsc
    number = share.supplierInvoiceNumber
    detail = (
        f"Invoice {number} was assigned to {'a lender' if lender is None else lender.name}; the"
        f" payment names another account ({named}). Settle with the lender who has the money."
    )
    where = f"{path}.supplierBankAccountDetails"
    yield PAYEE.at(where, detail, number=number, account=named)


def _past(account: PayeeAccount, lender: Stakeholder) -> bool:
    """Whether something that is told of an account says that it is not the lender's."""
    ifsc, number, name = account.ifsc, account.maskedAccountNumber, account.beneficiaryName
    if lender.accounts and number:
        return not any(number == his and ifsc in {UNSET, branch} for branch, his in lender.accounts)
    if lender.accounts and ifsc and all(ifsc != branch for branch, _ in lender.accounts):
        return True
    if isinstance(name, str) and name:
        return name.casefold().strip() != lender.name.casefold()
    return bool(number or account.businessVPA)


def _suppliers(account: PayeeAccount, view: DocumentView, supplier: str) -> bool:
    """Whether an account is in the supplier's name, or is the one that the invoice states.

    Asked where the lender is not known any more.
    """
    name = account.beneficiaryName
    if isinstance(name, str) and name.casefold().strip() == supplier.casefold():
        return True
    stated = None if view.body is None else view.body.invoice.supplierBankAccountDetails
    if stated is None:
        return False
    by_number = (account.ifsc, account.maskedAccountNumber)
    same_number = UNSET not in by_number and by_number == (stated.ifsc, stated.maskedAccountNumber)
    return same_number or (
        account.businessVPA is not UNSET and account.businessVPA == stated.businessVPA
    )
