"""The books of one invoice: its accounts, and what they make of its status. Pure.

Every transfer debits one account and credits another one, so the sum over all of them is zero. An
account that is mostly debited holds what is owed or was received (`due`, `cash`, `notes`, a split);
one that is mostly credited stands against it (`billed`, `debit notes`, `on account`), and its net is
below zero. In the trade story (section 10, paise), invoice 1 goes

    accepted                debit due 71700700            credit billed 71700700
    credit note accepted    debit notes 1415900           credit due 1415900
    payment 1 confirmed     debit cash 40000000           credit due 40000000
                            debit split:TDS 24200         credit due 24200
    payment 2 confirmed     debit cash 30260600           credit due 30260600

and ends with due 0, billed -71700700, notes +1415900, cash +70260600, split:TDS +24200.

What lowers the due and finds too little of it goes to the buyer's credit, `on account`:
`lowering` shares an amount out. At any time, nothing being reserved,

    due = max(0, total - advances + debit notes - credit notes - cash - splits - waived)

and `on account` holds what is beyond (as a credit), `rounding` the paise of it that a payment was
over. Where due becomes free again (a debit note, a payment that was rejected), `derive` moves both
back to it. What is waived grows and falls with the notes that count after the closing: a closed
invoice has nothing due, and no credit while something is waived. A note that is accepted before its
invoice is waits in `notes ahead`: nobody owes anything yet. Once the invoice is assigned to a lender
the due is his: credit notes go on account, and nothing of that comes back; what was paid too much
does.

A payment reserves its credits of `due` until it is confirmed, and marks them with a parallel
transfer of the same sum, debit `paying` and credit `payments`: so a pending note, which reserves
`due` too, is never taken for a payment. Confirmed, its net says that something was paid.
"""

from collections.abc import Sequence

from msgspec import UnsetType

from hundi.documents.invoice_bodies import Invoice
from hundi.exchange.views import Derived, DocumentView, Posting
from hundi.kernel.money import ZERO, Money

DUE = "due"
"""What the buyer still owes. Never below zero."""
BILLED = "billed"
"""What the accepted invoice asks for in all (credit)."""
ADVANCES = "advances"
"""What was paid before the invoice, as it states (debit)."""
NOTES = "notes"
"""Credit notes that were accepted (debit)."""
DEBIT_NOTES = "debit notes"
"""Debit notes that were accepted (credit)."""
NOTES_AHEAD = "notes ahead"
"""Notes that were accepted before the invoice: credit notes a credit, debit notes a debit."""
CASH = "cash"
"""Money that payments have brought (debit)."""
PAYING, PAYMENTS = "paying", "payments"
"""What payments take of the due: reserved while they wait for their confirmation, then posted."""
ON_ACCOUNT = "on account"
"""The buyer's credit: what exceeded the due (credit)."""
ROUNDING = "rounding"
"""Up to a rupee that a payment was over (credit)."""
WAIVED = "waived"
"""What the supplier gave up when he closed the invoice (debit)."""
CREDITED = "credited"
"""Live credit notes, from their ack on: what the cap counts (debit)."""
FINANCED, FINANCINGS = "financed", "financings"
"""Counts: a financing request that is open (reserved) or has led to an assignment (posted)."""
ASSIGNING, ASSIGNMENTS = "assigning", "assignments"
"""Counts: the acceptance of a bid that is open (reserved) or was agreed to (posted)."""

ACCEPTED = "ACCEPTED"
PAYMENT_INITIATED = "PAYMENT INITIATED"
PARTIALLY_PAID = "PARTIALLY PAID"
PAID = "PAID"
CLOSED = "CLOSED"
OWED = frozenset({ACCEPTED, PAYMENT_INITIATED, PARTIALLY_PAID, PAID})
"""States between which the ledger decides: the invoice is accepted and not closed."""
BOOKED = OWED | {CLOSED}
"""States in which the invoice's total stands in the books."""
ENDED = frozenset({"REJECTED", "CANCELLED"})
"""States in which nobody owes anything on it, and nobody ever will."""


def split_account(name: str) -> str:
    """Account of an invoice for one kind of payment split: `split:TDS` (debit)."""
    return f"split:{name.strip().upper()}"


def note_account(object_id: str) -> str:
    """Account of an invoice for one credit note: its share of the note (credit)."""
    return f"note:{object_id}"


def share_of(view: DocumentView, note_id: str) -> int:
    """How much of a credit note falls on this invoice, in paise, as reserved at its ack."""
    held = view.balance(note_account(note_id))
    return -held.net + held.credit_pending


def total_of(invoice: Invoice) -> Money:
    """What the invoice asks for in all, before advances."""
    total = invoice.valueDetails.totalInvoiceValue
    return ZERO if isinstance(total, UnsetType) else Money.of(total)


def credit_on_account(view: DocumentView) -> int:
    """The buyer's free credit on this invoice, in paise."""
    return _free_credit(view, ON_ACCOUNT)


def _free_credit(view: DocumentView, account: str) -> int:
    held = view.balance(account)
    return max(0, -held.net - held.debit_pending)


def transfer(ref: str, *, debit: str, credit: str, amount: int) -> tuple[Posting, ...]:
    """One transfer of paise, or none where there is nothing to move."""
    if amount <= 0:
        return ()
    return (Posting(ref=ref, debit=debit, credit=credit, amount=amount),)


def lowering(
    ref: str, *, source: str, amount: int, free: int, beyond: str = ON_ACCOUNT
) -> tuple[Posting, ...]:
    """Lower the due by an amount from an account; what exceeds the free due goes `beyond`.

    `free` is `due.left`: what nobody else has reserved.
    """
    drawn = min(amount, max(free, 0))
    return (
        *transfer(ref, debit=source, credit=DUE, amount=drawn),
        *transfer(ref, debit=source, credit=beyond, amount=amount - drawn),
    )


def acceptance(ref: str, *, total: int, advance: int) -> tuple[Posting, ...]:
    """The buyer owes the total, less what he has paid in advance.

    The advance is booked against the bill, so that the due is never below zero on its way.
    """
    used = min(total, advance)
    return (
        *transfer(ref, debit=DUE, credit=BILLED, amount=total - used),
        *transfer(ref, debit=ADVANCES, credit=BILLED, amount=used),
        *transfer(ref, debit=ADVANCES, credit=ON_ACCOUNT, amount=advance - used),
    )


def closing(ref: str, *, free: int) -> tuple[Posting, ...]:
    """The supplier waives what is free of the due."""
    return transfer(ref, debit=WAIVED, credit=DUE, amount=free)


def derive(view: DocumentView) -> Derived:
    """The status that the ledger gives, and the transfers that put the accounts in order."""
    if view.status not in BOOKED:
        return Derived(status=view.status)
    postings = _in_order(view)
    if view.status == CLOSED:  # its notes still count, but nothing opens it again
        return Derived(status=CLOSED, postings=(*postings, *_waived(view, postings)))
    moved = sum(p.amount for p in postings if p.credit == DUE)
    raised = sum(p.amount for p in postings if p.debit == DUE)
    paying = view.balance(PAYING)
    if paying.debit_pending > 0:
        status = PAYMENT_INITIATED
    elif view.balance(DUE).net + raised - moved == 0:
        status = PAID
    elif paying.net > 0:
        status = PARTIALLY_PAID
    else:
        status = ACCEPTED
    return Derived(status=status, postings=postings)


def _waived(view: DocumentView, postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """Nothing is due on a closed invoice, and what was waived is no credit: the buyer never paid it.

    A debit note that counts after the closing is waived as well. A credit note takes back from what
    was waived, and only what is beyond stays on account.
    """

    def moved(account: str) -> int:
        into = sum(p.amount for p in postings if p.debit == account)
        return into - sum(p.amount for p in postings if p.credit == account)

    free = view.balance(DUE).left + moved(DUE)
    credit = credit_on_account(view) - moved(ON_ACCOUNT)
    return (
        *transfer(view.ref, debit=WAIVED, credit=DUE, amount=free),
        *transfer(
            view.ref, debit=ON_ACCOUNT, credit=WAIVED, amount=min(credit, view.balance(WAIVED).net)
        ),
    )


def assigned(view: DocumentView) -> bool:
    """Whether a lender has bought the invoice."""
    return view.balance(FINANCED).net > 0


def _in_order(view: DocumentView) -> tuple[Posting, ...]:
    """Notes that came early are booked; what was too much before fills what is free of the due."""
    early = view.balance(NOTES_AHEAD).net
    free = view.balance(DUE).left + max(early, 0)
    raised = transfer(view.ref, debit=DUE, credit=NOTES_AHEAD, amount=early)
    lowered = lowering(view.ref, source=NOTES_AHEAD, amount=-early, free=free)
    free -= sum(p.amount for p in lowered if p.credit == DUE)
    over = min(free, _free_credit(view, ROUNDING))
    back = 0 if assigned(view) else min(free - over, credit_on_account(view))
    return (
        *raised,
        *lowered,
        *transfer(view.ref, debit=ROUNDING, credit=DUE, amount=over),
        *transfer(view.ref, debit=ON_ACCOUNT, credit=DUE, amount=back),
    )
