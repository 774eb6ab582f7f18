"""What a business settles: set, kept, taken away, and seen by rules."""

from collections.abc import AsyncIterator
from decimal import Decimal
from random import Random

import pytest

from hundi.kernel.clock import wall_clock
from hundi.kernel.faults import RefusedError
from hundi.parties.model import TradeSettings
from hundi.parties.operations import NewParty, add_client, add_party
from hundi.parties.queries import served
from hundi.parties.trade_settings import Changes, set_party
from hundi.store.engine import Database
from hundi.store.opening import open_database
from tests.keys import KEYRING

RANDOM = Random(5).randbytes
MILL = "ZZZFM3301Q@BCB"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, wall_clock)
    client = await add_client(opened, name="ERP", endpoint=None, random=RANDOM, keyring=KEYRING)
    party = NewParty(
        client_id=client.client_id, name="Mill", pan="ZZZFM3301Q", gstin=None, b2b_id=None
    )
    await add_party(opened, party, RANDOM)
    yield opened
    await opened.close()


async def _kept(database: Database) -> TradeSettings:
    known = await database.write(lambda tx: served(tx, {MILL}))
    return known[MILL].trade


async def test_nothing_is_settled_at_first(database: Database) -> None:
    assert await _kept(database) == TradeSettings()
    assert await set_party(database, MILL, Changes()) == TradeSettings()


async def test_what_is_left_out_stays(database: Database) -> None:
    await set_party(database, MILL, Changes(enterprise="small", over_delivery="7.50"))
    made = await set_party(database, MILL, Changes(deemed_acceptance_days="15"))
    assert made == await _kept(database)
    assert made == TradeSettings(
        enterprise="small", deemed_acceptance_days=15, over_delivery_percent=Decimal("7.50")
    )
    gone = await set_party(database, MILL, Changes(enterprise="none", over_delivery="none"))
    assert gone == TradeSettings(deemed_acceptance_days=15)


@pytest.mark.parametrize(
    ("enterprise", "early"), [("micro", True), ("small", True), ("medium", False), (None, False)]
)
def test_the_law_protects_micro_and_small_suppliers(enterprise: str | None, early: bool) -> None:
    assert TradeSettings(enterprise=enterprise).must_be_paid_early is early


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (Changes(enterprise="large"), "enterprise"),
        (Changes(deemed_acceptance_days="0"), "deemedAcceptanceDays"),
        (Changes(deemed_acceptance_days="366"), "deemedAcceptanceDays"),
        (Changes(deemed_acceptance_days="³"), "deemedAcceptanceDays"),
        (Changes(over_delivery="-1"), "overDelivery"),
        (Changes(over_delivery="1000.1"), "overDelivery"),
        (Changes(over_delivery="1.0001"), "overDelivery"),
        (Changes(over_delivery="NaN"), "overDelivery"),
        (Changes(over_delivery="five"), "overDelivery"),
    ],
)
async def test_what_is_no_setting_is_refused(
    database: Database, changes: Changes, path: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        await set_party(database, MILL, changes)
    assert [(f.code, f.path) for f in refusal.value.faults] == [("PARTY-SETTING", path)]
    assert await _kept(database) == TradeSettings()


async def test_an_unknown_id_is_told(database: Database) -> None:
    with pytest.raises(RefusedError) as refusal:
        await set_party(database, "NOBODY@BCB", Changes(enterprise="micro"))
    assert [f.code for f in refusal.value.faults] == ["PARTY-UNKNOWN"]
