"""The store's own check knows calls without a counterparty: answered, waiting for a code, declined."""

from hundi.exchange.feed import number_events
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.walk import Result, check_store
from tests.exchange.breaking import change
from tests.onboarding.bodies import check, entity
from tests.onboarding.desk import Desk


async def checked(net: Desk) -> tuple[list[Broken], Result]:
    found: list[Broken] = []
    await net.stage.database.write(number_events)
    result = await net.stage.database.read(
        lambda tx: check_store(tx, net.stage.road.settler.types, report=found.append)
    )
    return found, result


async def test_calls_and_their_answers_are_in_order(net: Desk, database_url: str) -> None:
    await net.active()
    await net.outcome("reg-check-entity", check(number=2), client_id="buyer")
    await net.taken("reg-check-entity", check("ZZZCI0001K", number=3), client_id="rival")
    found, result = await checked(net)
    assert found == []
    assert result.rows["exchange"] >= 3
    last = "(select max(webhook_id) from delivery)"
    await change(database_url, f"delete from delivery where webhook_id = {last}")
    found, _ = await checked(net)
    assert [one.what for one in found] == ["it is lost; its exchange is SETTLED"]


async def test_a_registration_that_waits_is_open(net: Desk) -> None:
    await net.outcome("reg-check-entity", check())
    await net.taken("reg-entity", entity())
    found, result = await checked(net)
    assert found == []
    assert result.states["OPEN"] == 1
