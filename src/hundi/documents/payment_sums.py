"""The sums of a payment, without any tolerance: money that moves is exact. Pure, integer paise.

A payment's share of an invoice is cash and named splits. A split CREDIT NOTE is a pointer: the note
has lowered the due when it was accepted, so its value settles nothing again. What is left of the
share is `applied` to the due.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from hundi.documents.invoice_ledger import split_account
from hundi.documents.payment_bodies import (
    AmountSplit,
    InvoicePaymentAmount,
    PayBody,
    PaymentAmount,
    Share,
)
from hundi.documents.sums import sum_of
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money

NET_AND_ADJUSTMENT = Code(
    "PAY-SUM-TOTAL", Kind.RULE, "What is paid and what is adjusted do not make the total."
)
SPLITS = Code(
    "PAY-SUM-SPLITS", Kind.RULE, "The splits of an invoice's share do not make its adjustment."
)
SHARES = Code(
    "PAY-SUM-SHARES", Kind.RULE, "The shares of the invoices do not make the payment's amount."
)
NOTHING_PAID = Code("PAY-NOTHING-PAID", Kind.RULE, "The share of an invoice is zero.")
INVOICE_TWICE = Code("PAY-INVOICE-TWICE", Kind.RULE, "One message names an invoice twice.")
NOTE_WITHOUT_NUMBER = Code(
    "PAY-NOTE-WITHOUT-NUMBER",
    Kind.WARNING,
    "A CREDIT NOTE split does not say which note; it settles nothing by itself.",
)
CODES = (NET_AND_ADJUSTMENT, SPLITS, SHARES, NOTHING_PAID, INVOICE_TWICE, NOTE_WITHOUT_NUMBER)

_NOTE = "CREDIT NOTE"
_FIGURES = ("netPaidAmount", "netAdjustmentAmount", "totalAmount")


def share_path(place: int) -> str:
    """The JSON path of a payment's share."""
    return f"payment.invoicesPayInfos[{place}]"


def splits_of(share: Share) -> Sequence[AmountSplit]:
    """The splits of a share, none where it has none."""
    return share.invoicePaymentAmount.splits or ()


def points_to_a_note(split: AmountSplit) -> bool:
    """Whether a split only says why less is paid: a credit note counts once, at its acceptance."""
    return split.name.upper().replace("_", " ").replace("-", " ").strip() == _NOTE


def pointed(share: Share) -> Money:
    """Value of the credit notes that a share points to."""
    return sum_of(Money.of(split.value) for split in splits_of(share) if points_to_a_note(split))


def applied(share: Share) -> Money:
    """What a share takes off the due: its total without pointers to notes."""
    return Money.of(share.invoicePaymentAmount.totalAmount) - pointed(share)


def deductions(share: Share) -> dict[str, Money]:
    """What a share takes off the due without money, by account; splits of one name together."""
    found: dict[str, Money] = {}
    for split in splits_of(share):
        if not points_to_a_note(split):
            account = split_account(split.name)
            found[account] = found.get(account, ZERO) + Money.of(split.value)
    return found


def amounts(body: PayBody) -> Iterator[Fault]:
    """Every sum inside the message: of the payment, of each share, and of all shares."""
    payment = body.payment
    yield from _net_and_adjustment(payment.paymentAmount, "payment.paymentAmount")
    for place, share in enumerate(payment.invoicesPayInfos):
        path = f"{share_path(place)}.invoicePaymentAmount"
        yield from _net_and_adjustment(share.invoicePaymentAmount, path)
        yield from _splits(share, path)
    yield from _shares(payment.paymentAmount, payment.invoicesPayInfos)


def _net_and_adjustment(amount: PaymentAmount | InvoicePaymentAmount, path: str) -> Iterator[Fault]:
    net, adjustment = Money.of(amount.netPaidAmount), Money.of(amount.netAdjustmentAmount)
    total, right = Money.of(amount.totalAmount), net + adjustment
    if total != right:
        detail = (
            f"{net.text()} paid and {adjustment.text()} adjusted make {right.text()}, the total is"
            f" {total.text()}. Payments have no tolerance: correct the amounts."
        )
        facts = {"paid": net.text(), "adjusted": adjustment.text()}
        yield NET_AND_ADJUSTMENT.at(
            f"{path}.totalAmount", detail, stated=total.text(), sum=right.text(), **facts
        )


def _splits(share: Share, path: str) -> Iterator[Fault]:
    stated = Money.of(share.invoicePaymentAmount.netAdjustmentAmount)
    made = sum_of(Money.of(split.value) for split in splits_of(share))
    if stated != made:
        detail = (
            f"The splits make {made.text()}, the adjustment is {stated.text()}. Payments have no"
            " tolerance: name every part of the adjustment in splits."
        )
        yield SPLITS.at(f"{path}.splits", detail, stated=stated.text(), sum=made.text())
    for place, split in enumerate(splits_of(share)):
        if points_to_a_note(split) and not split.refNo:
            value = Money.of(split.value).text()
            detail = (
                f"The CREDIT NOTE of {value} has no refNo; a note lowers the due when it is"
                " accepted, not here. Give the number of the note."
            )
            yield NOTE_WITHOUT_NUMBER.at(f"{path}.splits[{place}].refNo", detail, value=value)


def _shares(whole: PaymentAmount, shares: Sequence[Share]) -> Iterator[Fault]:
    for figure in _FIGURES:
        stated = Money.of(getattr(whole, figure))
        parts = [Money.of(getattr(share.invoicePaymentAmount, figure)) for share in shares]
        made = sum_of(parts)
        if stated != made:
            detail = (
                f"The {figure} of the payment is {stated.text()}, its {len(parts)} shares make"
                f" {made.text()}. Payments have no tolerance: correct the amounts."
            )
            facts = {"figure": figure, "shares": len(parts)}
            path = f"payment.paymentAmount.{figure}"
            yield SHARES.at(path, detail, stated=stated.text(), sum=made.text(), **facts)


def each_invoice_once(body: PayBody) -> Iterator[Fault]:
    """An invoice has one share, and the share is something."""
    shares = body.payment.invoicesPayInfos
    yield from named_twice(
        [share.objectId for share in shares], [share_path(place) for place in range(len(shares))]
    )
    for place, share in enumerate(shares):
        if not applied(share):
            detail = (
                f"Nothing is paid on invoice {share.supplierInvoiceNumber}: its total without credit"
                " notes is 0.00. Leave it out."
            )
            facts = {"number": share.supplierInvoiceNumber, "stated": "0.00"}
            path = f"{share_path(place)}.invoicePaymentAmount.totalAmount"
            yield NOTHING_PAID.at(path, detail, **facts)


def named_twice(object_ids: Sequence[str], paths: Sequence[str]) -> Iterator[Fault]:
    """A fault for every place that names an invoice which another place names too."""
    times = Counter(object_ids)
    for object_id, path in zip(object_ids, paths, strict=True):
        if times[object_id] > 1:
            detail = f"The message names {object_id} {times[object_id]} times. Name it once."
            facts = {"invoice": object_id, "times": times[object_id]}
            yield INVOICE_TWICE.at(f"{path}.objectId", detail, **facts)
