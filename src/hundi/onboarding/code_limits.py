"""How many one-time codes may be sent, and how many guessed, of the last 24 hours."""

import sqlalchemy as sa

from hundi.kernel.clock import DAY, HOUR, SECOND
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.onboarding.tables import registration
from hundi.store.engine import Transaction

CODES_A_DAY = 10
CODES_TO_ONE = 30
WRONG_A_DAY = 100
"""Wrong codes of one client, over all of its registrations: each is a guess among a million."""

TOO_MANY = Code(
    "ONBOARD-CODE-LIMIT",
    Kind.LIMIT,
    "Codes are sent a minute apart, five for a registration and ten a day to one number; and only so"
    " many may be wrong.",
)
CODES = (TOO_MANY,)


async def may_send(tx: Transaction, *, client_id: str, phone: str) -> bool:
    """Whether one more code may go to a telephone number, of those of the last 24 hours.

    Each client has ten of its own: nobody uses up those of the number's owner.
    """
    r = registration.c
    own = sa.case((r.client_id == client_id, r.codes), else_=0)
    query = sa.select(
        sa.func.coalesce(sa.func.sum(own), 0).label("own"),
        sa.func.coalesce(sa.func.sum(r.codes), 0).label("of_all"),
    )
    [row] = await tx.select(query.where(r.phone == phone, r.asked_at > tx.now - DAY))
    return bool(row["own"] < CODES_A_DAY and row["of_all"] < CODES_TO_ONE)


async def may_guess(tx: Transaction, client_id: str) -> None:
    """Raises RefusedError where a client has given too many wrong codes, over all registrations."""
    r = registration.c
    query = sa.select(sa.func.coalesce(sa.func.sum(r.tries), 0).label("n"))
    [row] = await tx.select(query.where(r.client_id == client_id, r.asked_at > tx.now - DAY))
    if row["n"] >= WRONG_A_DAY:
        detail = (
            f"{WRONG_A_DAY} codes of your registrations were wrong within 24 hours. Go on later."
        )
        raise RefusedError([TOO_MANY.at("code", detail)], retry_after=HOUR // SECOND)


def a_day(path: str) -> tuple[Fault, int]:
    """The refusal of one more code to a telephone number, and for how many seconds."""
    detail = (
        f"{CODES_A_DAY} codes of yours, or {CODES_TO_ONE} in all, went to this number within 24"
        " hours. Try again tomorrow."
    )
    return TOO_MANY.at(path, detail), DAY // SECOND
