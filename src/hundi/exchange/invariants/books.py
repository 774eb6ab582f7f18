"""What must hold of one document's accounts and transfers. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from hundi.exchange.definition import DocumentType
from hundi.exchange.invariants.documents import view_of
from hundi.exchange.invariants.finding import LEDGER, Broken, told
from hundi.ledger.model import Balance, Phase, document_key
from hundi.store.engine import Row

_SIDES = ("debit", "credit", "debit_pending", "credit_pending")
_PHASES = frozenset(phase.value for phase in Phase)


def balances_of(accounts: Sequence[Row]) -> dict[str, Balance]:
    """A document's accounts by name."""
    return {row["name"]: Balance(**{side: row[side] for side in _SIDES}) for row in accounts}


def wrong_books(
    document: Row,
    kind: DocumentType | None,
    *,
    accounts: Sequence[Row],
    transfers: Sequence[Row],
) -> Iterator[Broken]:
    """What is wrong with a document's books.

    `transfers` may be summed up by debit, credit, unit and phase: `amount` is the sum then, `least`
    the smallest of them.
    """
    where = told(document_key(document))
    wrong = (
        *_wrong_transfers(transfers),
        *_unlike_their_transfers(accounts, transfers),
        *_unequal(accounts),
        *_overdrawn(accounts, kind.guarded if kind is not None else frozenset()),
        *_underived(document, kind, balances_of(accounts)),
    )
    yield from (Broken(LEDGER, where, what) for what in wrong)


def _wrong_transfers(transfers: Sequence[Row]) -> Iterator[str]:
    for one in transfers:
        between = f"from {one['credit']!r} to {one['debit']!r}"
        if one["debit"] == one["credit"]:
            yield f"a transfer {between} does not sum to zero"
        if one["least"] <= 0:
            yield f"a transfer {between} is of {one['least']}"
        if one["phase"] not in _PHASES:
            yield f"a transfer {between} is {one['phase']!r}"


def _unlike_their_transfers(accounts: Sequence[Row], transfers: Sequence[Row]) -> Iterator[str]:
    made: defaultdict[str, Counter[str]] = defaultdict(Counter)
    units: dict[str, set[str]] = defaultdict(set)
    for one in transfers:
        for side in ("debit", "credit"):
            units[one[side]].add(one["unit"])
            if one["phase"] == Phase.POSTED.value:
                made[one[side]][side] += int(one["amount"])
            elif one["phase"] == Phase.PENDING.value:
                made[one[side]][side + "_pending"] += int(one["amount"])
    for row in accounts:
        name = row["name"]
        summed = made.pop(name, Counter())
        if any(row[side] != summed[side] for side in _SIDES):
            says, sums = _told({side: row[side] for side in _SIDES}), _told(summed)
            yield f"account {name!r} holds {says}, its transfers make {sums}"
        if units[name] - {row["unit"]}:
            yield f"account {name!r} counts {row['unit']}, its transfers {sorted(units[name])}"
    for name in made:
        yield f"account {name!r} is missing, it has transfers"


def _told(sides: Mapping[str, int]) -> str:
    return "/".join(str(sides[side]) for side in _SIDES)


def _unequal(accounts: Sequence[Row]) -> Iterator[str]:
    sums: Counter[str] = Counter()
    for row in accounts:
        sums[row["unit"]] += row["debit"] - row["credit"]
        sums[f"reserved {row['unit']}"] += row["debit_pending"] - row["credit_pending"]
    yield from (f"{unit} sum to {amount}, not to zero" for unit, amount in sums.items() if amount)


def _overdrawn(accounts: Sequence[Row], guarded: frozenset[str]) -> Iterator[str]:
    for name, balance in balances_of(accounts).items():
        if name in guarded and balance.left < 0:
            yield f"account {name!r} is below zero: {balance.net}, {balance.credit_pending} reserved"
        if min(balance.debit, balance.credit, balance.debit_pending, balance.credit_pending) < 0:
            yield f"account {name!r} has a side below zero"


def _underived(
    document: Row, kind: DocumentType | None, balances: Mapping[str, Balance]
) -> Iterator[str]:
    if kind is None or kind.derive is None or not document["booked"]:
        return
    derived = kind.derive(view_of(document, balances))
    if derived.status != document["status"]:
        yield f"its status is {document['status']}, the ledger says {derived.status}"
    for one in derived.postings:
        yield f"{one.amount} on {one.credit!r} should stand on {one.debit!r}"
