"""What a business settles for its trade with everybody, and how that is changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa

from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.parties import tables
from hundi.parties.model import UNKNOWN, TradeSettings
from hundi.store.engine import Database, Row, Transaction

BAD_SETTING = Code(
    "PARTY-SETTING", Kind.RULE, "A setting of a business is none of those that it may have."
)
CODES = (BAD_SETTING,)

NONE = "none"
ENTERPRISES = ("micro", "small", "medium")
MOST_DAYS = 365
MOST_PERCENT = 1000
COLUMNS = ("enterprise", "deemed_acceptance_days", "over_delivery_percent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """New settings as a person writes them; None leaves one as it is, "none" takes it away."""

    enterprise: str | None = None
    deemed_acceptance_days: str | None = None
    over_delivery: str | None = None


def settings_of(row: Row) -> TradeSettings:
    """The settings in a row that has the columns of `COLUMNS`."""
    percent = row["over_delivery_percent"]
    return TradeSettings(
        enterprise=row["enterprise"],
        deemed_acceptance_days=row["deemed_acceptance_days"],
        over_delivery_percent=None if percent is None else Decimal(percent),
    )


async def settings_by_entity(tx: Transaction, entity_ids: set[str]) -> dict[str, TradeSettings]:
    """The settings of some entities by their id."""
    entity = tables.entity.c
    wanted = [entity.entity_id, *(entity[name] for name in COLUMNS)]
    query = sa.select(*wanted).where(entity.entity_id.in_(sorted(entity_ids)))
    return {row["entity_id"]: settings_of(row) for row in await tx.select(query)}


async def set_party(database: Database, b2b_id: str, changes: Changes) -> TradeSettings:
    """Change the settings of the business that owns a B2B ID; all that it has afterwards.

    Raises RefusedError for an unknown ID and for what is no setting.
    """
    faults = list(_faults(changes))
    if faults:
        raise RefusedError(faults)
    values = _values(changes)

    async def store(tx: Transaction) -> TradeSettings:
        ids, entity = tables.b2b_id.c, tables.entity
        rows = await tx.select(sa.select(ids.entity_id).where(ids.b2b_id == b2b_id))
        if not rows:
            detail = f"No B2B ID {b2b_id} is on the network. `hundi party add` makes one."
            raise RefusedError([UNKNOWN.at("b2bId", detail)])
        owner = rows[0]["entity_id"]
        if values:
            change = sa.update(entity).where(entity.c.entity_id == owner).values(**values)
            await tx.execute(change)
        return (await settings_by_entity(tx, {owner}))[owner]

    return await database.write(store)


def _faults(changes: Changes) -> Iterator[Fault]:
    told = changes.enterprise
    if told is not None and told not in {*ENTERPRISES, NONE}:
        detail = f"An enterprise is {', '.join(ENTERPRISES)} or {NONE}, not {told}."
        yield BAD_SETTING.at("enterprise", detail)
    told = changes.deemed_acceptance_days
    if told is not None and told != NONE and not _is_days(told):
        detail = f"Give 1 to {MOST_DAYS} days, or {NONE}; not {told}."
        yield BAD_SETTING.at("deemedAcceptanceDays", detail)
    told = changes.over_delivery
    if told is not None and told != NONE and not _is_percent(told):
        detail = f"Give 0 to {MOST_PERCENT} percent with up to 3 decimals, or {NONE}; not {told}."
        yield BAD_SETTING.at("overDelivery", detail)


def _is_days(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST_DAYS


def _is_percent(text: str) -> bool:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        return False
    if not percent.is_finite() or not 0 <= percent <= MOST_PERCENT:
        return False
    exponent = percent.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -3


def _values(changes: Changes) -> Mapping[str, object]:
    told = {
        "enterprise": changes.enterprise,
        "deemed_acceptance_days": changes.deemed_acceptance_days,
        "over_delivery_percent": changes.over_delivery,
    }
    values: dict[str, object] = {
        name: None if value == NONE else value for name, value in told.items() if value is not None
    }
    days, percent = values.get("deemed_acceptance_days"), values.get("over_delivery_percent")
    if isinstance(days, str):
        values["deemed_acceptance_days"] = int(days)
    if isinstance(percent, str):
        values["over_delivery_percent"] = f"{Decimal(percent):f}"
    return values
