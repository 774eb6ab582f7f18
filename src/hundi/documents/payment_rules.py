"""The trade rules of a payment and its confirmation, and what a payment books. Pure.

A payment is a fact: money has moved. What cannot be right in the message is refused; what is odd
about the money itself (another payee, a due that is not the ledger's) is told and goes on.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from hundi.documents.erased import erased
from hundi.documents.invoice_ledger import (
    ACCEPTED,
    BILLED,
    CASH,
    DUE,
    NOTES,
    PARTIALLY_PAID,
    PAYING,
    PAYMENT_INITIATED,
    PAYMENTS,
    ROUNDING,
    assigned,
    lowering,
)
from hundi.documents.payee import PAYEE, paid_past_the_lender
from hundi.documents.payment_bodies import PayBody, PayConfirmationBody, Share
from hundi.documents.payment_sums import (
    amounts,
    applied,
    deductions,
    each_invoice_once,
    named_twice,
    pointed,
    share_path,
)
from hundi.documents.sums import RUPEE
from hundi.documents.under_way import changing_hands
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import Money
from hundi.parties.model import IS_PAID, PAYS

NUMBER_MISMATCH = Code("PAY-NUMBER-MISMATCH", Kind.RULE, "The invoice has another number.")
NOT_PAYABLE = Code(
    "PAY-NOT-PAYABLE",
    Kind.RULE,
    "An invoice is paid once it is accepted and while something is due.",
)
OVER_DUE = Code(
    "PAY-OVER-DUE", Kind.RULE, "The share of an invoice exceeds what is due by more than a rupee."
)
STATED_DUE = Code("PAY-STATED-DUE", Kind.WARNING, "The stated due is not the one in the ledger.")
STATED_TOTAL = Code(
    "PAY-STATED-TOTAL", Kind.WARNING, "The stated total of the invoice is not what it asks for."
)
OTHER_IDS = Code(
    "PAY-OTHER-IDS", Kind.WARNING, "The invoice is between other B2B IDs of these businesses."
)
CHANGED = Code(
    "PAY-CHANGED", Kind.RULE, "A payment that is sent again keeps type, invoices and amounts."
)
UTR_USED = Code("PAY-UTR-USED", Kind.WARNING, "Another payment of the buyer has the same UTR.")
REJECT_ONPLATFORM = Code(
    "PAY-REJECT-ONPLATFORM", Kind.RULE, "Only an OFFPLATFORM payment can be rejected."
)
OTHER_TYPE = Code("PAY-OTHER-TYPE", Kind.RULE, "The confirmation's type is not the payment's.")
OTHER_INVOICES = Code(
    "PAY-OTHER-INVOICES", Kind.RULE, "The confirmation names other invoices than the payment."
)
PAYER_LEVEL = Code(
    "PAY-PAYER-LEVEL", Kind.RULE, "Who pays is verified to level 2: with a category, and proved."
)
PAYEE_LEVEL = Code(
    "PAY-PAYEE-LEVEL",
    Kind.RULE,
    "Who is paid is verified to level 3: documents and account have been seen.",
)
CODES = (
    PAYER_LEVEL, PAYEE_LEVEL, NUMBER_MISMATCH, NOT_PAYABLE, OVER_DUE, STATED_DUE, STATED_TOTAL, PAYEE, OTHER_IDS, CHANGED,
    UTR_USED, REJECT_ONPLATFORM, OTHER_TYPE, OTHER_INVOICES,
)  # fmt: skip

OFFPLATFORM = "OFFPLATFORM"
PAYABLE = (ACCEPTED, PARTIALLY_PAID, PAYMENT_INITIATED)
_ROOT = "paymentConfirmation"


def invoice_path(place: int) -> str:
    """The JSON path of an invoice that a confirmation names."""
    return f"{_ROOT}.invoiceInfos[{place}]"


def parties_are_verified(body: PayBody, context: RuleContext) -> Iterator[Fault]:
    """Level 1 exchanges documents, level 2 also pays, level 3 is also paid.

    Of an invoice that was assigned the lender is paid.
    """
    parties, ids = context.parties, body.b2bIds
    buyer, supplier = parties[ids.buyerB2BId], parties[ids.supplierB2BId]
    if buyer.level < PAYS:
        detail = (
            f"{buyer.b2b_id} is verified to level {buyer.level}; level {PAYS} pays. It comes with a"
            " merchant category (not 0000) and the ownership code at its registration, or from the"
            " operator."
        )
        facts = {"level": buyer.level, "needed": PAYS}
        yield PAYER_LEVEL.at("b2bIds.buyerB2BId", detail, **facts)
    paths = [share_path(place) for place in range(len(body.payment.invoicesPayInfos))]
    lenders = {path: view.stakeholder for path in paths if (view := context.held.get(path))}
    if None in lenders.values() or not lenders:
        yield from _paid(supplier.b2b_id, supplier.level, "b2bIds.supplierB2BId")
    for path, lender in lenders.items():
        if lender is not None:
            yield from _paid(lender.b2b_id, lender.level, path)


def _paid(b2b_id: str, level: int, path: str) -> Iterator[Fault]:
    if level < IS_PAID:
        detail = (
            f"{b2b_id} is verified to level {level}; level {IS_PAID} is paid. The operator gives it"
            " once documents and account are verified: ask who is to be paid to have that done."
        )
        yield PAYEE_LEVEL.at(path, detail, level=level, needed=IS_PAID)


def shares_fit_their_invoices(body: PayBody, context: RuleContext) -> Iterator[Fault]:
    """Each share against the invoice that it pays, as the ledger has it.

    A payment that is sent again has its reservation already: it is judged against itself.
    """
    first = context.document is None
    for place, share in enumerate(body.payment.invoicesPayInfos):
        path = share_path(place)
        view = context.held.get(path)
        if view is None:
            continue
        yield from _number(share.supplierInvoiceNumber, path, view)
        if first:
            yield from changing_hands(view, f"{path}.objectId")
            yield from _payable(share, path, view)
            yield from _stated(share, path, view)
            yield from _between_its_ids(body, path, view)
        if assigned(view):
            supplier = context.parties[body.b2bIds.supplierB2BId].name
            yield from paid_past_the_lender(share, path, view=view, supplier=supplier)


def _number(stated: str, path: str, view: DocumentView) -> Iterator[Fault]:
    """Numbers are compared as they are made unique: upper and lower case are one."""
    if stated.casefold() != view.number.casefold():
        detail = f"The invoice's number is {view.number}, not {stated}. Check which is meant."
        yield NUMBER_MISMATCH.at(
            f"{path}.supplierInvoiceNumber", detail, number=view.number, stated=stated
        )


def _between_its_ids(body: PayBody, path: str, view: DocumentView) -> Iterator[Fault]:
    """Invoices of a payment are between its own two IDs (contract, inferred from its one `b2bIds`).

    Warned only: a head office that pays for its branches has paid.
    """
    if view.body is None:
        return
    ids, told = view.body.b2bIds, body.b2bIds
    buyer, supplier = ids.buyerB2BId, ids.supplierB2BId
    if (buyer, supplier) == (told.buyerB2BId, told.supplierB2BId):
        return
    detail = (
        f"Invoice {view.number} is between {buyer} and {supplier}, and the payment between"
        f" {told.buyerB2BId} and {told.supplierB2BId}, who is told of it. Name the invoice's IDs."
    )
    yield OTHER_IDS.at(f"{path}.objectId", detail, buyer=buyer, supplier=supplier)


def _payable(share: Share, path: str, view: DocumentView) -> Iterator[Fault]:
    number = share.supplierInvoiceNumber
    if view.status not in PAYABLE:
        detail = (
            f"Invoice {number} is {view.status}; what is paid is {', '.join(PAYABLE)}."
            " Do not report the payment on this invoice."
        )
        facts = {"number": number, "status": view.status, "payable": list(PAYABLE)}
        yield NOT_PAYABLE.at(f"{path}.statusTransition.currentStatus", detail, **facts)
        return
    due, asked = Money(view.balance(DUE).left), applied(share)
    most = due + RUPEE if due else due
    if asked > most:
        detail = (
            f"{asked.text()} is to settle invoice {number}, of which {due.text()} is due and not"
            f" reserved; at most {most.text()}. Lower the share, or report the rest on another"
            " invoice."
        )
        facts = {"due": due.text(), "most": most.text(), "number": number}
        where = f"{path}.invoicePaymentAmount.totalAmount"
        yield OVER_DUE.at(where, detail, asked=asked.text(), **facts)


def _stated(share: Share, path: str, view: DocumentView) -> Iterator[Fault]:
    """The buyer's own figures: the due with or without open payments, before or after notes."""
    due = view.balance(DUE)
    notes = (0, pointed(share).paise, view.balance(NOTES).net)
    told = Money.of(share.invoiceAmount.dueAmount)
    if told.paise not in {figure + note for figure in (due.net, due.left) for note in notes}:
        right = Money(due.left).text()
        detail = f"The message says that {told.text()} is due, by the ledger it is {right}."
        where = f"{path}.invoiceAmount.dueAmount"
        yield STATED_DUE.at(where, detail, stated=told.text(), due=right)
    total, asked = Money.of(share.invoiceAmount.totalAmount), Money(-view.balance(BILLED).net)
    if asked and total != asked:
        detail = f"The message says that the invoice is {total.text()}; it asks for {asked.text()}."
        where = f"{path}.invoiceAmount.totalAmount"
        yield STATED_TOTAL.at(where, detail, stated=total.text(), total=asked.text())


def sent_again_it_is_the_same(body: PayBody, context: RuleContext) -> Iterator[Fault]:
    """What was reserved stays reserved: type, invoices and amounts are those of the first time."""
    if context.document is None:
        return
    stored: PayBody | None = context.document.body
    if stored is None:
        yield erased(
            "payment", what="The payment", advice="Settle it with the supplier and the operator."
        )
        return
    before, now = _digest(stored), _digest(body)
    for name in dict.fromkeys((*before, *now)):
        was, said = before.get(name, "nothing"), now.get(name, "nothing")
        if was != said:
            detail = (
                f"{name} was {was} when the payment was sent first and is {said} now. Send the"
                " same payment, or report another one under its own objectId."
            )
            yield CHANGED.at("payment", detail, member=name, was=was, now=said)


def _digest(body: PayBody) -> Mapping[str, str]:
    """What may not change, as a sentence can name it."""
    found: dict[str, str] = {"The type": body.payment.type}
    for share in body.payment.invoicesPayInfos:
        parts = {"paid": Money.of(share.invoicePaymentAmount.netPaidAmount), **deductions(share)}
        parts["by note"] = pointed(share)
        found[f"Invoice {share.objectId}"] = ", ".join(
            f"{name} {amount.text()}" for name, amount in sorted(parts.items()) if amount
        )
    return found


def the_utr_is_new(body: PayBody, context: RuleContext) -> Iterator[Fault]:
    """One transfer is reported once: no other live payment of the buyer has the UTR.

    A payment may have been sent again with another UTR: it is found by the old one, too.
    """
    utr = body.payment.utr
    others = [one for one in context.sharing if one.number.casefold() == utr.casefold()]
    if others:
        named = sorted(one.object_id for one in others if one.object_id)
        strange = ["a payment to somebody else"] if len(named) < len(others) else []
        told = " and ".join([*named, *strange])
        detail = f"The UTR {utr} is that of {told} too. Check whether it is one payment."
        yield UTR_USED.at("payment.utr", detail, utr=utr, payments=named)


def postings(body: PayBody, context: RuleContext) -> tuple[Posting, ...]:
    """What a payment reserves on its invoices until the supplier confirms it.

    Once, however often it is sent: a payment that is known has its reservation.
    """
    if context.document is not None:
        return ()
    shares = enumerate(body.payment.invoicesPayInfos)
    return tuple(
        replace(posting, standing=True)
        for place, share in shares
        for posting in _of_share(share, share_path(place), context)
    )


def _of_share(share: Share, path: str, context: RuleContext) -> Iterator[Posting]:
    """Deductions first, then cash: what is over by up to a rupee is money, booked to rounding."""
    free = context.held[path].balance(DUE).left
    cash = Money.of(share.invoicePaymentAmount.netPaidAmount)
    for account, amount in {**deductions(share), CASH: cash}.items():
        yield from lowering(path, source=account, amount=amount.paise, free=free, beyond=ROUNDING)
        free -= min(amount.paise, max(free, 0))
    yield Posting(ref=path, debit=PAYING, credit=PAYMENTS, amount=applied(share).paise)


def rejects_offplatform_only(body: PayConfirmationBody) -> Iterator[Fault]:
    """What the platform has moved itself has moved; and no invoice is named twice."""
    confirmation = body.paymentConfirmation
    rejects = confirmation.supplierResponse == "REJECT"
    if rejects and confirmation.type != OFFPLATFORM:
        detail = (
            f"A REJECT is for an {OFFPLATFORM} payment, this one is {confirmation.type}. Accept"
            " it, and settle the matter outside."
        )
        facts = {"type": confirmation.type, "allowed": OFFPLATFORM}
        yield REJECT_ONPLATFORM.at(f"{_ROOT}.supplierResponse", detail, **facts)
    names = [info.objectId for info in confirmation.invoiceInfos]
    yield from named_twice(names, [invoice_path(place) for place in range(len(names))])


def confirms_the_payment(body: PayConfirmationBody, context: RuleContext) -> Iterator[Fault]:
    """The confirmation is of the type of the payment and names its invoices, no more, no less."""
    confirmation = body.paymentConfirmation
    for place, info in enumerate(confirmation.invoiceInfos):
        view = context.held.get(invoice_path(place))
        if view is not None:
            yield from _number(info.supplierInvoiceNumber, invoice_path(place), view)
    if context.document is None:
        return
    stored: PayBody | None = context.document.body
    if stored is None:
        yield erased(_ROOT, what="The payment", advice="Settle it with the buyer and the operator.")
        return
    payment = stored.payment
    if confirmation.type != payment.type:
        detail = f"The payment is {payment.type}, the confirmation says {confirmation.type}."
        facts = {"payment": payment.type, "stated": confirmation.type}
        yield OTHER_TYPE.at(f"{_ROOT}.type", f"{detail} Send the payment's.", **facts)
    paid = {share.objectId: share.supplierInvoiceNumber for share in payment.invoicesPayInfos}
    yield from _same_invoices(body, paid)


def _same_invoices(body: PayConfirmationBody, paid: Mapping[str, str]) -> Iterator[Fault]:
    """The invoices of the payment, by objectId, against those of the confirmation."""
    named = {info.objectId for info in body.paymentConfirmation.invoiceInfos}
    for object_id, number in paid.items():
        if object_id not in named:
            detail = (
                f"The payment is also for {object_id} ({number}); a payment is confirmed whole."
                " Name all of its invoices."
            )
            facts = {"invoice": object_id, "number": number}
            yield OTHER_INVOICES.at(f"{_ROOT}.invoiceInfos", detail, **facts)
    for place, info in enumerate(body.paymentConfirmation.invoiceInfos):
        if info.objectId not in paid:
            detail = f"The payment is not for {info.objectId}. Leave the invoice out."
            where = f"{invoice_path(place)}.objectId"
            yield OTHER_INVOICES.at(where, detail, invoice=info.objectId)


FIGURES = (amounts, each_invoice_once)
"""Rules that need nothing but the payment."""
PAYMENT = (
    parties_are_verified,
    shares_fit_their_invoices,
    sent_again_it_is_the_same,
    the_utr_is_new,
)
CONFIRMATION = (confirms_the_payment,)
